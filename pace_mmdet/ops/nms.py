"""Non-maximum suppression: of boxes that overlap, the best scored.

Greedy and exact, by the rule of MMCV's CPU form: from the best score down, a
box is kept if its IoU with none of those kept before is larger than the
threshold. Equal scores are taken in their order, so that the result does not
hang on how a machine sorts.

The choice is one long dependency with little arithmetic, so it is made in
NumPy, on the CPU wherever the boxes are. Boxes are taken in blocks, best
first. Within a block and between those it keeps and the boxes not yet decided,
only pairs that are near each other along x are looked at: an IoU above t needs
an overlap along x of more than t times the wider box. Once a block is decided,
what it suppresses is out, so where boxes lie in heaps, most are never paired.

Letters in the shapes: N boxes, P pairs.
"""
from typing import Iterator, Tuple

import numpy as np
import torch
from torch import Tensor

from .kernels import torchvision_serves

# Boxes of the first block, and how much larger each next one is.
_BLOCK, _GROWTH = 128, 3
# Pairs looked at in one go: what bounds the memory.
_CHUNK = 2**16
# Beyond what rounding does to coordinates, so that no pair is missed.
_SLACK = 1e-5


def nms(boxes: Tensor,
        scores: Tensor,
        iou_threshold: float,
        offset: int = 0) -> Tensor:
    """Choose boxes.

    Args:
        boxes (Tensor): x1, y1, x2, y2, shape (N, 4). Boxes that are not
            finite are kept and suppress nothing.
        scores (Tensor): Shape (N, ).
        iou_threshold (float): The most that two boxes kept may overlap; not
            negative.
        offset (int): What is added to every width and height: 1 where x2 and
            y2 are a box's last pixels, otherwise 0.

    Returns:
        Tensor: Indices of the boxes kept, int64, the best first.

    Raises:
        ValueError: If the threshold is negative or not a number.
    """
    if not iou_threshold >= 0:
        raise ValueError(f'iou_threshold is {iou_threshold}: expected 0 or '
                         'more')
    boxes = boxes.detach().to(torch.promote_types(boxes.dtype, torch.float32))
    scores = scores.detach()
    if not offset and torchvision_serves(boxes):
        return _torchvision(boxes, scores, iou_threshold)
    order = _best_first(scores.cpu())
    with np.errstate(divide='ignore', invalid='ignore', over='ignore'):
        sorted_boxes = boxes.cpu().numpy().T.take(order, axis=1)
        kept = _Suppression(sorted_boxes, float(iou_threshold), offset).run()
    return torch.from_numpy(order.take(kept)).to(boxes.device)


def _torchvision(boxes: Tensor, scores: Tensor,
                 iou_threshold: float) -> Tensor:
    """By torchvision's kernel."""
    return torch.ops.torchvision.nms(boxes, scores.to(boxes), iou_threshold)


def _best_first(scores: Tensor) -> np.ndarray:
    """Indices by descending score, equal scores in their order."""
    if scores.dtype == torch.float64:
        return scores.sort(descending=True, stable=True).indices.numpy()
    # As integers, floats of one sign are in the same order. Score and index
    # in one number sort several times as fast as a stable sort.
    bits = (scores.float() + 0.).numpy().view(np.int32)
    rank = (bits ^ (bits >> 31 & 0x7fffffff)).astype(np.int64)
    keys = (~rank << 32) | np.arange(len(rank))
    keys.sort()
    return keys & 0xffffffff


