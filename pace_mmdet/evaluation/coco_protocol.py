"""LIVECell's evaluation protocol, computed with faster-coco-eval.

Source: code/coco_evaluation.py of the LIVECell repository, which the PACE
paper scores with (section 5); every number of the paper's table comes from
it. Where it differs from COCO's: up to 2000 detections an image count, and
*every* AP is read there (COCO's summary reads 100, and an image of 150
perfectly found cells gets 0.66); small, medium and large are split at 18^2
and 31^2 pixels; categories are ignored.

Areas. A detection is small, medium or large by its mask for ``segm`` and by
its box for ``bbox``: the box of a result is not used when masks are scored.
A ground-truth cell is so by the file's ``area`` in both cases, as pycocotools
does it (in LIVECell that is the mask's area). A range includes both its ends,
so a cell of 324 pixels is small and medium.

Letters in shapes: D detections and G cells of an image, T IoU thresholds,
R recall points, A area ranges, M detection limits.
"""
from dataclasses import dataclass
from typing import (Any, Dict, Iterable, Iterator, List, Optional, Sequence,
                    Tuple)

import numpy as np
from faster_coco_eval import COCO, COCOeval_faster

from pace_mmdet.masks.codes import mask_areas, to_rles

from .detections import ImageDetections, load_detections, within_regions
from .ground_truth import GroundTruth, ImageTruth, load_ground_truth

IOU_TYPES = ('bbox', 'segm')
METRIC_NAMES = ('AP', 'AP50', 'AP75', 'APs', 'APm', 'APl', 'AFNR')

# Bound on D x G summed over the images that are matched at once. The library
# keeps their IoUs two or three times as float64, about 100 MB; for all images
# of a test set like LIVECell's at once it would be some 20 GB.
_PAIRS_AT_ONCE = 5_000_000


@dataclass(frozen=True)
class CocoProtocol:
    """What COCO's evaluation leaves open.

    Attributes:
        max_dets (Tuple[int, ...]): Limits of detections an image; every
            score is read at the last, the highest.
        area_ranges (Tuple[Tuple[str, float, float], ...]): Suffix of the
            metric's name and bounds in pixels, both included. The first is
            over all cells.
    """
    max_dets: Tuple[int, ...] = (100, 500, 2000)
    area_ranges: Tuple[Tuple[str, float, float], ...] = (
        ('', 0, 1e10),
        ('s', 0, 18**2),
        ('m', 18**2, 31**2),
        ('l', 31**2, 1e10),
    )


LIVECELL = CocoProtocol()


class Matches:
    """Detections matched to cells, image by image, ready to be scored.

    Scoring is cheap and can be repeated for any set of the images, which is
    how scores per cell type come about without matching again.

    Args:
        truth (GroundTruth): All images.
        iou_type (str): 'bbox' or 'segm'.
        protocol (CocoProtocol): The rules.
    """

    def __init__(self, truth: GroundTruth, iou_type: str,
                 protocol: CocoProtocol) -> None:
        self.truth = truth
        self.iou_type = iou_type
        self.protocol = protocol
        self._images: Dict[int, List[Any]] = {}  # A per-image evaluations

    def add(self, detections: Sequence[ImageDetections]) -> None:
        """Match the detections of some images, each new to this object."""
        evaluator = _evaluator(self.iou_type, self.protocol)
        images = sorted(dets.image_id for dets in detections)
        evaluator.params.imgIds = images
        evaluator.cocoGt = self._coco(images, self._cells(images))
        evaluator.cocoDt = self._coco(images, self._detections(detections))
        evaluator.evaluate()
        # The library keeps one evaluation per area range and image, the
        # images running fastest. It is not readable otherwise.
        for i, image_id in enumerate(images):
            self._images[image_id] = evaluator._evalImgs_cpp[i::len(images)]

    def score(self,
              image_ids: Optional[Iterable[int]] = None) -> Dict[str, float]:
        """Scores over some images, by default all that were added.

        Args:
            image_ids (Iterable[int], optional): Ids of added images.

        Returns:
            Dict[str, float]: ``METRIC_NAMES``, fractions at full precision.
            NaN where no cell of the size exists: there is no score then,
            neither good nor bad (pycocotools says -1).
        """
        ids = sorted(self._images if image_ids is None else image_ids)
        evaluator = _evaluator(self.iou_type, self.protocol)
        evaluator.params.imgIds = ids
        evaluator._paramsEval = evaluator.params
        evaluator._evalImgs_cpp = [
            self._images[image_id][area]
            for area in range(len(self.protocol.area_ranges))
            for image_id in ids
        ]
        evaluator.accumulate()
        # (T, R, A, M) and (T, A, M): the one "category" is taken out.
        precision = evaluator.eval['precision'][:, :, 0]
        recall = evaluator.eval['recall'][:, 0]
        thresholds = evaluator.params.iouThrs
        scores = dict(
            AP=_mean(precision[:, :, 0, -1]),
            AP50=_mean(precision[np.isclose(thresholds, 0.5), :, 0, -1]),
            AP75=_mean(precision[np.isclose(thresholds, 0.75), :, 0, -1]))
        for area, (suffix, _, _) in enumerate(self.protocol.area_ranges):
            scores[f'AP{suffix}'] = _mean(precision[:, :, area, -1])
        # Average false-negative ratio (LIVECell paper, methods): the share
        # of cells that no detection was matched to, averaged over thresholds.
        # LIVECell's code has no such score, but prints the recall at 2,000
        # detections per IoU (code/coco_evaluation.py): one minus their mean.
        scores['AFNR'] = 1 - _mean(recall[:, 0, -1])
        return scores

    def _coco(self, image_ids: Sequence[int],
              annotations: Iterable[dict]) -> COCO:
        # Numbered here, from 1: an id of 0 would read as "not matched".
        numbered = list(annotations)
        for number, annotation in enumerate(numbered, start=1):
            annotation['id'] = number
        images = [self.truth.images[image_id] for image_id in image_ids]
        return COCO(
            dict(
                images=[
                    dict(id=image_id, height=image.height, width=image.width)
                    for image_id, image in zip(image_ids, images)
                ],
                annotations=numbered,
                categories=[dict(id=1)]))

    def _cells(self, image_ids: Sequence[int]) -> Iterator[dict]:
        for image_id in image_ids:
            image = self.truth.images[image_id]
            shapes = self._shapes(image, image.bboxes, image.counts)
            yield from (dict(
                image_id=image_id,
                category_id=1,
                area=float(image.areas[i]),
                iscrowd=int(image.crowd[i]),
                **shape) for i, shape in enumerate(shapes))

    def _detections(self,
                    detections: Iterable[ImageDetections]) -> Iterator[dict]:
        for dets in detections:
            image = self.truth.images[dets.image_id]
            # The library does this too; fewer dicts are made this way.
            # Stable, so that equal scores keep the order given.
            keep = np.argsort(-dets.scores, kind='stable')
            keep = keep[:max(self.protocol.max_dets)]
            bboxes, counts = dets.bboxes[keep], None
            if self.iou_type == 'segm':
                counts = [dets.counts[i] for i in keep]
                areas = mask_areas(counts, image.height, image.width)
            else:
                areas = bboxes[:, 2] * bboxes[:, 3]
            shapes = self._shapes(image, bboxes, counts)
            yield from (dict(
                image_id=dets.image_id,
                category_id=1,
                area=float(areas[i]),
                score=float(dets.scores[keep[i]]),
                iscrowd=0,
                **shape) for i, shape in enumerate(shapes))

    def _shapes(self, image: ImageTruth, bboxes: np.ndarray,
                counts: Optional[List[bytes]]) -> List[dict]:
        if self.iou_type == 'bbox':
            return [dict(bbox=bbox) for bbox in bboxes.tolist()]
        rles = to_rles(counts, image.height, image.width)
        return [dict(segmentation=rle) for rle in rles]


