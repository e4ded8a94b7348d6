"""Microscope makers' formats as planes, through readers that are an extra.

All three packages come under the BSD licence. A CZI is read in parts; an image
of the others is held as a whole while its file is open.
"""
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Callable, Dict, List, Sequence, Union
from xml.etree import ElementTree

import imagecodecs
import numpy as np

from .czi_parts import CziParts
from .planes import PixelSize, Planes, Series
from .samples import Samples
from .windows import Level

# What the axes of whole arrays are called here.
_RENAMED = {'H': 'I', 'S': 'R', 'P': 'R', 'B': 'I', 'V': 'A', 'λ': 'L'}
# CZI's numbers of the compressions by Zstandard.
_ZSTD, _ZSTD_PACKED = 5, 6


def array_series(axes: str, shape: Sequence[int],
                 load: Callable[[], np.ndarray],
                 samples_axis: str = 'S') -> Series:
    """An image that is an array of any axes as a series of planes.

    Args:
        axes (str): A letter for each axis; Y and X are among them.
        shape (Sequence[int]): Lengths of the axes.
        load (Callable): Gives the whole array.
        samples_axis (str): The letter of red, green and blue.

    Returns:
        Series: Axes of length 1 are left out.
    """
    count = shape[axes.index(samples_axis)] if samples_axis in axes else 1
    outer = [k for k, axis in enumerate(axes)
             if axis not in ('Y', 'X', samples_axis) and shape[k] > 1]
    order = outer + [axes.index(axis) for axis in ('Y', 'X')]
    if count > 1:
        order.append(axes.index(samples_axis))
    held: Dict[str, np.ndarray] = {}

    def read(index: int) -> np.ndarray:
        if not held:
            whole = load()
            rest = [k for k in range(len(axes)) if k not in order]
            whole = whole.transpose(rest + order)
            held['planes'] = whole.reshape(
                -1, *whole.shape[len(rest) + len(outer):])
        return held['planes'][index]

    kind = {1: 'grey', 3: 'rgb', 4: 'rgb'}.get(count, 'channels')
    return Series(''.join(_RENAMED.get(axes[k], axes[k]) for k in outer),
                  tuple(shape[k] for k in outer),
                  Samples(kind, min(count, 3) if kind == 'rgb' else count),
                  (shape[axes.index('Y')], shape[axes.index('X')]), read)


class _Pixels:
    """Decoded bytes of a CZI, whose number type their shape tells."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def reshape(self, shape: Sequence[int]) -> np.ndarray:
        """The bytes as an array; czifile asks for no more."""
        dtype = {1: '<u1', 2: '<u2', 4: '<f4'}[
            len(self._content) // int(np.prod(shape))]
        return np.frombuffer(self._content, dtype).reshape(shape).copy()


class CziPlanes(Planes):
    """A file of Zeiss' ZEN, through czifile."""

    def __init__(self, path: Path, as_numbers: bool = False) -> None:
        super().__init__(path)
        import czifile

        # Newer files hold what czifile has no decoder for.
        decoders = czifile.czifile.DECOMPRESS
        decoders.setdefault(
            _ZSTD, lambda data: _Pixels(imagecodecs.zstd_decode(data)))
        decoders.setdefault(
            _ZSTD_PACKED, lambda data: _Pixels(unpack_zstd(data)))
        self._czi = czifile.CziFile(str(path))
        try:
            self.hold([self._series_of(CziParts(self._czi))], as_numbers)
            self._describe(ElementTree.fromstring(self._czi.metadata()))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        super().close()
        self._czi.close()

    def _series_of(self, parts: CziParts) -> Series:
        axes, shape = self._czi.axes, self._czi.shape
        series = array_series(axes, shape, self._czi.asarray, '0')
        outer = [k for k, axis in enumerate(axes)
                 if axis not in 'YX0' and shape[k] > 1]

        def part(index: int, *place: int) -> np.ndarray:
            where = [0] * len(axes)
            for k, value in zip(outer, np.unravel_index(index, series.shape)):
                where[k] = int(value)
            found = parts.read(where, *place)
            return found if found.shape[-1] > 1 else found[..., 0]

        height, width = series.size
        return replace(
            series, read=lambda index: part(index, 0, height, 0, width),
            levels=lambda index: [Level(
                series.size, parts.block, partial(part, index))])

    def _describe(self, metadata: ElementTree.Element) -> None:
        metres = {
            node.get('Id'): float(node.findtext('Value') or 0)
            for node in metadata.iterfind('.//Scaling/Items/Distance')}
        if metres.get('X') and metres.get('Y'):
            z = metres.get('Z')
            self.pixel_size = PixelSize(
                _microns(metres['X']), _microns(metres['Y']),
                _microns(z) if z else None)
        self.channel_names = [
            node.get('Name', '') for node in metadata.iterfind(
                './/Information/Image/Dimensions/Channels/Channel')]


class Nd2Planes(Planes):
    """A file of Nikon's NIS Elements, through nd2."""

    def __init__(self, path: Path, as_numbers: bool = False) -> None:
        super().__init__(path)
        import nd2
        self._nd2 = nd2.ND2File(path)
        try:
            sizes = dict(self._nd2.sizes)
            self.hold([
                array_series(''.join(sizes), list(sizes.values()),
                             self._nd2.asarray)
            ], as_numbers)
            size = self._nd2.voxel_size()
            self.pixel_size = PixelSize(size.x, size.y, size.z)
            self.channel_names = [
                channel.channel.name
                for channel in self._nd2.metadata.channels or ()]
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        super().close()
        self._nd2.close()


class LifPlanes(Planes):
    """A file of Leica's LAS X, through liffile; one image or several."""

    def __init__(self, path: Path, as_numbers: bool = False) -> None:
        super().__init__(path)
        import liffile
        self._lif = liffile.LifFile(path)
        try:
            self.hold([
                array_series(''.join(image.dims), list(image.shape),
                             image.asarray) for image in self._lif.images
                if {'Y', 'X'} <= set(image.dims)
            ], as_numbers)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        super().close()
        self._lif.close()


def unpack_zstd(data: Union[bytes, np.ndarray]) -> bytes:
    """Decompress CZI's second kind of Zstandard.

    A short header says whether the low bytes of all 16-bit values come
    first, then the high ones (Zeiss' documentation of the format).
    """
    data = bytes(data)
    size = data[0]
    raw = imagecodecs.zstd_decode(data[size:])
    is_split = size >= 3 and data[1] == 1 and data[2] & 1
    if not is_split:
        return raw
    halves: List[np.ndarray] = np.split(np.frombuffer(raw, np.uint8), 2)
    return np.stack(halves, axis=1).tobytes()


def _microns(metres: float) -> float:
    return round(metres * 1e6, 9)
