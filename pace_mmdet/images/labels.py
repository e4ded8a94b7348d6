"""Label images: one number per cell, 0 for background."""
from pathlib import Path
from typing import Optional, Union

import numpy as np
from skimage import measure

from pace_mmdet.errors import ImageFileError

from .cellpose import load_numpy
from .formats import TIFF_SUFFIXES
from .stacks import ImageStack, read_single

CELLPOSE_ENDING = '_seg.npy'
LABEL_SUFFIXES = (*TIFF_SUFFIXES, '.png', '.bmp', '.gif', '.zarr', '.npy')
MASK_MODES = ('refuse', 'parts', 'one')
# What programs write for "cell" in a mask that tells no cells apart.
_MASK_VALUES = (1, 255, 65535)


def read_label_image(path: Union[str, Path],
                     page: Optional[int] = None,
                     masks: str = 'refuse') -> np.ndarray:
    """Read a label image.

    The numbers are those that are stored: places in a palette, not its
    colours.

    Args:
        path (str or Path): An image file, or one of Cellpose
            (``..._seg.npy``).
        page (int, optional): Which plane of a stack, from 0.
        masks (str): What becomes of an image with a single number (1, 255 or
            65535) in several separate parts, which most likely tells cells
            from background, but not from one another. 'refuse'; 'parts':
            each part is a cell; 'one': all parts are one cell.

    Returns:
        ndarray: int64, shape (H, W).

    Raises:
        ImageFileError: If it cannot be read, or its pixels are no labels.
    """
    path = Path(path)
    if path.name.lower().endswith('.npy'):
        img = _of_numpy(path, page)
    else:
        with ImageStack(path, as_numbers=True, page=page) as stack:
            if stack.num_channels == len(stack) == 3:
                raise ImageFileError(
                    f'{path}: expected a label image with one number per '
                    'pixel, got a colour image or 3 planes; of planes, say '
                    'which one with --page 0 ... 2')
            img = read_single(stack)
    return _separate(_as_labels(img, path), path, masks)


def _as_labels(img: np.ndarray, path: Path) -> np.ndarray:
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


def _separate(labels: np.ndarray, path: Path, masks: str) -> np.ndarray:
    """What ``masks`` makes of a mask."""
    value = int(labels.max(initial=0))
    if masks == 'one' or value not in _MASK_VALUES or (
            (labels != 0) & (labels != value)).any():
        return labels
    # Pixels that touch at a corner belong together.
    parts, count = measure.label(labels, connectivity=2, return_num=True)
    if masks == 'refuse' and count > 1:
        raise ImageFileError(
            f'{path}: holds 0 and {value} only, in {count} separate parts: a '
            'mask of all cells, no label image with a number for each. '
            '--masks parts makes each part a cell (cells that touch become '
            'one), --masks one takes all of them as one cell')
    return parts.astype(np.int64) if masks == 'parts' else labels


def _of_numpy(path: Path, page: Optional[int]) -> np.ndarray:
    """The array of a NumPy file, or Cellpose's ``masks``."""
    labels = load_numpy(path)
    if labels.ndim == 3 and page is not None and 0 <= page < len(labels):
        labels = labels[page]
    if labels.ndim != 2:
        pages = f'; say which plane with --page 0 ... {len(labels) - 1}' \
            if labels.ndim == 3 else ''
        raise ImageFileError(f'{path}: expected labels of shape (H, W), got '
                             f'{labels.shape}{pages}')
    return labels
