"""Bringing the intensities of images to 8 bits.

Pixels without a value (NaN, infinite) count as missing: no percentile sees
them, and they become background.
"""
from typing import List, NamedTuple, Tuple

import cv2
import numpy as np

from .histograms import percentiles, strips

NORMALIZE_MODES = ('none', 'percentile', 'standard', 'livecell', 'range')
# Of 'standard'. Bright cells on black are far above the mean.
_MEAN, _DEVIATION = 96, 32
# Of `percentile_range`: a share, in percent, and a multiple.
_SPARSE, _DARK, _STANDS_OUT = 0.01, 0.1, 3
# Contrast below so many standard deviations; normal noise alone has 6.2.
_NOISY, _NOISE_ROWS = 9, 500
# Of the published preprocessing, see `flatten_background`.
_LEVEL, _DARKEST, _BRIGHTEST, _WINDOW = 128, 70, 180, 75


class Intensities(NamedTuple):
    """How intensities become 8 bits.

    Attributes:
        mode (str): As of :func:`stretch`, like the others.
        low (float): Lower percentile or value.
        high (float): Upper percentile or value.
    """
    mode: str = 'percentile'
    low: float = 0.1
    high: float = 99.9


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
    return scaling_of(img, mode, low, high).apply(img, np.uint8)


def stretch(img: np.ndarray,
            mode: str = 'percentile',
            low: float = 0.1,
            high: float = 99.9) -> np.ndarray:
    """Bring an image of any type to the range of 8 bits, unrounded.

    Args:
        img (ndarray): Shape (H, W) or (H, W, C); integer, float or bool.
        mode (str): 'percentile' maps the image's own ``low`` and ``high``
            percentiles, taken over all channels together, to 0 and 255 and
            clips the rest (:func:`percentile_range`); an image of a single
            value becomes 0. 'standard' clips to the same range and brings the
            mean to 96 and the standard deviation to 32, so that faint and
            strong contrast look alike. 'range' maps the values ``low`` and
            ``high`` themselves. 'livecell' is :func:`flatten_background`.
            'none' takes 8-bit images as they are and refuses all others.
        low (float): Lower percentile, in [0, 100), or value.
        high (float): Upper percentile, above ``low``, at most 100, or value.
            The default leaves 0.1 % at each end, so that a few hot pixels do
            not set the scale.

    Returns:
        ndarray: float32 in [0, 255], of the same shape.

    Raises:
        ValueError: If an argument or the image's type is refused.
    """
    return scaling_of(img, mode, low, high).apply(img, np.float32)


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
    return _flattened(img, _bright_median(img), dtype)


def _bright_median(img: np.ndarray) -> float:
    middle = float(np.median(_filled(img)))
    if not middle > 0:
        raise ValueError(
            f"normalize='livecell' takes transmitted-light images, the median "
            f"of this one is {middle:g}: use normalize='percentile'")
    return middle


def _flattened(img: np.ndarray, middle: float, dtype: type) -> np.ndarray:
    known = np.isfinite(img) if img.dtype.kind == 'f' else None
    if known is not None:
        img = np.where(known, img, img.dtype.type(middle))
    scale = _LEVEL / middle
    scaled = np.empty(img.shape, np.uint8)
    for rows in strips(img):
        values = img[rows].astype(np.float64) * scale
        scaled[rows] = np.rint(values.clip(0, 255))
    background = cv2.medianBlur(scaled, _WINDOW)
    flat = np.empty(img.shape, dtype)
    for rows in strips(img):
        values = (img[rows].astype(np.float64) * scale).clip(0, 255)
        values *= _LEVEL / np.maximum(background[rows], 1)
        flat[rows] = _as_type(values.clip(_DARKEST, _BRIGHTEST), dtype)
    if known is not None:
        flat[~known] = _LEVEL
    return flat


