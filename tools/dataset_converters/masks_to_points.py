"""Make boxes and labelled points of a COCO file with masks."""
import argparse
import sys

from pace_mmdet.coco.converting import masks_to_points
from pace_mmdet.commands.running import run_tool
from pace_mmdet.engine.arguments import point_options
from pace_mmdet.errors import UserError


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, parents=[point_options()])
    parser.add_argument('masks', help='COCO file with masks')
    parser.add_argument('out', help='point COCO file to write')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    try:
        report = masks_to_points(args.masks, args.out, args.max_points,
                                 args.seed, args.flip_prob)
    except ValueError as error:
        raise UserError(str(error)) from None
    print(f'{args.out}: ' + '\n'.join(report.lines()))


if __name__ == '__main__':
    sys.exit(run_tool(main))
