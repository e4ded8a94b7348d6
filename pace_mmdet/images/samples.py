"""What the samples of a pixel mean, told by what the file says of them.

Nothing here opens a file. A picture is (H, W) or (H, W, S) as its decoder
gives it; what comes out is grey, RGB, or channels that must be chosen from.
"""
from dataclasses import dataclass
from typing import Optional, Sequence

import numpy as np

# TIFF 6.0's codes of ExtraSamples.
UNSPECIFIED, PREMULTIPLIED_ALPHA, ALPHA = 0, 1, 2
UPRIGHT = 1


@dataclass(frozen=True)
class Samples:
    """How to make a picture of what a decoder gives.

    Attributes:
        kind (str): 'grey': one number a pixel; 'rgb': the first three
            samples are red, green and blue; 'channels': each sample is a
            picture of its own.
        count (int): Samples that count; those after them are alpha.
        white (int or float, optional): If set, 0 is white and this is black
            (TIFF's MinIsWhite): intensities are what is left to it.
        table (ndarray, optional): Numbers are places in it: intensities,
            shape (N, ), or colours, shape (N, 3).
        orientation (int): As in EXIF, from 1 (upright) to 8.
    """
    kind: str = 'grey'
    count: int = 1
    white: Optional[float] = None
    table: Optional[np.ndarray] = None
    orientation: int = UPRIGHT

    @property
    def num_channels(self) -> int:
        """Pictures that a plane holds."""
        return self.count if self.kind == 'channels' else 1

    def shape(self, height: int, width: int) -> tuple:
        """Shape of one picture, of the plane's height and width."""
        sides = ((width, height) if self.orientation > 4 else
                 (height, width))
        is_rgb = self.kind == 'rgb'
        return sides + (3, ) if is_rgb else sides

    def picture(self, img: np.ndarray, channel: int = 0) -> np.ndarray:
        """One picture of a plane.

        Args:
            img (ndarray): As decoded, shape (H, W) or (H, W, S).
            channel (int): Which, below :attr:`num_channels`.

        Returns:
            ndarray: Shape (H, W), or (H, W, 3) in RGB order.
        """
        if img.ndim == 3:
            img = img[..., :3] if self.kind == 'rgb' else img[..., channel]
        if self.table is not None:
            img = look_up(img, self.table)
        elif self.white is not None:
            img = inverted(img, self.white)
        return np.ascontiguousarray(turned(img, self.orientation))


def extra_samples(num_colours: int, total: int,
                  extra: Optional[Sequence[int]]) -> tuple:
    """What the samples beyond the colours make of a picture.

    Alpha is left out. Extra samples that the file calls unspecified are
    channels, and so are the colours beside them.

    Args:
        num_colours (int): 1 of a grey picture, 3 of RGB.
        total (int): Samples of a pixel.
        extra (Sequence[int], optional): TIFF's code for each further one;
            None if the file does not say: a single one is alpha then.

    Returns:
        tuple[str, int]: ``kind`` and ``count`` of :class:`Samples`.
    """
    if extra is None:
        extra = (ALPHA, ) if (num_colours, total) == (3, 4) else ()
    while total > num_colours and extra[total - num_colours - 1:] and extra[
            total - num_colours - 1] in (PREMULTIPLIED_ALPHA, ALPHA):
        total -= 1
    if total > num_colours:
        return 'channels', total
    return ('rgb', 3) if num_colours == 3 else ('grey', 1)


def compact_table(table: np.ndarray) -> np.ndarray:
    """A palette, as intensities if it is all grey, in 8 bits if these do.

    Args:
        table (ndarray): Red, green, blue; uint8 or uint16, shape (N, 3).

    Returns:
        ndarray: Intensities, shape (N, ), or colours, shape (N, 3).
    """
    if table.dtype == np.uint16:
        # Files hold 8 bits as v * 256 or, as TIFF asks for, v * 257.
        low = table & 255
        if not low.any() or (low == table >> 8).all():
            table = (table >> 8).astype(np.uint8)
    is_grey = (table == table[:, :1]).all()
    return table[:, 0] if is_grey else table


def look_up(img: np.ndarray, table: np.ndarray) -> np.ndarray:
    """The table's entry for each number of an image.

    Raises:
        ValueError: If the image has a number that the table lacks.
    """
    if img.size and int(img.max()) >= len(table):
        raise ValueError(f'number {img.max()} is not in its table of '
                         f'{len(table)} colours')
    return table[img]


def inverted(img: np.ndarray, white: float) -> np.ndarray:
    """Intensities of an image in which 0 is white.

    Args:
        img (ndarray): Of any type.
        white (float): What is black in it; of bool, float and signed types
            it has no meaning.

    Returns:
        ndarray: Of the same type.
    """
    if img.dtype.kind in 'bi':
        return ~img
    if img.dtype.kind == 'u':
        return img.dtype.type(white) - img
    return -img


def turned(img: np.ndarray, orientation: int) -> np.ndarray:
    """An image as it is meant to be looked at.

    Args:
        img (ndarray): Shape (H, W, ...).
        orientation (int): EXIF's and TIFF's number, from 1 to 8: where the
            first row and the first column belong. Others mean 1.

    Returns:
        ndarray: A view, shape (W, H, ...) from 5 on.
    """
    if 4 < orientation <= 8:
        img = img.swapaxes(0, 1)
    rows = slice(None, None, -1 if orientation in (3, 4, 7, 8) else None)
    columns = slice(None, None, -1 if orientation in (2, 3, 6, 7) else None)
    return img[rows, columns]


def same_samples(img: np.ndarray) -> bool:
    """Whether all samples of (H, W, S) are equal: a grey picture."""
    return bool((img == img[..., :1]).all())
