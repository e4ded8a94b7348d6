"""Options that several commands have, and types of their values."""
import argparse
from typing import Callable


def whole(low: int) -> Callable[[str], int]:
    """The type of an option: a whole number of at least ``low``."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = None
        if value is None or value < low:
            raise argparse.ArgumentTypeError(
                f'expected a whole number of at least {low}, got {text!r}')
        return value

    return parse


def number(what: str, accepts: Callable[[float], bool]
           ) -> Callable[[str], float]:
    """The type of an option: a number within bounds.

    Args:
        what (str): The bounds in words.
        accepts (Callable): Whether a number is within them.
    """

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float('nan')
        # Also not a number is refused.
        if not accepts(value):
            raise argparse.ArgumentTypeError(
                f'expected a number {what}, got {text!r}')
        return value

    return parse


share = number('from 0 to 1', lambda value: 0 <= value <= 1)
at_least_0 = number('of at least 0',
                    lambda value: 0 <= value < float('inf'))
above_0 = number('above 0', lambda value: 0 < value < float('inf'))


def add_point_options(parser: argparse.ArgumentParser) -> None:
    """How points are made of masks."""
    parser.add_argument(
        '--max-points',
        type=whole(1),
        default=10,
        help='points per cell; training may use fewer (default: %(default)s)')
    parser.add_argument(
        '--seed', type=int, default=0, help='(default: %(default)s)')
    parser.add_argument(
        '--flip-prob',
        type=share,
        default=0.0,
        help='share of wrong answers to imitate (default: %(default)s)')


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """What training and testing have in common, as MMDetection's tools."""
    # They load PyTorch.
    from mmengine.config import DictAction

    from pace_mmdet.engine.launch import LAUNCHERS

    parser.add_argument(
        '--work-dir',
        metavar='FOLDER',
        help='where logs and checkpoints go (work_dirs/<name of the config>)')
    parser.add_argument(
        '--compile',
        action='store_true',
        help='compile backbone and neck (torch.compile): minutes at first, '
        'faster from then on')
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
