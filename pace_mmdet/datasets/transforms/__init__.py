from .loading import LoadMicroscopyImage, LoadPointAnnotations
from .polygons import LoadPolygonAnnotations
from .random_points import RandomPointLabel

__all__ = [
    'LoadMicroscopyImage', 'LoadPointAnnotations', 'LoadPolygonAnnotations',
    'RandomPointLabel'
]
