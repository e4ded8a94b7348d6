"""Draw what a data set and its pipeline give.

Boxes and masks, or boxes and points, blue on the cell and red outside of it.
"""
import argparse
from pathlib import Path

from mmengine.config import DictAction

from pace_mmdet.engine.cell_scale import fit_to_cells
from pace_mmdet.engine.configuring import load_config
from pace_mmdet.visualization.browse import PHASES, SPLITS, browse

from .options import whole
from .running import program


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Of the command line."""
    parser.add_argument('config', help='config file, or name of one of ours')
    parser.add_argument(
        '--out-dir',
        help='folder of the PNG files (default: work_dirs/<config>/browse/'
        '<split>_<phase>)')
    parser.add_argument('--split', choices=SPLITS, default='train')
    parser.add_argument(
        '--num',
        type=whole(1),
        default=10,
        help='how many images (default: %(default)s)')
    parser.add_argument(
        '--phase',
        choices=PHASES,
        default=PHASES[0],
        help='what the pipeline yields; the image as read with the '
        'annotations of the data set; or every step of the pipeline '
        '(default: %(default)s)')
    parser.add_argument(
        '--seed', type=whole(0), default=0, help='of the augmentation')
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
    parser.set_defaults(
        allow_new_keys=False, compile=False, work_dir=None, launcher='none')


def run(args: argparse.Namespace) -> None:
    """Draw, and say where the pictures are."""
    cfg = load_config(args)
    fit_to_cells(cfg)
    out_dir = Path(
        args.out_dir
        or Path(cfg.work_dir, 'browse', f'{args.split}_{args.phase}'))
    written = browse(cfg, out_dir, args.split, args.num, args.phase, args.show,
                     args.overwrite, args.seed)
    print(f'{len(written)} pictures in {out_dir}')


main = program(__name__)
