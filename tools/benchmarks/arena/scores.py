"""Scores by LIVECell's protocol, and F1 at a threshold from training."""
import json
from pathlib import Path
from typing import Dict

from pace_mmdet.errors import UserError
from pace_mmdet.evaluation.coco_protocol import match
from pace_mmdet.evaluation.detections import load_detections
from pace_mmdet.evaluation.ground_truth import load_ground_truth
from pace_mmdet.evaluation.thresholds import f1_curve

IOUS = (0.5, 0.75, 0.9)


def score(test: Path, test_results: Path, train: Path,
          train_results: Path) -> Dict[str, float]:
    """AP, AP50, AP75, APs, APm, APl and F1 of masks, in per cent.

    Args:
        test (Path): COCO file with masks.
        test_results (Path): COCO results on its images.
        train (Path): COCO file of images that were trained on.
        train_results (Path): COCO results on them. The score threshold is the
            one that is best there at IoU 0.5.
    """
    truth = load_ground_truth(json.loads(test.read_text()))
    found = load_detections(test_results, truth, ['segm'])
    scores = match(truth, found, 'segm').score()
    kept = {name: round(100 * scores[name], 2)
            for name in ('AP', 'AP50', 'AP75', 'APs', 'APm', 'APl')}
    known = load_ground_truth(json.loads(train.read_text()))
    try:
        curve = f1_curve(known, load_detections(train_results, known,
                                                ['segm']))
        threshold = float(curve.thresholds[curve.best])
    except UserError:  # nothing was found
        return {**kept, **{f'F1@{iou:g}': 0.0 for iou in IOUS}}
    for iou in IOUS:
        try:
            curve = f1_curve(truth, found, iou)
            at = curve.at(threshold)
            f1 = float(curve.f1[at]) if at >= 0 else 0.0
        except UserError:
            f1 = 0.0
        kept[f'F1@{iou:g}'] = round(100 * f1, 2)
    return dict(kept, threshold=round(threshold, 3))
