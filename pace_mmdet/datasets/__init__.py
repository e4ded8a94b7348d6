"""MMDetection's data sets, transforms and samplers for cells."""
from .cell_masks import CellMaskDataset
from .cell_points import LIVECellPointDataset
from .seeding import SeededInfiniteSampler, SeedSample
from .transforms import (LoadMicroscopyImage, LoadPointAnnotations,
                         LoadPolygonAnnotations, RandomPointLabel)

__all__ = [
    'CellMaskDataset', 'LIVECellPointDataset', 'LoadMicroscopyImage',
    'LoadPointAnnotations', 'LoadPolygonAnnotations', 'RandomPointLabel',
    'SeedSample', 'SeededInfiniteSampler'
]
