from .cell_masks import CellMaskDataset
from .errors import AnnotationError, ImageFileError
from .livecell_points import LIVECellPointDataset
from .transforms import (LoadMicroscopyImage, LoadPointAnnotations,
                         LoadPolygonAnnotations, RandomPointLabel)

__all__ = [
    'AnnotationError', 'CellMaskDataset', 'ImageFileError',
    'LIVECellPointDataset', 'LoadMicroscopyImage', 'LoadPointAnnotations',
    'LoadPolygonAnnotations', 'RandomPointLabel'
]
