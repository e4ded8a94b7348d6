"""Segment images with a trained model: predict.py INPUT... --checkpoint K.

Inputs are files, folders and patterns; every plane of a stack is an image.
Results go into --out-dir, named after the input.
"""
import argparse
import sys
from typing import Optional, Sequence

from pace_mmdet.commands.image_options import (add_intensity_options,
                                               add_plane_options)
from pace_mmdet.commands.running import run_tool
from pace_mmdet.engine.launch import LAUNCHERS
from pace_mmdet.inference.command import run_predict
from pace_mmdet.inference.preparation import DEFAULT_SCORE_THR, TILE_SIZE
from pace_mmdet.inference.segmenter import OVERLAP
from pace_mmdet.inference.writers import FORMATS


def parse_args(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('inputs', nargs='+', metavar='INPUT',
                        help='image file, folder or pattern')
    parser.add_argument('--checkpoint', required=True, help='trained model')
    parser.add_argument(
        '--config', help='config file (default: the one in the checkpoint)')
    parser.add_argument('--out-dir', required=True, help='where results go')
    parser.add_argument(
        '--format',
        default='labels',
        help=f'some of {",".join(FORMATS)}, with commas (default: '
        '%(default)s)')
    parser.add_argument(
        '--score-thr',
        type=float,
        help='leave out cells that score less (default: predict_cfg.score_thr '
        f'of the config, else {DEFAULT_SCORE_THR})')
    add_plane_options(
        parser, page='plane of stacks to segment, from 0 (default: all)',
        channel='channel to segment, from 0 (default: as in training)')
    add_intensity_options(parser, default='as in training')
    size = parser.add_mutually_exclusive_group()
    size.add_argument(
        '--scale',
        type=float,
        default=1.0,
        help='resize images so that cells are as large as those of training: '
        '0.5 at twice the magnification')
    size.add_argument(
        '--diameter',
        type=float,
        help='how large cells are in the images, in pixels, instead of a '
        'scale')
    parser.add_argument(
        '--tile-size', type=int,
        help='large images are cut into tiles of so many pixels of the '
        f"network's input (default: {TILE_SIZE}, more for a config of larger "
        'images)')
    parser.add_argument(
        '--overlap', type=int, default=OVERLAP,
        help='of tiles; more than the largest cell (default: %(default)s)')
    parser.add_argument(
        '--batch-size', type=int, default=1,
        help='tiles that go through the network at once (default: '
        '%(default)s)')
    parser.add_argument('--recursive', action='store_true',
                        help='also take images of folders below')
    existing = parser.add_mutually_exclusive_group()
    existing.add_argument(
        '--skip-existing', action='store_true',
        help='write only what is missing: to go on with a stopped run')
    existing.add_argument('--overwrite', action='store_true',
                          help='replace results that exist')
    parser.add_argument('--device', help='such as cuda:1, mps or cpu (default: a GPU if there '
                        'is one)')
    parser.add_argument(
        '--trust-checkpoint', action='store_true',
        help='run the code that a checkpoint may hold: only for files from '
        'people you trust')
    parser.add_argument(
        '--launcher', choices=LAUNCHERS, default='none',
        help='what started the processes, if there are several')
    return parser.parse_args(argv)


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Run the tool; returns its exit code."""
    args = parse_args(argv)
    return run_tool(lambda: run_predict(args))


if __name__ == '__main__':
    sys.exit(main())