def match(truth: GroundTruth,
          detections: Sequence[ImageDetections],
          iou_type: str,
          protocol: CocoProtocol = LIVECELL) -> Matches:
    """Match detections to cells, a bounded number of images at a time.

    Args:
        truth (GroundTruth): The cells.
        detections (Sequence[ImageDetections]): One entry for each image to
            be scored, also for images without detections.
        iou_type (str): 'bbox' or 'segm'.
        protocol (CocoProtocol): The rules.

    Returns:
        Matches: To be scored, as a whole or in parts.
    """
    if iou_type not in IOU_TYPES:
        raise ValueError(f'iou_type should be one of {IOU_TYPES}, got '
                         f'{iou_type!r}')
    matches = Matches(truth, iou_type, protocol)
    limit = max(protocol.max_dets)
    batch, pairs = [], 0
    for dets in detections:
        dets = within_regions(dets, truth.images[dets.image_id], iou_type)
        cells = len(truth.images[dets.image_id].areas)
        pairs += cells * min(len(dets.scores), limit)
        if batch and pairs > _PAIRS_AT_ONCE:
            matches.add(batch)
            batch, pairs = [], cells * min(len(dets.scores), limit)
        batch.append(dets)
    if batch:
        matches.add(batch)
    return matches


def evaluate(gt_coco: Any,
             detections: Any,
             iou_type: str,
             protocol: CocoProtocol = LIVECELL) -> Dict[str, float]:
    """Score COCO results against COCO ground truth.

    Args:
        gt_coco (path | dict | GroundTruth): The cells; every image counts.
        detections (path | Sequence[dict]): COCO results.
        iou_type (str): 'bbox' or 'segm'.
        protocol (CocoProtocol): The rules. Defaults to LIVECell's.

    Returns:
        Dict[str, float]: As :meth:`Matches.score`.
    """
    truth = load_ground_truth(gt_coco, with_masks=iou_type == 'segm')
    found = load_detections(detections, truth, [iou_type])
    return match(truth, found, iou_type, protocol).score()


def _evaluator(iou_type: str, protocol: CocoProtocol) -> COCOeval_faster:
    evaluator = COCOeval_faster(
        iouType=iou_type, separate_eval=True, print_function=_silent)
    params = evaluator.params
    params.maxDets = list(protocol.max_dets)
    params.areaRng = [[low, high] for _, low, high in protocol.area_ranges]
    params.areaRngLbl = [name or 'all' for name, _, _ in protocol.area_ranges]
    # LIVECell sets just these two. catIds filters even when useCats is 0, so
    # every cell and every detection is given category 1: the same on LIVECell,
    # and on files that number their categories otherwise.
    params.useCats = 0
    params.catIds = [1]
    return evaluator


def _mean(values: np.ndarray) -> float:
    """Mean of what is defined; NaN if nothing is (the library's -1)."""
    values = values[values > -1]
    return float(values.mean()) if values.size else float('nan')


def _silent(*args: Any) -> None:
    """The library's progress messages are not passed on."""
