"""How good masks are where the box is known: supervision's own ruler.

AP mixes finding cells with outlining them, and what a short training finds
differs by more between two seeds than between points and full masks. Here
each true cell's mask is compared with the one predicted for its true box.

Letters in shapes: N cells; H and W the height and width of a crop.
"""
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Sequence, Tuple

import cv2
import numpy as np

from pace_mmdet.errors import UserError
from pace_mmdet.masks.crops import rle_crops

from .coco_protocol import LIVECELL

THRESHOLDS = (0.5, 0.75, 0.9)
MEASURES = ('IoU', *(f'IoU >= {value:g}' for value in THRESHOLDS),
            'boundary IoU')
BOUNDARY_WIDTH = 2
"""Pixels. Cheng et al. ("Boundary IoU", 2021) take 2 % of the image's
diagonal; that is 17 on LIVECell's images, more than the radius of most
cells."""
_FIELDS = ('image_ids', 'ann_ids', 'areas', 'cell_types', 'iou',
           'boundary_iou')


@dataclass(frozen=True)
class MaskQuality:
    """One model's masks beside the true ones, cell by cell.

    Attributes:
        image_ids (ndarray): int64, shape (N, ).
        ann_ids (ndarray): int64, shape (N, ).
        areas (ndarray): Of the true masks in pixels, shape (N, ).
        cell_types (ndarray): str, empty where the file name says none,
            shape (N, ).
        iou (ndarray): float64, shape (N, ).
        boundary_iou (ndarray): float64, shape (N, ).
    """
    image_ids: np.ndarray
    ann_ids: np.ndarray
    areas: np.ndarray
    cell_types: np.ndarray
    iou: np.ndarray
    boundary_iou: np.ndarray

    def values(self) -> Dict[str, np.ndarray]:
        """Each of ``MEASURES`` per cell, float64, shape (N, )."""
        shares = ((self.iou >= value).astype(float) for value in THRESHOLDS)
        return dict(zip(MEASURES, (self.iou, *shares, self.boundary_iou)))

    def groups(self) -> Dict[str, np.ndarray]:
        """Cells by size (LIVECell's ranges) and type, as masks (N, )."""
        names = ('all cells', 'small', 'medium', 'large')
        found = {
            name: (self.areas >= low) & (self.areas <= high)
            for name, (_, low, high) in zip(names, LIVECELL.area_ranges)
        }
        for name in sorted(set(self.cell_types.tolist()) - {''}):
            found[name] = self.cell_types == name
        return {name: chosen for name, chosen in found.items()
                if chosen.any() or name == 'all cells'}

    def means(self) -> Dict[str, float]:
        """Each measure's mean over all cells; NaN without a cell."""
        return {name: float(value.mean()) if len(value) else float('nan')
                for name, value in self.values().items()}


class Difference(NamedTuple):
    """A mean difference over paired cells.

    The 95 % interval goes from ``mean - margin`` to ``mean + margin``.
    """
    mean: float
    margin: float


def mask_ious(truth: Sequence[dict], predicted: Sequence[dict],
              width: int = BOUNDARY_WIDTH) -> Tuple[np.ndarray, np.ndarray]:
    """IoU and boundary IoU of pairs of masks.

    Args:
        truth (Sequence[dict]): N run-length codes.
        predicted (Sequence[dict]): N of the same sizes.
        width (int): Of the boundary, in pixels.

    Returns:
        tuple[ndarray]: The IoUs and the boundary IoUs, float64, shape (N, );
        0 where neither mask has a pixel.
    """
    pairs = [_on_one_crop(*pair)
             for pair in zip(rle_crops(truth), rle_crops(predicted))]
    plain = [iou(*pair) for pair in pairs]
    rims = [iou(*(boundary(mask, width) for mask in pair)) for pair in pairs]
    return np.array(plain, dtype=float), np.array(rims, dtype=float)


def iou(first: np.ndarray, second: np.ndarray) -> float:
    """IoU of two bool masks of shape (H, W); 0 if both are empty."""
    union = np.count_nonzero(first | second)
    return np.count_nonzero(first & second) / union if union else 0.0


