"""Masks that are kept on their own few pixels, and their run-length codes.

Letters in the shapes: N cells, R runs of a code, H and W the image's height
and width in pixels, h and w those of a crop.
"""
from typing import Iterable, List, Tuple

import numpy as np

from .run_lengths import decode_counts, encode_counts
from .segmentations import to_counts


def encode_crops(crops: np.ndarray, origins: np.ndarray, height: int,
                 width: int) -> List[bytes]:
    """Run-length codes of masks that are given on a part of the image each.

    Args:
        crops (ndarray): bool, shape (N, h, w); nothing set beyond the image.
        origins (ndarray): Pixel (x, y) of each crop's corner, shape (N, 2).
        height (int): Height of the image in pixels.
        width (int): Width of the image in pixels.

    Returns:
        list[bytes]: N compressed counts of masks of the whole image.
    """
    # COCO goes down the columns. Runs start where a pixel is set and the one
    # above is not, and end likewise.
    by_column = crops.transpose(0, 2, 1)
    padded = np.pad(by_column, ((0, 0), (0, 0), (1, 1)))
    changes = padded[..., 1:] != padded[..., :-1]
    cells, columns, rows = np.nonzero(changes)
    positions = ((origins[cells, 0] + columns) * height + origins[cells, 1] +
                 rows).astype(np.int64)
    # A run down to the last row may go on at the top of the next column.
    joined = (positions[1:] == positions[:-1]) & (cells[1:] == cells[:-1])
    keep = np.ones(len(positions), dtype=bool)
    keep[1:][joined] = False
    keep[:-1][joined] = False
    cells, positions = cells[keep], positions[keep]

    # Borders between runs, each mask's 0 and end of image added.
    area = height * width
    last = np.searchsorted(cells, np.arange(len(crops)), side='right')
    per_cell = np.diff(np.r_[0, last])
    borders = np.insert(positions, last, area)
    is_first = np.zeros(len(borders), dtype=bool)
    is_first[np.cumsum(per_cell + 1) - (per_cell + 1)] = True
    counts = np.where(is_first, borders, np.diff(borders, prepend=0))
    # A mask that reaches the image's last pixel has no run after it.
    runs = per_cell + 1
    ends = np.cumsum(runs) - 1
    empty = (counts[ends] == 0) & (runs > 1)
    counts = np.delete(counts, ends[empty])
    return encode_counts(counts, runs - empty)


def rle_crops(
        codes: Iterable[dict]) -> List[Tuple[np.ndarray, Tuple[int, int]]]:
    """Decode run-length codes, each into the columns that it covers.

    Args:
        codes (Iterable[dict]): N run-length codes of one image.

    Returns:
        list[tuple]: For each cell a bool bitmap of shape (H, columns), and
        the column and row (0) of its first pixel. A mask without pixels has
        no columns.

    Raises:
        ValueError: If one is no whole code of the first one's size.
    """
    codes = list(codes)
    if not codes:
        return []
    size = codes[0].get('size')
    if not isinstance(size, (list, tuple)) or len(size) != 2:
        raise ValueError('a run-length code needs its size (height, width), '
                         f'got {size}')
    counts, runs = decode_counts(to_counts(codes, *size))
    return [_decode_columns(part, *size)
            for part in np.split(counts, np.cumsum(runs)[:-1])]


def _decode_columns(counts: np.ndarray, height: int,
                    width: int) -> Tuple[np.ndarray, Tuple[int, int]]:
    """Decode one mask's run lengths (R, ), background first, column-wise."""
    ends = np.cumsum(counts)
    covered = 1 + 2 * np.flatnonzero(counts[1::2])
    if not len(covered):
        return np.zeros((height, 0), bool), (0, 0)
    first, last = covered[[0, -1]]
    start, end = ends[first - 1], ends[last]
    left, right = start // height, -(-end // height)
    lengths = np.r_[start - left * height, counts[first:last + 1],
                    right * height - end]
    pixels = np.repeat(np.arange(len(lengths)) % 2 == 1, lengths)
    return pixels.reshape(-1, height).T, (int(left), 0)
