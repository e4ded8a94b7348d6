"""PNG, JPEG and other everyday formats as planes.

Pillow reads them; where it would cut 16 bits a colour down to 8, imagecodecs
does.
"""
from pathlib import Path
from typing import BinaryIO, Callable

import imagecodecs
import numpy as np
from PIL import (BmpImagePlugin, GifImagePlugin, Image, Jpeg2KImagePlugin,
                 JpegImagePlugin, PngImagePlugin, WebPImagePlugin)

from pace_mmdet.errors import ImageFileError

from .planes import Planes, Series
from .samples import UPRIGHT, Samples, compact_table, look_up, same_samples

# A file of a few kilobytes can declare more than any memory holds.
MAX_PIXELS = 2**30
_ORIENTATION = 274
_GREY = ('1', 'L', 'LA', 'La', 'I', 'I;16', 'I;16B', 'I;16L', 'F')
_COLOUR = ('RGB', 'RGBA', 'RGBa', 'RGBX', 'P', 'PA')


class Pictures(Planes):
    """A file of an everyday format, one picture or several.

    Attributes:
        opener (Callable): Pillow's class for the format. Opening a file by
            it tries no other format, whatever the file claims to be.
        kind (str): The format's name.
    """
    opener: Callable[[BinaryIO], Image.Image]
    kind: str

    def __init__(self, path: Path, as_numbers: bool = False) -> None:
        super().__init__(path)
        self._as_numbers = as_numbers
        self._file = open(path, 'rb')
        try:
            self._image = type(self).opener(self._file)
            self._check()
            self.hold([self._series()], as_numbers)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        super().close()
        self._file.close()

    def _check(self) -> None:
        width, height = self._image.size
        if width * height > MAX_PIXELS:
            raise ImageFileError(
                f'{self.path}: declares {width} x {height} pixels, at most '
                f'{MAX_PIXELS} are read of {self.kind} files; save it as '
                'TIFF')
        if self._image.mode not in _GREY + _COLOUR:
            raise ImageFileError(
                f'{self.path}: its colours are {self._image.mode}, which is '
                'not read here: save it as a grey or an RGB image')

    def _series(self) -> Series:
        image = self._image
        count = getattr(image, 'n_frames', 1)
        self._several = count > 1
        width, height = image.size
        kind = 'grey' if image.mode in _GREY else 'rgb'
        if image.mode == 'P':
            kind = ('grey' if self._as_numbers or self._table().ndim == 1
                    else 'rgb')
        elif kind == 'rgb' and self._as_numbers:
            kind = 'channels'
        # Asked for it, Pillow decodes a whole PNG that has none.
        exif = (image.getexif()
                if self.kind != 'PNG' or 'exif' in image.info else {})
        samples = Samples(kind, 1 if kind == 'grey' else 3,
                          orientation=exif.get(_ORIENTATION, UPRIGHT))

        def read(index: int) -> np.ndarray:
            img = self._decoded(index)
            if kind == 'rgb' and img.ndim == 2:
                return np.repeat(img[..., None], 3, axis=2)
            # Later pictures of a GIF come as RGB whatever they are.
            if kind == 'grey' and img.ndim == 3 and img.shape[2] > 2 and \
                    not same_samples(img[..., :3]):
                raise ValueError(f'picture {index} has colours, the first '
                                 'is grey')
            return img

        return Series('I' if self._several else '',
                      (count, ) if self._several else (), samples,
                      (height, width), read)

    def _table(self) -> np.ndarray:
        """What the numbers of a picture with a palette stand for."""
        table = np.array(self._image.getpalette('RGB'), np.uint8)
        return compact_table(table.reshape(-1, 3))

    def _decoded(self, index: int) -> np.ndarray:
        """The samples of a picture."""
        if self._several:
            self._image.seek(index)
            self._check()
        elif self.kind == 'JPEG 2000':
            return imagecodecs.jpeg2k_decode(self.path.read_bytes())
        elif self.kind == 'PNG':
            depth, colour = self._png_header()
            if depth == 16 and colour != 0:
                return imagecodecs.png_decode(self.path.read_bytes())
            if self._as_numbers and depth in (2, 4) and colour == 0:
                # Pillow spreads few bits over 8.
                return np.asarray(self._image) // (255 // (2**depth - 1))
        img = np.asarray(self._image)
        if self._image.mode == 'P' and not self._as_numbers:
            return look_up(img, self._table())
        return img if img.dtype.isnative else img.astype(
            img.dtype.newbyteorder('='))

    def _png_header(self) -> tuple:
        """Bits of a sample, and what the samples are (0: grey)."""
        with open(self.path, 'rb') as file:
            header = file.read(26)
        return header[24], header[25]


class Png(Pictures):
    """A PNG file."""
    opener, kind = PngImagePlugin.PngImageFile, 'PNG'


class Jpeg(Pictures):
    """A JPEG file."""
    opener, kind = JpegImagePlugin.JpegImageFile, 'JPEG'


class Jpeg2000(Pictures):
    """A JPEG 2000 file."""
    opener, kind = Jpeg2KImagePlugin.Jpeg2KImageFile, 'JPEG 2000'


class Bmp(Pictures):
    """A BMP file."""
    opener, kind = BmpImagePlugin.BmpImageFile, 'BMP'


class Gif(Pictures):
    """A GIF file."""
    opener, kind = GifImagePlugin.GifImageFile, 'GIF'


class WebP(Pictures):
    """A WebP file."""
    opener, kind = WebPImagePlugin.WebPImageFile, 'WebP'