def boundary(mask: np.ndarray, width: int) -> np.ndarray:
    """The pixels of a mask that are at most so far from its outline.

    Args:
        mask (ndarray): bool, shape (H, W); what lies beyond is background.
        width (int): In pixels, along rows, columns and diagonals alike.

    Returns:
        ndarray: bool, shape (H, W).
    """
    inside = cv2.erode(
        np.pad(mask, 1).astype(np.uint8), np.ones((3, 3), np.uint8),
        iterations=width)[1:-1, 1:-1]
    return mask & (inside == 0)


def paired_difference(first: np.ndarray, second: np.ndarray) -> Difference:
    """How much better the first of two models is, over the same cells.

    The interval is the normal one for the mean of the cells' differences. It
    speaks of these images: how cells of other images would differ, and
    another seed, it can't say.

    Args:
        first (ndarray): A measure per cell, shape (N, ).
        second (ndarray): The same cells, shape (N, ).

    Returns:
        Difference: NaN with fewer than two cells.
    """
    change = np.asarray(first, float) - np.asarray(second, float)
    if len(change) < 2:
        return Difference(float('nan'), float('nan'))
    return Difference(
        float(change.mean()),
        1.96 * float(change.std(ddof=1)) / len(change)**0.5)


def align(first: MaskQuality, second: MaskQuality) -> MaskQuality:
    """The second's cells in the order of the first's.

    Raises:
        UserError: If they are not the same cells.
    """
    keys = [list(zip(q.image_ids.tolist(), q.ann_ids.tolist()))
            for q in (first, second)]
    place = {key: index for index, key in enumerate(keys[1])}
    if set(keys[0]) != set(place) or len(keys[0]) != len(keys[1]):
        missing = len(set(keys[0]) ^ set(place))
        raise UserError(f'the two models were not measured on the same cells: '
                        f'{missing} are in one only')
    order = [place[key] for key in keys[0]]
    return MaskQuality(*(getattr(second, field)[order] for field in _FIELDS))


def save_quality(path: Path, quality: MaskQuality) -> None:
    """Write the values of all cells as a NumPy archive (.npz)."""
    with open(path, 'wb') as file:
        np.savez_compressed(
            file, **{field: getattr(quality, field) for field in _FIELDS})


def load_quality(path: Path) -> MaskQuality:
    """Read what :func:`save_quality` wrote.

    Raises:
        UserError: If it is something else.
    """
    try:
        with np.load(path, allow_pickle=False) as content:
            return MaskQuality(*(content[field] for field in _FIELDS))
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f'{path}: no values of cells that '
                        f'mask_quality.py --out wrote: {error}') from None


def as_quality(rows: List[Dict[str, Any]]) -> MaskQuality:
    """Gather cells that were measured one image after the other.

    Args:
        rows (list[dict]): One per image, with the attributes of
            :class:`MaskQuality` as sequences.
    """
    def gather(field: str, dtype: type) -> np.ndarray:
        parts = [np.asarray(row[field], dtype) for row in rows]
        return np.concatenate(parts) if parts else np.zeros(0, dtype)

    types = (np.int64, np.int64, float, str, float, float)
    return MaskQuality(*map(gather, _FIELDS, types))


def _on_one_crop(first: tuple, second: tuple) -> Tuple[np.ndarray, np.ndarray]:
    """Two crops of whole columns, cut to the pixels that either covers."""
    (mask, (left, _)), (other, (other_left, _)) = first, second
    start = min(left if mask.size else other_left,
                other_left if other.size else left)
    end = max(left + mask.shape[1], other_left + other.shape[1])
    both = np.zeros((2, mask.shape[0], max(end - start, 0)), bool)
    for canvas, part, at in zip(both, (mask, other), (left, other_left)):
        if part.size:
            canvas[:, at - start:at - start + part.shape[1]] = part
    rows = np.flatnonzero(both.any(axis=(0, 2)))
    cut = slice(rows[0], rows[-1] + 1) if len(rows) else slice(0, 0)
    return both[0, cut], both[1, cut]
