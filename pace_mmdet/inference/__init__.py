"""Segmenting images with a trained model.

>>> segmenter = load_segmenter('best.pth')
>>> cells = segmenter(read_image('image.tif'))
>>> labels = cells.label_image()
"""
from pace_mmdet.images.stacks import read_image

from .cells import Cells
from .segmenter import Segmenter, load_segmenter

__all__ = ['Cells', 'Segmenter', 'load_segmenter', 'read_image']
