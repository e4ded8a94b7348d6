"""MMDetection's data sets, transforms and samplers for cells."""
from .cell_masks import CellMaskDataset
from .cell_points import CellPointDataset, LIVECellPointDataset
from .seeding import SeededInfiniteSampler, SeedSample
from .transforms import (LoadMicroscopyImage, LoadPointAnnotations,
                         LoadPolygonAnnotations, RandomPointLabel)

__all__ = [
    'CellMaskDataset', 'CellPointDataset', 'LIVECellPointDataset',
    'LoadMicroscopyImage', 'LoadPointAnnotations', 'LoadPolygonAnnotations',
    'RandomPointLabel', 'SeedSample', 'SeededInfiniteSampler'
]
