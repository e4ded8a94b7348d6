"""Command lines of the training and test tools, and what tools share.

The arguments of the two are those of MMDetection's tools of the same names,
with a few more.
"""
import argparse

from mmengine.config import DictAction

from .launch import LAUNCHERS


def parser_for_train() -> argparse.ArgumentParser:
    """Arguments of ``tools/train.py``."""
    parser = argparse.ArgumentParser(description='Train a model')
    parser.add_argument('config', help='config file')
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
    parser.add_argument(
        '--amp',
        action='store_true',
        help='train in bfloat16 where that loses nothing (GPU)')
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='scale the learning rate by total batch size / the batch size '
        'that it was chosen for (auto_scale_lr.base_batch_size)')
    parser.add_argument(
        '--seed',
        type=int,
        help='seed of the order of data, augmentation '
        'and initial weights')
    parser.add_argument(
        '--deterministic',
        action='store_true',
        help='deterministic algorithms only (slower)')
    _add_common(parser)
    return parser


def parser_for_test() -> argparse.ArgumentParser:
    """Arguments of ``tools/test.py``."""
    parser = argparse.ArgumentParser(description='Test (evaluate) a model')
    parser.add_argument('config', help='config file')
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
    _add_common(parser)
    return parser


def point_options() -> argparse.ArgumentParser:
    """How points are made of masks, as a parent of other parsers."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument(
        '--max-points',
        type=int,
        default=10,
        help='points per cell; training may use fewer (default: %(default)s)')
    parser.add_argument(
        '--seed', type=int, default=0, help='(default: %(default)s)')
    parser.add_argument(
        '--flip-prob',
        type=float,
        default=0.0,
        help='share of wrong answers to imitate (default: %(default)s)')
    return parser


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--work-dir',
        metavar='FOLDER',
        help='where logs and checkpoints go (work_dirs/<name of the config>)')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='change settings of the config, e.g. train_cfg.max_iters=100 '
        'or key="[1,2]" (quoted, without spaces)')
    parser.add_argument(
        '--allow-new-keys',
        action='store_true',
        help='let --cfg-options add keys that the config does not have')
    parser.add_argument(
        '--trust-checkpoint',
        action='store_true',
        help='run the code that a checkpoint may hold: only for files from '
        'people you trust')
    parser.add_argument(
        '--launcher',
        choices=LAUNCHERS,
        default='none',
        help='what started the processes, if there are several')
    # Older launchers pass it; torchrun sets LOCAL_RANK instead.
    parser.add_argument(
        '--local_rank',
        '--local-rank',
        type=int,
        default=0,
        help=argparse.SUPPRESS)
