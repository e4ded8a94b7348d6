"""Train from points on real cells, evaluate and draw the result."""
import argparse

from pace_mmdet.recipes.demo import run_demo

from .running import program


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Of the command line."""
    parser.add_argument(
        '--config',
        default='center_flow_hela_4pt',
        help='a config of HeLa with points, from configs/pace_plus or '
        'configs/hela (default: %(default)s)')
    parser.add_argument(
        '--work-dir',
        default='work_dirs/demo',
        help='where results go (default: %(default)s)')


def run(args: argparse.Namespace) -> None:
    """Run it."""
    run_demo(args.config, args.work_dir)


main = program(__name__)
