"""Reading microscope images and bringing their intensities to 8 bits."""
from pathlib import Path
from typing import Iterator, Optional, Tuple, Union

import cv2
import numpy as np

from pace_mmdet.errors import ImageFileError

from .stacks import ImageStack

NORMALIZE_MODES = ('none', 'percentile', 'livecell')
_PIXELS_AT_ONCE = 1 << 22
# Of the published preprocessing, see `flatten_background`.
_LEVEL, _DARKEST, _BRIGHTEST, _WINDOW = 128, 70, 180, 75


def read_image(path: Union[str, Path],
               page: Optional[int] = None,
               channel: Optional[int] = None) -> np.ndarray:
    """Read one image plane, its values as they are in the file.

    See :class:`~pace_mmdet.images.stacks.ImageStack`.

    Args:
        path (str or Path): The file.
        page (int, optional): Which plane of a stack to read, from 0. A file
            with more than one plane needs it: no plane is taken silently.
        channel (int, optional): Which channel to read, from 0. Its planes
            are then the pages.

    Returns:
        ndarray: Shape (H, W), or (H, W, 3) in RGB order for a colour image
        (an alpha channel is left out); the file's own dtype.

    Raises:
        ImageFileError: If the file is missing or broken, has another number
            of planes than expected, or channels that are not RGB.
    """
    with ImageStack(path, channel) as stack:
        return read_plane_of(stack, page)


def read_plane_of(stack: ImageStack, page: Optional[int]) -> np.ndarray:
    """Read one plane of an open file, as :func:`read_image` does."""
    return stack.read(_choose(stack, page))


def to_uint8(img: np.ndarray,
             mode: str = 'percentile',
             low: float = 0.1,
             high: float = 99.9) -> np.ndarray:
    """Bring an image of any type to 8 bits.

    Args:
        img (ndarray): Shape (H, W) or (H, W, C); integer, float or bool.
        mode (str): As in :func:`stretch`.
        low (float): As in :func:`stretch`.
        high (float): As in :func:`stretch`.

    Returns:
        ndarray: uint8, of the same shape.
    """
    if mode == 'none' and img.dtype == np.uint8:
        return img
    return _stretch(img, mode, low, high, np.uint8)


def stretch(img: np.ndarray,
            mode: str = 'percentile',
            low: float = 0.1,
            high: float = 99.9) -> np.ndarray:
    """Bring an image of any type to the range of 8 bits, unrounded.

    Args:
        img (ndarray): Shape (H, W) or (H, W, C); integer, float or bool.
        mode (str): 'percentile' maps the image's own ``low`` and ``high``
            percentiles, taken over all channels together, to 0 and 255 and
            clips the rest; an image of a single value becomes 0. 'livecell'
            is :func:`flatten_background`. 'none' takes 8-bit images as they
            are and refuses all others.
        low (float): Lower percentile, in [0, 100).
        high (float): Upper percentile, above ``low``, at most 100. The
            default leaves 0.1 % at each end, so that a few hot pixels do not
            set the scale.

    Returns:
        ndarray: float32 in [0, 255], of the same shape.

    Raises:
        ValueError: If an argument or the image's type is refused, or the
            image holds NaN or infinite values.
    """
    return _stretch(img, mode, low, high, np.float32)


def flatten_background(img: np.ndarray, dtype: type = np.uint8) -> np.ndarray:
    """Make a transmitted-light image look like those of LIVECell.

    LIVECell's published preprocessing for foreign images
    (code/preprocessing.py of its repository), for models trained on it: the
    median becomes 128, the illumination, estimated by a median over 75 x 75
    pixels, is divided out, and what is outside 70 to 180 is clipped. Bring
    the image to 10x as well (``tools/predict.py --scale``); there it is
    resized first, with a window that is smaller to match, here afterwards.

    Args:
        img (ndarray): Shape (H, W) or (H, W, C); integer, float or bool.
        dtype (type): uint8, or float32 for no rounding.

    Returns:
        ndarray: In [70, 180], of the same shape and of ``dtype``.

    Raises:
        ValueError: If the median is not above 0, as in fluorescence on black.
    """
    middle = float(np.median(img))
    if not middle > 0:
        raise ValueError(
            f"normalize='livecell' takes transmitted-light images, the median "
            f"of this one is {middle:g}: use normalize='percentile'")
    scale = _LEVEL / middle
    scaled = np.empty(img.shape, np.uint8)
    for rows in _blocks(img):
        values = img[rows].astype(np.float64) * scale
        scaled[rows] = np.rint(values.clip(0, 255))
    background = cv2.medianBlur(scaled, _WINDOW)
    flat = np.empty(img.shape, dtype)
    for rows in _blocks(img):
        values = (img[rows].astype(np.float64) * scale).clip(0, 255)
        values *= _LEVEL / np.maximum(background[rows], 1)
        flat[rows] = _as_type(values.clip(_DARKEST, _BRIGHTEST), dtype)
    return flat


