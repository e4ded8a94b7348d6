"""Outlines of cells whose masks come in any form.

Letters in the shapes: N cells, M corners of a ring, H and W the image's
height and width in pixels. Everything is in image pixels, continuous: pixel i
covers [i, i + 1), so a mask of one pixel is outlined around i + 0.5.

A cell is handled in its own box, so that thousands of them never become an
N x H x W array.
"""
from typing import Iterable, List, Sequence, Tuple, Union

import cv2
import numpy as np
import torch
from mmdet.structures.mask import BitmapMasks, PolygonMasks
from skimage.measure import find_contours

from pace_mmdet.points.run_lengths import compressed_counts, decode_counts

Outline = List[np.ndarray]
"""The rings of a cell, each float64 of shape (M, 2); holes are rings too."""

Masks = Union[np.ndarray, torch.Tensor, BitmapMasks, PolygonMasks,
              Sequence[Union[dict, Sequence]]]


def mask_outlines(masks: Masks) -> List[Outline]:
    """Outline each cell.

    Args:
        masks: The masks of N cells as bitmaps of shape (N, H, W) (ndarray,
            tensor or ``BitmapMasks``), as ``PolygonMasks``, or as a sequence
            that holds for each cell a run-length code (``dict``, compressed
            or not), a polygon ``[x0, y0, x1, y1, ...]`` or a list of such
            polygons.

    Returns:
        list[list[ndarray]]: N outlines; that of an empty mask has no rings.

    Raises:
        TypeError: If the masks have none of these forms.
        ValueError: If bitmaps are not of shape (N, H, W), or a run-length
            code or polygon cannot be read.
    """
    masks = plain_masks(masks)
    if isinstance(masks, np.ndarray):
        return [bitmap_outline(bitmap) for bitmap in masks]
    outlines: List[Outline] = [[] for _ in masks]
    coded = [i for i, mask in enumerate(masks) if isinstance(mask, dict)]
    for i, (bitmap, corner) in zip(coded, rle_crops(masks[i] for i in coded)):
        outlines[i] = bitmap_outline(bitmap, corner)
    for i, mask in enumerate(masks):
        if not isinstance(mask, dict):
            outlines[i] = [_ring(polygon) for polygon in mask]
    return outlines


def outlines_within(outlines: Sequence[Outline],
                    window: Sequence[float]) -> List[Outline]:
    """The outlines that may be seen in a window (x1, y1, x2, y2)."""
    x1, y1, x2, y2 = window
    return [
        rings for rings in outlines
        if any(ring[:, 0].max() > x1 and ring[:, 0].min() < x2
               and ring[:, 1].max() > y1 and ring[:, 1].min() < y2
               for ring in rings)
    ]


def plain_masks(masks: Masks) -> Union[np.ndarray, List[Union[dict, list]]]:
    """Reduce the forms masks come in to two.

    Args:
        masks: As for :func:`mask_outlines`.

    Returns:
        ndarray | list: Bitmaps, bool of shape (N, H, W), or N items that are
        run-length codes or lists of flat polygons.

    Raises:
        TypeError: If the masks have none of the known forms.
        ValueError: If bitmaps are not of shape (N, H, W).
    """
    if isinstance(masks, torch.Tensor):
        masks = masks.detach().cpu().numpy()
    elif isinstance(masks, (BitmapMasks, PolygonMasks)):
        masks = masks.masks
    if isinstance(masks, np.ndarray) and masks.dtype != object:
        if masks.ndim != 3:
            raise ValueError('expected bitmaps of shape (cells, height, '
                             f'width), got an array of shape {masks.shape}')
        return masks.astype(bool, copy=False)
    if not isinstance(masks, Sequence):
        raise TypeError('expected bitmaps, polygons or run-length codes, got '
                        f'{type(masks).__name__}')
    return [_plain_mask(mask) for mask in masks]


def _plain_mask(mask: Union[dict, Sequence]) -> Union[dict, list]:
    """One item of a sequence of masks: a code, or a list of polygons."""
    if isinstance(mask, dict):
        return mask
    if not isinstance(mask, (list, tuple, np.ndarray)):
        raise TypeError('expected a run-length code or polygons for each '
                        f'cell, got {type(mask).__name__}')
    return [mask] if len(mask) and np.isscalar(mask[0]) else list(mask)


def _ring(polygon: Sequence[float]) -> np.ndarray:
    """A flat polygon as corners, shape (M, 2)."""
    ring = np.asarray(polygon, dtype=np.float64).reshape(-1)
    if len(ring) < 6 or len(ring) % 2:
        raise ValueError('a polygon needs at least 3 points, an x and a y '
                         f'each; got {len(ring)} numbers')
    return ring.reshape(-1, 2)


def bitmap_outline(bitmap: np.ndarray,
                   corner: Tuple[int, int] = (0, 0)) -> Outline:
    """Outline a bitmap along the edges of its pixels, corners cut.

    Args:
        bitmap (ndarray): Bool, shape (H, W).
        corner (tuple[int]): Column and row of the bitmap's first pixel in
            the image.

    Returns:
        list[ndarray]: Its closed rings.
    """
    x, y, width, height = cv2.boundingRect(bitmap.astype(np.uint8))
    if not width:
        return []
    # A rim of background closes the rings of cells at the border. The rim
    # moves indices by one, and index i is the centre i + 0.5 of a pixel.
    rimmed = np.pad(bitmap[y:y + height, x:x + width], 1)
    offset = np.array((x + corner[0], y + corner[1])) - 0.5
    return [ring[:, ::-1] + offset for ring in find_contours(rimmed, 0.5)]


def rle_crops(
        codes: Iterable[dict]) -> List[Tuple[np.ndarray, Tuple[int, int]]]:
    """Decode run-length codes, each into the columns that it covers.

    Args:
        codes (Iterable[dict]): N run-length codes ``{'size', 'counts'}``.

    Returns:
        list[tuple]: For each cell a bool bitmap of shape (H, columns), and
        the column and row (0) of its first pixel. A mask without pixels has
        no columns.

    Raises:
        ValueError: If a code cannot be read or does not fill its size.
    """
    codes = list(codes)
    sizes = [tuple(map(int, code.get('size', ()))) for code in codes]
    for size in sizes:
        if len(size) != 2:
            raise ValueError('a run-length code needs its size (height, '
                             f'width), got {list(size)}')
    counts, runs = decode_counts(
        [compressed_counts(code, *size) for code, size in zip(codes, sizes)])
    parts = np.split(counts, np.cumsum(runs)[:-1]) if codes else []
    return [_decode_columns(part, *size) for part, size in zip(parts, sizes)]


def _decode_columns(counts: np.ndarray, height: int,
                    width: int) -> Tuple[np.ndarray, Tuple[int, int]]:
    """Decode one mask's run lengths (R, ), background first, column-wise."""
    ends = np.cumsum(counts)
    if ends[-1] != height * width or counts.min() < 0:
        raise ValueError(f'a run-length code of {ends[-1]} pixels does not '
                         f'fill its size {[height, width]} (height, width)')
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