class _Suppression:
    """Boxes by rank, the best first, and how they suppress each other.

    Args:
        boxes (ndarray): Floats, shape (4, N).
        iou_threshold (float): As for :func:`nms`.
        offset (int): As for :func:`nms`.
    """

    def __init__(self, boxes: np.ndarray, iou_threshold: float,
                 offset: int) -> None:
        self.threshold = iou_threshold
        self.offset = offset
        self.x1, y1, x2, y2 = boxes
        width, height = x2 - self.x1, y2 - y1
        if offset:
            width, height = width + offset, height + offset
        self.areas = width * height
        # The larger of two of these is the corner of what both cover.
        self.corners = np.stack([self.x1, y1, -x2, -y2], axis=1)
        # No IoU with what has no finite area is above a threshold.
        self.width = np.where(np.isfinite(self.areas), width, 0)
        self.slack = _SLACK * (np.abs(self.x1) + np.abs(x2) + offset)
        # A box that begins farther right overlaps too little along x.
        self.reach = (1 - iou_threshold) * self.width + self.slack

    def run(self) -> np.ndarray:
        """Ranks of the boxes kept, ascending."""
        undecided = np.arange(len(self.x1))
        kept = [undecided[:0]]
        size = _BLOCK
        while len(undecided):
            block, undecided = undecided[:size], undecided[size:]
            size *= _GROWTH
            kept.append(self._decide(block))
            if len(undecided):
                undecided = self._drop(undecided, kept[-1])
        return np.concatenate(kept)

    def _decide(self, block: np.ndarray) -> np.ndarray:
        """Those of a block that are kept, if it is the best there is."""
        block_by_x, x1 = self._by_x(block)
        begins = np.arange(1, len(block) + 1)
        ends = x1.searchsorted(x1 + self.reach.take(block_by_x))
        edges = [
            self._overlapping(block_by_x.take(one), block_by_x.take(other))
            for one, other in _pairs(begins, ends)
        ]
        if not edges:
            return block
        one, other = map(np.concatenate, zip(*edges))
        better, worse = np.minimum(one, other), np.maximum(one, other)
        # A box that no undecided one suppresses is kept; what it suppresses
        # is out, and so is that one's say over others.
        out = np.zeros(len(self.x1), bool)
        while len(better):
            open_ = out.copy()
            open_[worse] = True
            out[worse[~open_[better]]] = True
            left = (~(out[better] | out[worse])).nonzero()[0]
            better, worse = better.take(left), worse.take(left)
        return block[~out[block]]

    def _drop(self, undecided: np.ndarray, kept: np.ndarray) -> np.ndarray:
        """The undecided boxes that none of those kept suppresses."""
        by_x, x1 = self._by_x(undecided)
        x1_kept, width = self.x1.take(kept), self.width.take(kept)
        # How wide a box that begins farther left can be, if it overlaps
        # enough: it is not wider than its overlap, divided by the threshold.
        widest = self.width.take(by_x).max()
        if self.threshold > 0:
            widest = np.minimum(width / self.threshold, widest)
        back = ((1 - self.threshold) * widest + self.slack.take(kept) +
                _SLACK * (widest + width))
        begins = x1.searchsorted(x1_kept - back)
        ends = x1.searchsorted(x1_kept + self.reach.take(kept))
        out = np.zeros(len(self.x1), bool)
        for one, other in _pairs(begins, ends):
            out[self._overlapping(kept.take(one), by_x.take(other))[1]] = True
        return undecided[~out[undecided]]

    def _by_x(self, ranks: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """The boxes from left to right, and where they begin."""
        by_x = ranks.take(self.x1.take(ranks).argsort())
        return by_x, self.x1.take(by_x)

    def _overlapping(self, one: np.ndarray,
                     other: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """Those of P pairs of ranks whose IoU is above the threshold.

        In the order of MMCV's operations, so that it rounds alike.
        """
        inner = np.maximum(self.corners.take(one, axis=0),
                           self.corners.take(other, axis=0))
        # Less than nothing, as its last two are.
        width, height = inner[:, 0] + inner[:, 2], inner[:, 1] + inner[:, 3]
        if self.offset:
            width, height = width - self.offset, height - self.offset
        inter = np.minimum(width, 0) * np.minimum(height, 0)
        union = self.areas.take(one) + self.areas.take(other) - inter
        some = (inter / union > self.threshold).nonzero()[0]
        return one.take(some), other.take(some)


def _pairs(begins: np.ndarray,
           ends: np.ndarray) -> Iterator[Tuple[np.ndarray, np.ndarray]]:
    """All (i, j) with begins[i] <= j < ends[i], some at a time."""
    counts = np.maximum(ends - begins, 0)
    totals = counts.cumsum()
    first, done = 0, 0
    while first < len(counts) and totals[-1] > done:
        last = max(int(totals.searchsorted(done + _CHUNK, 'right')), first + 1)
        some = counts[first:last]
        one = np.arange(first, last).repeat(some)
        shift = begins[first:last] - (totals[first:last] - some - done)
        yield one, np.arange(len(one)) + shift.repeat(some)
        first, done = last, int(totals[last - 1])
