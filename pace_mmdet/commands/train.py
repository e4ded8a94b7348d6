"""Train a model.

The arguments are those of MMDetection's tool of the same name, with a few
more.
"""
import argparse

from pace_mmdet.engine import run_train
from pace_mmdet.engine.bfloat16 import add_amp_option

from .options import add_run_options, whole
from .running import program


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Of the command line."""
    parser.add_argument('config', help='config file, or name of one of ours')
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help='go on from a checkpoint; without a path from the latest in the '
        'work directory, or from the beginning if there is none')
    parser.add_argument(
        '--load-from',
        metavar='CHECKPOINT',
        help='start a new run from these weights: a file, an address or a '
        'name')
    add_amp_option(parser)
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='scale the learning rate by total batch size / the batch size '
        'that it was chosen for (auto_scale_lr.base_batch_size)')
    parser.add_argument(
        '--seed',
        type=whole(0),
        help='seed of the order of data, augmentation '
        'and initial weights')
    parser.add_argument(
        '--deterministic',
        action='store_true',
        help='deterministic algorithms only (slower)')
    add_run_options(parser)


run = run_train
main = program(__name__)
