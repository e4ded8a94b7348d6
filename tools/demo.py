"""Train from points on real cells, evaluate and draw the result."""
import argparse
import sys

from pace_mmdet.commands.running import run_tool
from pace_mmdet.recipes.demo import run_demo


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--config',
        default='configs/hela/pace_r18_hela_4pt.py',
        help='one of the point configs in configs/hela (default: '
        '%(default)s)')
    parser.add_argument(
        '--work-dir',
        default='work_dirs/demo',
        help='where results go (default: %(default)s)')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    run_demo(args.config, args.work_dir)


if __name__ == '__main__':
    sys.exit(run_tool(main))
