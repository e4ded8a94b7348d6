"""Draw what annotating a cell costs, by points and by a full mask (Fig. 2).

The paper's times are the defaults: 7 s for a box, 0.9 s for a point, 46 s for
a mask. Give your own, and the picture says what points would save you.
"""
import argparse
from dataclasses import fields
from pathlib import Path

from pace_mmdet.errors import UserError
from pace_mmdet.images.saving import save_figure
from pace_mmdet.points import AnnotationCost
from pace_mmdet.points.cost_figures import annotation_cost_figure

from .options import above_0, at_least_0, whole
from .running import program


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Of the command line."""
    for field in fields(AnnotationCost):
        what = field.name.rpartition('_')[2]
        parser.add_argument(
            f'--{field.name.replace("_", "-")}',
            # The other times are compared with that of a mask.
            type=above_0 if what == 'mask' else at_least_0,
            default=field.default,
            help=f'time for a {what} (default: %(default)s)')
    parser.add_argument(
        '--points', type=whole(0), nargs='+', default=[1, 2, 4, 6, 8, 10],
        help='numbers of points per cell (default: %(default)s)')
    parser.add_argument('--out', type=Path, default='annotation_cost.png',
                        help='the picture: .png, .pdf or .svg')
    parser.add_argument('--overwrite', action='store_true',
                        help='replace a picture that exists')


def run(args: argparse.Namespace) -> None:
    """Draw, and print the same in numbers."""
    cost = AnnotationCost(args.seconds_per_box, args.seconds_per_point,
                          args.seconds_per_mask)
    if len(set(args.points)) < len(args.points):
        raise UserError('--points: expected different numbers, got '
                        f'{args.points}')
    if args.out.exists() and not args.overwrite:
        raise UserError(f'{args.out} exists already; --overwrite it, or '
                        'choose another name with --out')
    save_figure(annotation_cost_figure(cost, args.points), args.out)
    for count in args.points:
        print(f'{count:3d} points: {cost.seconds(count):6.1f} s per cell, '
              f'{cost.fraction(count):6.1%} of a mask, '
              f'{cost.speedup(count):.2f} times faster')
    print(f'The picture is {args.out}')


main = program(__name__)
