"""Label images: one number per cell, 0 for background."""
from pathlib import Path
from typing import Union

import numpy as np

from pace_mmdet.errors import ImageFileError

from .microscopy import read_image
from .stacks import TIFF_SUFFIXES

IMAGE_SUFFIXES = (*TIFF_SUFFIXES, '.png', '.jpg', '.jpeg', '.bmp')
LABEL_SUFFIXES = (*TIFF_SUFFIXES, '.png')


def read_label_image(path: Union[str, Path]) -> np.ndarray:
    """Read a label image.

    Args:
        path (str or Path): A 2D TIFF or PNG file.

    Returns:
        ndarray: int64, shape (H, W).

    Raises:
        ImageFileError: If it cannot be read, or its pixels are no labels.
    """
    img = read_image(path)
    if img.ndim != 2:
        raise ImageFileError(f'{path}: expected a label image with one '
                             'number per pixel, got a colour image')
    if img.dtype.kind not in 'uifb':
        raise ImageFileError(f'{path}: expected whole numbers as labels, got '
                             f'{img.dtype}')
    if img.dtype.kind == 'f' and not (np.isfinite(img) &
                                      (img == np.floor(img))).all():
        raise ImageFileError(f'{path}: expected whole numbers as labels, got '
                             f'fractions or NaN ({img.dtype})')
    labels = img.astype(np.int64)
    if (labels < 0).any():
        raise ImageFileError(f'{path}: expected labels of at least 0, got '
                             f'{labels.min()}')
    return labels
