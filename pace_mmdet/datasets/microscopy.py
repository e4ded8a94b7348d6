"""Reading microscope images and bringing their intensities to 8 bits."""
from pathlib import Path
from typing import List, Optional, Tuple, Union

import imageio.v3 as imageio
import numpy as np
import tifffile

from .errors import ImageFileError

TIFF_SUFFIXES = ('.tif', '.tiff')
NORMALIZE_MODES = ('none', 'percentile')


def read_image(path: Union[str, Path],
               page: Optional[int] = None) -> np.ndarray:
    """Read one image plane, its values as they are in the file.

    TIFF files go through tifffile, all others through imageio.

    Args:
        path (str or Path): The file.
        page (int, optional): Which plane of a stack to read, from 0. A file
            with more than one plane needs it: no plane is taken silently.

    Returns:
        ndarray: Shape (H, W), or (H, W, 3) in RGB order for a colour image
        (an alpha channel is left out); the file's own dtype.

    Raises:
        ImageFileError: If the file is missing or broken, has another number
            of planes than expected, or channels that are not RGB.
    """
    path = Path(path)
    if not path.is_file():
        raise ImageFileError(f'{path}: no such image file')
    is_tiff = path.suffix.lower() in TIFF_SUFFIXES
    try:
        img = (_read_tiff if is_tiff else _read_other)(path, page)
    except ImageFileError:
        raise
    # The decoders raise whatever they come upon in a broken file.
    except Exception as error:
        raise ImageFileError(
            f'{path}: cannot be read as an image ({type(error).__name__}: '
            f'{error}). If it is incomplete, copy it again.') from error
    return _as_grey_or_rgb(img, path)


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
    return np.rint(stretch(img, mode, low, high)).astype(np.uint8)


def stretch(img: np.ndarray,
            mode: str = 'percentile',
            low: float = 0.1,
            high: float = 99.9) -> np.ndarray:
    """Bring an image of any type to the range of 8 bits, unrounded.

    Args:
        img (ndarray): Shape (H, W) or (H, W, C); integer, float or bool.
        mode (str): 'percentile' maps the image's own ``low`` and ``high``
            percentiles, taken over all channels together, to 0 and 255 and
            clips the rest; an image of a single value becomes 0. 'none'
            takes 8-bit images as they are and refuses all others.
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
    check_mode(mode, low, high)
    if mode == 'none':
        if img.dtype != np.uint8:
            raise ValueError(
                f"normalize='none' takes 8-bit images, this one is "
                f"{img.dtype}: use normalize='percentile'")
        return img.astype(np.float32)
    if img.dtype.kind not in 'uifb':
        raise ValueError(f'expected integer or float pixels, got {img.dtype}')
    values = img.astype(np.float64)
    if img.dtype.kind == 'f' and not np.isfinite(values).all():
        raise ValueError(f'{np.count_nonzero(~np.isfinite(values))} of '
                         f'{values.size} values are NaN or infinite')
    bottom, top = np.percentile(values, [low, high])
    if top <= bottom:
        # Almost all pixels are alike: the whole range is all there is.
        bottom, top = values.min(), values.max()
    if top <= bottom:
        return np.zeros(img.shape, dtype=np.float32)
    scaled = (values - bottom) * (255 / (top - bottom))
    return scaled.clip(0, 255).astype(np.float32)


def check_mode(mode: str, low: float, high: float) -> None:
    """Raise a ValueError if :func:`stretch` would not take these."""
    if mode not in NORMALIZE_MODES:
        raise ValueError(f'normalize must be one of {NORMALIZE_MODES}, got '
                         f'{mode!r}')
    if not 0 <= low < high <= 100:
        raise ValueError('expected percentiles 0 <= low < high <= 100, got '
                         f'low={low} and high={high}')


def _read_tiff(path: Path, page: Optional[int]) -> np.ndarray:
    with tifffile.TiffFile(path) as tif:
        # A reduced copy of the image (thumbnail, pyramid) is no plane.
        planes: List[Tuple[int, int]] = [
            (number, index) for number, series in enumerate(tif.series)
            if not series.keyframe.is_reduced
            for index in range(_count_planes(series))
        ]
        number, index = planes[_choose(path, page, len(planes))]
        series = tif.series[number]
        if len(series) == _count_planes(series) > 1:
            img = tif.asarray(key=index, series=number)
            axes = series.keyframe.axes
        else:
            img, axes = series.asarray(), series.axes
            # Names may repeat ('QQYX'), so axes are told by position.
            outer = [k for k, axis in enumerate(axes) if axis not in 'YXS']
            img = np.moveaxis(img, outer, range(len(outer)))
            img = img.reshape(-1, *img.shape[len(outer):])[index]
            axes = ''.join(axis for axis in axes if axis in 'YXS')
    return np.moveaxis(img, axes.index('S'), -1) if 'S' in axes else img


def _count_planes(series: tifffile.TiffPageSeries) -> int:
    shape = [
        side for side, axis in zip(series.shape, series.axes)
        if axis not in 'YXS'
    ]
    return int(np.prod(shape, dtype=np.int64))


def _read_other(path: Path, page: Optional[int]) -> np.ndarray:
    # is_batch counts an image without frames as one.
    properties = imageio.improps(path, index=...)
    count = properties.n_images if properties.is_batch else 1
    return imageio.imread(path, index=_choose(path, page, count or 1))


def _choose(path: Path, page: Optional[int], count: int) -> int:
    if page is None and count != 1:
        raise ImageFileError(f'{path}: holds {count} planes (a stack or '
                             'separate channels), expected 1; say which one '
                             f'to read with page=0 ... {count - 1}')
    if page is not None and not 0 <= page < count:
        raise ImageFileError(f'{path}: page={page} is not in the file, which '
                             f'holds {count} (page=0 ... {count - 1})')
    return page or 0


def _as_grey_or_rgb(img: np.ndarray, path: Path) -> np.ndarray:
    if img.ndim == 3 and img.shape[2] == 1:
        img = img[..., 0]
    if img.ndim == 3 and img.shape[2] == 4:
        img = img[..., :3]
    if img.ndim not in (2, 3) or img.ndim == 3 and img.shape[2] != 3:
        raise ImageFileError(
            f'{path}: expected a grey or an RGB image, got an array of shape '
            f'{img.shape}')
    if 0 in img.shape:
        raise ImageFileError(f'{path}: the image is empty, {img.shape}')
    return img
