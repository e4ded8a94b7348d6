"""Evaluate a model.

The arguments are those of MMDetection's tool of the same name, with a few
more.
"""
import argparse

from pace_mmdet.engine import run_test

from .options import add_run_options
from .running import program


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Of the command line."""
    parser.add_argument('config', help='config file, or name of one of ours')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument(
        '--out',
        metavar='PREDICTIONS.json',
        help='also write the predictions as a COCO results file')
    parser.add_argument(
        '--show-dir',
        metavar='FOLDER',
        help='also draw truth and prediction side by side, into this folder '
        'of the log directory')
    add_run_options(parser)


def run(args: argparse.Namespace) -> None:
    """Evaluate, and print the scores."""
    run_test(args)


main = program(__name__)
