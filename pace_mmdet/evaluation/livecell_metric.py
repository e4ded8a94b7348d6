"""LIVECell's protocol as a metric of MMDetection.

MMDetection's ``CocoMetric`` can't follow it: it reads AP at 100 detections,
has fixed area ranges and rounds to three digits.
"""
import math
from typing import Any, Dict, List, Optional, Sequence, Union

import numpy as np
from mmdet.registry import METRICS
from mmengine.dist import is_main_process
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger

from pace_mmdet.errors import AnnotationError
from pace_mmdet.masks.codes import encode_bitmaps
from pace_mmdet.masks.segmentations import to_counts

from .coco_protocol import IOU_TYPES, METRIC_NAMES
from .detections import ImageDetections, write_results
from .ground_truth import GroundTruth, load_ground_truth
from .report import ScoreRow, score_table
from .scoring import score_groups


@METRICS.register_module()
class LIVECellMetric(BaseMetric):
    """AP, AP50, AP75, APs, APm, APl and AFNR by LIVECell's protocol.

    Keys are ``livecell/segm_AP`` and so on, and the same with ``bbox_``, in
    fractions at full precision. A score that does not exist (no cell of that
    size) is NaN and is said so in the log. Where file names carry a cell type
    there is also ``livecell/segm_AP_<type>``, and a table in the log.

    The ground truth is the annotation file as it is. Only images that the
    loader gave are scored, so a part of a data set can be evaluated; the log
    says when that is less than the file holds.

    Args:
        ann_file (str): COCO annotations with masks (boxes are enough without
            'segm' in ``metric``). It is read and checked at once.
        metric (str | Sequence[str]): 'bbox' and/or 'segm'.
        per_cell_type (bool): Whether cell types are told apart.
        out_json (str, optional): Where to write the predictions as a COCO
            results file, before they are scored.
        collect_device (str): As in :class:`BaseMetric`.
        prefix (str, optional): As in :class:`BaseMetric`.
    """
    default_prefix = 'livecell'

    def __init__(self,
                 ann_file: str,
                 metric: Union[str, Sequence[str]] = ('bbox', 'segm'),
                 per_cell_type: bool = True,
                 out_json: Optional[str] = None,
                 collect_device: str = 'cpu',
                 prefix: Optional[str] = None) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.metrics = (metric, ) if isinstance(metric, str) else tuple(metric)
        if not self.metrics or not set(self.metrics) <= set(IOU_TYPES):
            raise ValueError(
                f'metric should be one or more of {IOU_TYPES}, got {metric!r}')
        self.ann_file = ann_file
        self.per_cell_type = per_cell_type
        self.out_json = out_json
        # Scores are computed in one process; the others need no cells.
        self._truth: Optional[GroundTruth] = None
        if is_main_process():
            self._truth = load_ground_truth(ann_file, 'segm' in self.metrics)

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep the detections of a batch, masks as run-length codes.

        Args:
            data_batch (Any): Not used.
            data_samples (Sequence[dict]): Each with ``img_id``, ``ori_shape``
                and ``pred_instances`` (bboxes (D, 4) x1, y1, x2, y2, scores,
                labels, masks as (D, H, W) bitmaps or a list of RLE dicts).
        """
        for sample in data_samples:
            self.results.append(
                _to_detections(sample, with_masks='segm' in self.metrics))

    def compute_metrics(self,
                        results: List[ImageDetections]) -> Dict[str, float]:
        """Score all results.

        Args:
            results (List[ImageDetections]): One an image.

        Returns:
            Dict[str, float]: Without the prefix.

        Raises:
            AnnotationError: If images are not in the annotation file.
            ValueError: If images came twice, or there are none.
        """
        logger = MMLogger.get_current_instance()
        self._check(results)
        seen, listed = len(results), len(self._truth.images)
        if seen < listed:
            logger.info(f'{seen} of the {listed} images in {self.ann_file} '
                        'were evaluated; the scores are of these.')
        if not any(len(dets.scores) for dets in results):
            logger.warning(f'The model detected nothing in {seen} images.')
        if self.out_json is not None:
            number = write_results(self.out_json, results, self._truth)
            logger.info(f'{number} predictions written to {self.out_json}')
        rows = score_groups(self._truth, results, self.metrics,
                            self.per_cell_type)
        scores: Dict[str, float] = {}
        for iou_type in self.metrics:
            logger.info(
                f'\n{score_table(f"LIVECell {iou_type}", rows[iou_type])}')
            scores.update(_flatten(iou_type, rows[iou_type]))
        missing = [key for key, value in scores.items() if math.isnan(value)]
        if missing:
            logger.warning('There are no ground-truth cells for '
                           f'{", ".join(missing)}: not a number.')
        return scores

    def _check(self, results: List[ImageDetections]) -> None:
        ids = [dets.image_id for dets in results]
        if not ids:
            raise ValueError('LIVECellMetric: no image was evaluated; is the '
                             'data set of the loader empty?')
        unknown = sorted(set(ids) - set(self._truth.images))
        if unknown:
            raise AnnotationError(
                f'{self.ann_file}: {len(unknown)} of {len(ids)} evaluated '
                f'images are not in this file (ids {unknown[:20]}): the '
                "evaluator needs the data set's own ann_file")
        if len(set(ids)) < len(ids):
            twice = sorted({i for i in ids if ids.count(i) > 1})
            raise ValueError(f'{len(twice)} images were evaluated twice (ids '
                             f'{twice[:20]}): repeat none in the data set')


def _to_detections(sample: dict, with_masks: bool) -> ImageDetections:
    pred, image_id = sample['pred_instances'], sample['img_id']
    scores = _to_numpy(pred['scores'], np.float64)
    bboxes = _to_numpy(pred['bboxes'], np.float64).reshape(-1, 4)
    if not (np.isfinite(scores).all() and np.isfinite(bboxes).all()):
        raise ValueError(f'image {image_id}: scores or boxes of the detections'
                         ' are not finite; training has probably diverged')
    bboxes[:, 2:] -= bboxes[:, :2]
    counts = None
    if with_masks:
        counts = _encode(pred, image_id, *sample['ori_shape'][:2])
    return ImageDetections(image_id, bboxes, scores,
                           _to_numpy(pred['labels'], np.int64), counts)


def _encode(pred: Any, image_id: int, height: int, width: int) -> List[bytes]:
    if 'masks' not in pred:
        raise ValueError(f'image {image_id}: the model gives no masks; score '
                         "boxes only, with metric='bbox'")
    masks = pred['masks']
    if isinstance(masks, (list, tuple)):
        try:
            return to_counts(masks, height, width)
        except ValueError as error:
            raise ValueError(f'image {image_id}: {error}') from None
    if len(masks) and tuple(masks.shape[1:]) != (height, width):
        raise ValueError(f'image {image_id}: masks of {tuple(masks.shape[1:])}'
                         f' pixels, the image has {(height, width)}')
    return encode_bitmaps(masks)


def _to_numpy(tensor: Any, dtype: type) -> np.ndarray:
    return tensor.detach().cpu().numpy().astype(dtype)


def _flatten(iou_type: str, rows: List[ScoreRow]) -> Dict[str, float]:
    everything, *types = rows
    scores = {
        f'{iou_type}_{name}': everything.scores[name]
        for name in METRIC_NAMES
    }
    # One key a type: a slash in it would open a new group in TensorBoard.
    scores.update({
        f'{iou_type}_AP_{row.name}': row.scores['AP']
        for row in types if row.cells
    })
    return scores
