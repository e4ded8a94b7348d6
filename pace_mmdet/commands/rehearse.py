"""Rehearse the LIVECell recipe on a small synthetic copy, on a CPU.

Serves images and annotations with LIVECell's layout, names, doubles and
numbers of cells on this machine, and runs what a user would type: download,
points, check, one iteration of training, test, table. Nothing is learned; it
shows within minutes whether everything works where it is to run.
"""
import argparse
import tempfile
from pathlib import Path

from pace_mmdet.recipes.rehearsal import rehearse

from .running import program


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Of the command line."""
    parser.add_argument(
        '--config',
        default='pace_r200_dcn_4pt',
        help='a config of LIVECell with points (default: %(default)s)')
    parser.add_argument(
        '--folder',
        type=Path,
        help='keep everything in this new folder (default: a temporary one)')


def run(args: argparse.Namespace) -> None:
    """Run it."""
    with tempfile.TemporaryDirectory() as temporary:
        seconds = rehearse(args.config, args.folder or temporary)
    print('\nAll steps worked.')
    for step, duration in seconds.items():
        print(f'  {step:<10}{duration:6.1f} s')


main = program(__name__)
