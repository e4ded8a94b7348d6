"""Which score a prediction should have to count as a cell.

Average precision is over all scores; a label image needs one threshold. The
best is where precision and recall balance: the highest F1, 2 TP / (predicted
+ annotated cells).

Letters in shapes: D detections and G cells of an image, S different scores.
"""
from dataclasses import dataclass
from typing import List, Sequence

import numpy as np
from faster_coco_eval.core import mask as mask_api

from pace_mmdet.errors import UserError
from pace_mmdet.masks.codes import to_rles

from .detections import ImageDetections, within_regions
from .ground_truth import GroundTruth, ImageTruth

_CELLS_AT_ONCE = 256


@dataclass(frozen=True)
class F1Curve:
    """F1 for every threshold that makes a difference.

    Attributes:
        thresholds (np.ndarray): (S,) float64, falling; a detection counts
            from here on.
        precision (np.ndarray): (S,) float64.
        recall (np.ndarray): (S,) float64.
    """
    thresholds: np.ndarray
    precision: np.ndarray
    recall: np.ndarray

    @property
    def f1(self) -> np.ndarray:
        """(S,) float64; 0 where nothing is right."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / np.where(both > 0, both, 1)

    @property
    def best(self) -> int:
        """Index of the highest F1; of equal ones the highest threshold."""
        return int(np.argmax(self.f1))

    def at(self, threshold: float) -> int:
        """Index of what counts at a threshold; -1 if nothing does."""
        return int(np.searchsorted(-self.thresholds, -threshold,
                                   side='right')) - 1


def f1_curve(truth: GroundTruth,
             detections: Sequence[ImageDetections],
             iou_thr: float = 0.5) -> F1Curve:
    """F1 of masks over the score threshold.

    Matched as COCO does it: the best scoring detection first, each to the
    free cell that it fits best, if their IoU is at least ``iou_thr``. What
    scores less changes no earlier match, so that one matching serves all
    thresholds. Crowds (``iscrowd``) are no cells, and what lies in them is
    no mistake.

    Args:
        truth (GroundTruth): The cells, with masks.
        detections (Sequence[ImageDetections]): One entry for each image.
        iou_thr (float): Above 0, at most 1.

    Returns:
        F1Curve: Over all images.

    Raises:
        UserError: If there is no cell or no detection.
    """
    scores: List[np.ndarray] = []
    hits: List[np.ndarray] = []
    cells = 0
    for dets in detections:
        image = truth.images[dets.image_id]
        dets = within_regions(dets, image, 'segm')
        order = np.argsort(-dets.scores, kind='stable')
        hit, counts = _match(image, [dets.counts[i] for i in order], iou_thr)
        scores.append(dets.scores[order][counts])
        hits.append(hit[counts])
        cells += int((~image.crowd).sum())
    all_scores = np.concatenate(scores) if scores else np.zeros(0)
    if not cells or not len(all_scores):
        raise UserError(f'no threshold from {cells} cells and '
                        f'{len(all_scores)} detections: both are needed')
    order = np.argsort(-all_scores, kind='stable')
    thresholds = all_scores[order]
    right = np.cumsum(np.concatenate(hits)[order])
    # Equal scores count together or not at all.
    last = np.flatnonzero(np.r_[thresholds[1:] != thresholds[:-1], True])
    return F1Curve(thresholds[last], right[last] / (last + 1),
                   right[last] / cells)


def _match(image: ImageTruth, counts: List[bytes],
           iou_thr: float) -> tuple:
    """Match detections, the best scoring first.

    Returns:
        tuple[np.ndarray]: (D,) bool each: whether it is right, and whether
        it counts.
    """
    hit = np.zeros(len(counts), dtype=bool)
    in_crowd = np.zeros(len(counts), dtype=bool)
    free = ~image.crowd
    found = to_rles(counts, image.height, image.width)
    cells = to_rles(image.counts, image.height, image.width)
    crowd = image.crowd.astype(np.uint8).tolist()
    # Rows of the D x G table at a time.
    for start in range(0, len(found) if cells else 0, _CELLS_AT_ONCE):
        part = found[start:start + _CELLS_AT_ONCE]
        ious = np.asarray(mask_api.iou(part, cells, crowd))
        for row, overlaps in enumerate(ious, start):
            best = int(np.argmax(np.where(free, overlaps, -1)))
            if free[best] and overlaps[best] >= iou_thr:
                hit[row], free[best] = True, False
            else:
                in_crowd[row] = (overlaps[image.crowd] >= iou_thr).any()
    return hit, ~in_crowd
