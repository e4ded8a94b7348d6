"""Convert a checkpoint of detectron2 or its ResNeSt fork.

For LIVECell's anchor-based models, the COCO model that they started from and
the ImageNet backbone below it; detectron2's own Mask R-CNN with ResNet-50
goes into the Point2Mask configs. What is not in the checkpoint, or predicts
other classes or from other anchors than the config, is listed as new. If
anything else does not fit, nothing is written.
"""
import argparse

from rich.console import Console

from pace_mmdet.converters import convert_file

from .running import program

CONFIG = 'anchor_based_r200_dcn'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Of the command line."""
    parser.add_argument('checkpoint', help='as published (.pth or .pkl)')
    parser.add_argument('out', help='checkpoint to write')
    parser.add_argument(
        '--config',
        default=CONFIG,
        help='config that is to load it (default: %(default)s)')


def run(args: argparse.Namespace) -> None:
    """Convert, and list what is new."""
    with Console(stderr=True).status(f'Converting {args.checkpoint}'):
        lines = convert_file(args.checkpoint, args.out, args.config)
    print(f'{args.out}: for {args.config}\n  ' + '\n  '.join(lines))


main = program(__name__)
