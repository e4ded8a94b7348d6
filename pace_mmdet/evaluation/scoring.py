"""Scores of a whole data set and of each cell type."""
import math
import os
from typing import Dict, List, Sequence

from .cell_types import images_by_cell_type
from .coco_protocol import LIVECELL, CocoProtocol, match
from .detections import ImageDetections, load_detections
from .ground_truth import GroundTruth, load_ground_truth
from .report import ScoreRow

ALL = 'all'


def score_groups(truth: GroundTruth,
                 detections: Sequence[ImageDetections],
                 iou_types: Sequence[str],
                 per_cell_type: bool = True,
                 protocol: CocoProtocol = LIVECELL
                 ) -> Dict[str, List[ScoreRow]]:
    """Score all images together and, matched only once, each cell type.

    Args:
        truth (GroundTruth): The cells.
        detections (Sequence[ImageDetections]): One entry for each image to
            be scored.
        iou_types (Sequence[str]): 'bbox' and/or 'segm'.
        per_cell_type (bool): Whether cell types are told apart, where file
            names carry them.
        protocol (CocoProtocol): The rules.

    Returns:
        Dict[str, List[ScoreRow]]: Per IoU type, first the row of all images.
    """
    image_ids = [dets.image_id for dets in detections]
    groups = {ALL: image_ids}
    if per_cell_type:
        groups.update(images_by_cell_type(truth, image_ids))
    rows: Dict[str, List[ScoreRow]] = {}
    for iou_type in iou_types:
        matches = match(truth, detections, iou_type, protocol)
        rows[iou_type] = [
            ScoreRow(name, len(ids), _num_cells(truth, ids),
                     matches.score(ids)) for name, ids in groups.items()
        ]
    return rows


def score_files(gt_path: os.PathLike,
                results_path: os.PathLike,
                iou_types: Sequence[str],
                per_cell_type: bool = True) -> Dict[str, List[ScoreRow]]:
    """Score a COCO results file, whoever made it, by LIVECell's protocol.

    Args:
        gt_path (os.PathLike): COCO annotations; every image counts.
        results_path (os.PathLike): COCO results.
        iou_types (Sequence[str]): 'bbox' and/or 'segm'.
        per_cell_type (bool): As in :func:`score_groups`.

    Returns:
        Dict[str, List[ScoreRow]]: As :func:`score_groups`.

    Raises:
        AnnotationError: If a file can't be read or scored.
    """
    truth = load_ground_truth(gt_path, with_masks='segm' in iou_types)
    detections = load_detections(results_path, truth, iou_types)
    return score_groups(truth, detections, iou_types, per_cell_type)


def plain_scores(rows: Dict[str, List[ScoreRow]]) -> dict:
    """Scores as JSON can hold them.

    Returns:
        dict: {IoU type: {group: {metric: fraction, or None for no score}}}.
    """
    return {
        iou_type: {
            row.name: {
                name: None if math.isnan(value) else value
                for name, value in row.scores.items()
            }
            for row in groups
        }
        for iou_type, groups in rows.items()
    }


def _num_cells(truth: GroundTruth, image_ids: Sequence[int]) -> int:
    return sum(int((~truth.images[i].crowd).sum()) for i in image_ids)
