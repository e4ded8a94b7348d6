"""Make boxes and labelled points of a COCO file with masks."""
import argparse

from pace_mmdet.coco.converting import masks_to_points

from .options import add_point_options
from .running import program


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Of the command line."""
    add_point_options(parser)
    parser.add_argument('masks', help='COCO file with masks')
    parser.add_argument('out', help='point COCO file to write')


def run(args: argparse.Namespace) -> None:
    """Write the file and count."""
    report = masks_to_points(args.masks, args.out, args.max_points, args.seed,
                             args.flip_prob)
    print(f'{args.out}: ' + '\n'.join(report.lines()))


main = program(__name__)
