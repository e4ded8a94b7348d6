from .loading import LoadMicroscopyImage, LoadPointAnnotations
from .random_points import RandomPointLabel

__all__ = ['LoadMicroscopyImage', 'LoadPointAnnotations', 'RandomPointLabel']
