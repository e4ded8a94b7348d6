"""Convert a checkpoint of detectron2 or its ResNeSt fork.

For LIVECell's anchor-based models, the COCO model that they started from and
the ImageNet backbone below it; detectron2's own Mask R-CNN with ResNet-50
goes into the Point2Mask configs. What is not in the checkpoint, or predicts
other classes or from other anchors than the config, is listed as new. If
anything else does not fit, nothing is written.
"""
import argparse
import sys
from pathlib import Path

from rich.console import Console

from pace_mmdet.commands.running import run_tool
from pace_mmdet.converters import convert_file

CONFIG = 'configs/livecell/anchor_based_r200_dcn.py'


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('checkpoint', help='as published (.pth or .pkl)')
    parser.add_argument('out', help='checkpoint to write')
    parser.add_argument(
        '--config',
        default=CONFIG,
        help='config that is to load it (default: %(default)s)')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    config = args.config
    if config == CONFIG and not Path(config).exists():
        # Called from another folder.
        config = Path(__file__).parents[2] / CONFIG
    with Console(stderr=True).status(f'Converting {args.checkpoint}'):
        lines = convert_file(args.checkpoint, args.out, config)
    print(f'{args.out}: for {args.config}\n  ' + '\n  '.join(lines))


if __name__ == '__main__':
    sys.exit(run_tool(main))