def percentile_range(img: np.ndarray, low: float,
                     high: float) -> Tuple[float, float]:
    """The intensities that become 0 and 255.

    They are the ``low`` and ``high`` percentiles. A nearly empty frame,
    though, has fewer pixels of cells than lie above the upper one: a single
    nucleus of 800 pixels is less than 0.1 % of 1024 x 1024. So the upper end
    is at least a quantile of the foreground alone, the one that ``high`` is
    if 1 % of the pixels are foreground. Where more are, it changes nothing.

    Foreground is what stands out of the median three times as far as the
    darkest 0.1 % lie below it, hot pixels left out (by a 3 x 3 median). Where
    there is as much below the median as above, as in transmitted light or
    crowded frames, that is nothing.

    Args:
        img (ndarray): Of real numbers, finite or not.
        low (float): Lower percentile.
        high (float): Upper percentile.

    Returns:
        tuple[float]: The lower and the upper one; of a single value, or of
        none, twice the same.
    """
    found = percentiles(img, (low, high, _DARK, 50))
    if found is None:
        return 0., 0.
    bottom, top, dark, middle = found
    # At a share of 1 % both rules give the same.
    share = 1 - (1 - high / 100) / _SPARSE
    edge = middle + _STANDS_OUT * (middle - dark)
    if share > 0 and _share_above(img, edge) < _SPARSE:
        smooth = cv2.medianBlur(_for_opencv(img), 3)
        cells = smooth[smooth > edge]
        if cells.size:
            top = max(top, float(np.quantile(cells, share)))
    if top <= bottom:
        # Almost all pixels are alike: the whole range is all there is.
        known = img[np.isfinite(img)] if img.dtype.kind == 'f' else img
        bottom, top = float(known.min()), float(known.max())
    return bottom, top


def missing_values(img: np.ndarray) -> str:
    """How many pixels have no value, as text; '' if all have one."""
    if img.dtype.kind != 'f':
        return ''
    missing = img.size - np.count_nonzero(np.isfinite(img))
    return (f'{missing} of {img.size} values are NaN or infinite; they count '
            'as background') if missing else ''


def remarks(img: np.ndarray, mode: str = 'percentile', low: float = 0.1,
            high: float = 99.9) -> List[str]:
    """What to tell a user about an image's intensities.

    Args:
        img (ndarray): As of :func:`stretch`, like the others.

    Returns:
        list[str]: Remarks on pixels without a value, and on contrast that is
        no more than noise.
    """
    found = [text for text in [missing_values(img)] if text]
    if mode == 'percentile':
        bottom, top = percentile_range(img, low, high)
        noise = _noise(img)
        if top > bottom and top - bottom < _NOISY * noise:
            found.append(
                f'its contrast ({bottom:g} to {top:g}) is hardly more than '
                f'its noise (a standard deviation of {noise:.3g}): what is '
                'found may be nothing. For frames without cells, give one '
                '--range MIN MAX for all')
    return found


def check_values(img: np.ndarray) -> None:
    """Raise a ValueError if an image holds nothing that can be shown."""
    if img.dtype.kind not in 'uifb':
        raise ValueError(f'expected integer or float pixels, got {img.dtype}')
    if img.dtype.kind == 'f' and not np.isfinite(img).any():
        raise ValueError(f'{img.size} of {img.size} values are NaN or '
                         'infinite')


def check_mode(mode: str, low: float, high: float) -> None:
    """Raise a ValueError if :func:`stretch` would not take these."""
    if mode not in NORMALIZE_MODES:
        raise ValueError(f'normalize must be one of {NORMALIZE_MODES}, got '
                         f'{mode!r}')
    if mode == 'range':
        if not (np.isfinite([low, high]).all() and low < high):
            raise ValueError('expected a range of two values, the first '
                             f'below the second, got {low} and {high}')
    elif not 0 <= low < high <= 100:
        raise ValueError('expected percentiles 0 <= low < high <= 100, got '
                         f'low={low} and high={high}')


