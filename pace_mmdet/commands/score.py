"""Score a COCO results file by LIVECell's protocol, whichever model made it.

Prints AP, AP50, AP75, APs, APm, APl (at 2000 detections an image) and AFNR in
percent, over all images and for each cell type that file names carry.
"""
import argparse
import json

from pace_mmdet.evaluation.report import score_table
from pace_mmdet.evaluation.scoring import plain_scores, score_files
from pace_mmdet.files import atomic_file, refuse_inputs

from .running import program


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Of the command line."""
    parser.add_argument('gt', help='COCO annotations (JSON)')
    parser.add_argument('predictions', help='COCO results (JSON)')
    parser.add_argument(
        '--metric',
        nargs='+',
        choices=['bbox', 'segm'],
        default=['bbox', 'segm'],
        help='what to score (default: both)')
    parser.add_argument('--out', help='also write the scores to this JSON')


def run(args: argparse.Namespace) -> None:
    """Score, print and write."""
    refuse_inputs([args.out], [args.gt, args.predictions])
    rows = score_files(args.gt, args.predictions, args.metric)
    for iou_type, groups in rows.items():
        print(score_table(f'LIVECell {iou_type}', groups), end='\n\n')
    if args.out:
        with atomic_file(args.out) as file:
            file.write(json.dumps(plain_scores(rows), indent=2).encode())
        print(f'Scores written to {args.out}')


main = program(__name__)
