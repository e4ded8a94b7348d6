"""Draw what a data pipeline yields: browse_dataset.py CONFIG."""
import argparse
import sys
from pathlib import Path
from typing import Optional, Sequence

from mmengine.config import DictAction

import pace_mmdet  # noqa: F401  (registers what configs name)
from pace_mmdet.commands.running import run_tool
from pace_mmdet.engine.configuring import load_config
from pace_mmdet.visualization.browse import PHASES, SPLITS, browse


def parse_args(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description='Write pictures of what a data set and its pipeline give: '
        'boxes and masks, or boxes and points, blue on the cell and red '
        'outside of it.')
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--out-dir',
        help='folder of the PNG files (default: work_dirs/<config>/browse/'
        '<split>_<phase>)')
    parser.add_argument('--split', choices=SPLITS, default='train')
    parser.add_argument(
        '--num', type=int, default=10, help='how many images (default: 10)')
    parser.add_argument(
        '--phase',
        choices=PHASES,
        default=PHASES[0],
        help='what the pipeline yields; the image as read with the '
        'annotations of the data set; or every step of the pipeline '
        '(default: %(default)s)')
    parser.add_argument(
        '--seed', type=int, default=0, help='of the augmentation')
    parser.add_argument(
        '--overwrite', action='store_true', help='replace pictures that exist')
    parser.add_argument(
        '--show', action='store_true', help='also open a window for each')
    parser.add_argument(
        '--not-show',
        '--show-not',
        dest='show',
        action='store_false',
        help='open no window (the default; MMDetection\'s tool has the same '
        'option)')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        help='settings of the config to change, as key=value')
    parser.set_defaults(allow_new_keys=False, work_dir=None, launcher='none')
    return parser.parse_args(argv)


def run(args: argparse.Namespace) -> None:
    """Draw, and say where the pictures are."""
    cfg = load_config(args)
    out_dir = Path(
        args.out_dir
        or Path(cfg.work_dir, 'browse', f'{args.split}_{args.phase}'))
    written = browse(cfg, out_dir, args.split, args.num, args.phase, args.show,
                     args.overwrite, args.seed)
    print(f'{len(written)} pictures in {out_dir}')


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Run the tool; returns its exit code."""
    args = parse_args(argv)
    return run_tool(lambda: run(args))


if __name__ == '__main__':
    sys.exit(main())