class Scaling(NamedTuple):
    """What :func:`stretch` does to intensities, found on an image or a sample.

    So the parts of an image that is never read whole are treated alike.

    Attributes:
        mode (str): As of :func:`stretch`.
        black (float): The intensity that becomes 0; of 'livecell', the
            median.
        factor (float): By how much intensities above it are multiplied; 0 if
            there is only one.
        limits (tuple[float]): What is clipped to, in [0, 255].
    """
    mode: str
    black: float = 0.
    factor: float = 1.
    limits: Tuple[float, float] = (0., 255.)

    @property
    def margin(self) -> int:
        """Pixels around a part that it must be given with."""
        return _WINDOW // 2 if self.mode == 'livecell' else 0

    def apply(self, img: np.ndarray, dtype: type) -> np.ndarray:
        """Scale an image, or a part of one, to [0, 255].

        No array of a wider type is made of the whole.

        Args:
            img (ndarray): Shape (H, W) or (H, W, C).
            dtype (type): uint8, or float32 for no rounding.
        """
        if self.mode == 'none':
            return img if img.dtype == dtype else img.astype(dtype)
        if self.mode == 'livecell':
            return _flattened(img, self.black, dtype)
        scaled = np.zeros(img.shape, dtype)
        if not self.factor:
            return scaled
        for rows in strips(img):
            values = img[rows].astype(np.float64) - self.black
            values *= self.factor
            if img.dtype.kind == 'f':
                values[~np.isfinite(values)] = 0
            scaled[rows] = _as_type(values.clip(*self.limits), dtype)
        return scaled


def scaling_of(img: np.ndarray, mode: str, low: float,
               high: float) -> Scaling:
    """Find out how an image is to be scaled.

    Args:
        img (ndarray): The image or a sample of its pixels, shape (H, W) or
            (H, W, C).
        mode, low, high: As of :func:`stretch`.

    Raises:
        ValueError: If an argument or the image's type is refused.
    """
    check_mode(mode, low, high)
    if mode == 'none':
        if img.dtype != np.uint8:
            raise ValueError(
                f"normalize='none' takes 8-bit images, this one is "
                f"{img.dtype}: use normalize='percentile'")
        return Scaling(mode)
    check_values(img)
    if mode == 'livecell':
        return Scaling(mode, _bright_median(img))
    bottom, top = ((low, high) if mode == 'range' else
                   percentile_range(img, low, high))
    if top <= bottom:
        return Scaling(mode, bottom, 0.)
    black, factor = bottom, 255 / (top - bottom)
    if mode == 'standard':
        mean, deviation = _moments(img, bottom, top)
        factor = _DEVIATION / deviation
        black = mean - _MEAN / factor
    first, last = np.clip(
        [(bottom - black) * factor, (top - black) * factor], 0, 255).tolist()
    return Scaling(mode, black, factor, (first, last))


def _moments(img: np.ndarray, bottom: float,
             top: float) -> Tuple[float, float]:
    """Mean and standard deviation of an image clipped to a range."""
    count, total, squares = 0, 0.0, 0.0
    for rows in strips(img):
        values = img[rows].astype(np.float64)
        if img.dtype.kind == 'f':
            values = values[np.isfinite(values)]
        values = values.clip(bottom, top) - bottom
        count += values.size
        total += values.sum()
        squares += np.square(values).sum()
    mean = total / count
    return bottom + mean, float(np.sqrt(squares / count - mean**2))


def _filled(img: np.ndarray) -> np.ndarray:
    """The image with its median where it has no value."""
    if img.dtype.kind != 'f':
        return img
    known = np.isfinite(img)
    if known.all():
        return img
    middle = np.median(img[known]) if known.any() else 0
    return np.where(known, img, img.dtype.type(middle))


def _share_above(img: np.ndarray, edge: float) -> float:
    above = sum(np.count_nonzero(img[rows] > edge) for rows in strips(img))
    return above / img.size


def _for_opencv(img: np.ndarray) -> np.ndarray:
    """The image in a type that its median filter takes."""
    if img.dtype in (np.uint8, np.uint16):
        return img
    return _filled(img).astype(np.float32)


def _noise(img: np.ndarray) -> float:
    """Standard deviation of noise, by the median step to the next pixel."""
    rows = img[::max(len(img) // _NOISE_ROWS, 1)].astype(np.float64)
    with np.errstate(invalid='ignore'):
        steps = np.abs(np.diff(rows, axis=1))
    steps = steps[np.isfinite(steps)]
    # Of normal values, a median step is 0.954 standard deviations.
    return float(np.median(steps)) / 0.954 if steps.size else 0.


def _as_type(values: np.ndarray, dtype: type) -> np.ndarray:
    return np.rint(values) if dtype == np.uint8 else values