def check_mode(mode: str, low: float, high: float) -> None:
    """Raise a ValueError if :func:`stretch` would not take these."""
    if mode not in NORMALIZE_MODES:
        raise ValueError(f'normalize must be one of {NORMALIZE_MODES}, got '
                         f'{mode!r}')
    if not 0 <= low < high <= 100:
        raise ValueError('expected percentiles 0 <= low < high <= 100, got '
                         f'low={low} and high={high}')


def _stretch(img: np.ndarray, mode: str, low: float, high: float,
             dtype: type) -> np.ndarray:
    """What :func:`stretch` does, as float32 or rounded to uint8.

    No array of a wider type is made of the whole image: a slide of 10,000 x
    10,000 pixels would take gigabytes.
    """
    check_mode(mode, low, high)
    if mode == 'none':
        if img.dtype != np.uint8:
            raise ValueError(
                f"normalize='none' takes 8-bit images, this one is "
                f"{img.dtype}: use normalize='percentile'")
        return img.astype(dtype)
    if img.dtype.kind not in 'uifb':
        raise ValueError(f'expected integer or float pixels, got {img.dtype}')
    if img.dtype.kind == 'f' and not np.isfinite(img).all():
        raise ValueError(f'{np.count_nonzero(~np.isfinite(img))} of '
                         f'{img.size} values are NaN or infinite')
    if mode == 'livecell':
        return flatten_background(img, dtype)
    bottom, top = _percentiles(img, (low, high))
    if top <= bottom:
        # Almost all pixels are alike: the whole range is all there is.
        bottom, top = float(img.min()), float(img.max())
    scaled = np.zeros(img.shape, dtype)
    if top <= bottom:
        return scaled
    for rows in _blocks(img):
        values = img[rows].astype(np.float64) - bottom
        values *= 255 / (top - bottom)
        scaled[rows] = _as_type(values.clip(0, 255), dtype)
    return scaled


def _percentiles(img: np.ndarray,
                 percent: Tuple[float, float]) -> Tuple[float, float]:
    """``np.percentile`` as of float64, for few bits without such a copy."""
    if img.dtype.kind not in 'uib' or img.dtype.itemsize > 2:
        return tuple(np.percentile(
            img.astype(np.float64), percent, overwrite_input=True))
    least, most = int(img.min()), int(img.max())
    histogram = np.zeros(most - least + 1, np.int64)
    for rows in _blocks(img):
        shifted = img[rows].ravel().astype(np.int32) - least
        histogram += np.bincount(shifted, minlength=len(histogram))
    below = np.cumsum(histogram)
    ranks = np.array(percent) / 100 * (img.size - 1)
    lower, upper = (np.searchsorted(below, side, side='right') + least
                    for side in (np.floor(ranks), np.ceil(ranks)))
    return tuple(lower + (upper - lower) * (ranks - np.floor(ranks)))


def _blocks(img: np.ndarray) -> Iterator[slice]:
    """The image in strips of rows."""
    height = max(_PIXELS_AT_ONCE // max(img[:1].size, 1), 1)
    for start in range(0, len(img), height):
        yield slice(start, start + height)


def _as_type(values: np.ndarray, dtype: type) -> np.ndarray:
    return np.rint(values) if dtype == np.uint8 else values


def _choose(stack: ImageStack, page: Optional[int]) -> int:
    path, count = stack.path, len(stack)
    if page is None and count != 1:
        raise ImageFileError(f'{path}: holds {count} planes (a stack or '
                             'separate channels), expected 1; say which one '
                             f'to read with page=0 ... {count - 1}')
    if page is not None and not 0 <= page < count:
        raise ImageFileError(f'{path}: page={page} is not in the file, which '
                             f'holds {count} (page=0 ... {count - 1})')
    return page or 0
