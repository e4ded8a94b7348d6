"""Find the score threshold that gives the best F1 on a data set.

Prints it, and precision, recall and F1 around it. Use validation data, not
the test set: the threshold is part of the model. The results file is what
``pace test`` writes with --out.
"""
import argparse
import math

from rich.console import Console
from rich.table import Table

from pace_mmdet.errors import UserError
from pace_mmdet.evaluation.detections import load_detections
from pace_mmdet.evaluation.ground_truth import load_ground_truth
from pace_mmdet.evaluation.thresholds import F1Curve, f1_curve

from .options import number
from .running import program

SHOWN = [round(0.05 * n, 2) for n in range(1, 20)]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Of the command line."""
    parser.add_argument('gt', help='COCO annotations with masks (JSON)')
    parser.add_argument('predictions', help='COCO results (JSON)')
    parser.add_argument(
        '--iou-thr', default=0.5,
        type=number('above 0 and at most 1', lambda value: 0 < value <= 1),
        help='IoU from which a cell is found (default: %(default)s)')


def table_of(curve: F1Curve, iou_thr: float) -> Table:
    """Precision, recall and F1 in percent, the best marked."""
    best = curve.best
    table = Table(title=f'masks at IoU {iou_thr:g} (%)')
    for name in ('score from', 'precision', 'recall', 'F1', ''):
        table.add_column(name, justify='right')
    rows = [(threshold, curve.at(threshold)) for threshold in SHOWN
            if abs(threshold - curve.thresholds[best]) > 0.005]
    rows.append((curve.thresholds[best], best))
    for threshold, at in sorted(rows, key=lambda row: row[0]):
        if at < 0:
            continue
        values = (curve.precision[at], curve.recall[at], curve.f1[at])
        table.add_row(f'{threshold:.3f}',
                      *(f'{100 * value:.1f}' for value in values),
                      'best' if threshold == curve.thresholds[best] else '')
    return table


def run(args: argparse.Namespace) -> None:
    """Find it and print it."""
    truth = load_ground_truth(args.gt)
    found = load_detections(args.predictions, truth, ['segm'])
    try:
        curve = f1_curve(truth, found, args.iou_thr)
    except UserError as error:
        raise UserError(f'{args.predictions}: {error}') from None
    Console().print(table_of(curve, args.iou_thr))
    best = curve.best
    # Rounded up, it would leave out the last of the best cells.
    advised = math.floor(1000 * curve.thresholds[best]) / 1000
    print(f'Best F1 {100 * curve.f1[best]:.1f} % at a score of '
          f'{curve.thresholds[best]:.3f}: predict_cfg = '
          f'dict(score_thr={advised:.3f}) in the config, or '
          f'--score-thr {advised:.3f}')


main = program(__name__)
