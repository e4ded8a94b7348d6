"""Options of the commands that read images."""
import argparse
from typing import Any, Optional

from pace_mmdet.images.intensities import Intensities, check_mode

from .options import whole


class _Choose(argparse.Action):
    """Stores :class:`Intensities`, whichever option they come by."""

    def __call__(self,
                 parser: argparse.ArgumentParser,
                 namespace: argparse.Namespace,
                 values: Any,
                 option: Optional[str] = None) -> None:
        chosen = (Intensities(self.const, *values) if self.const else
                  Intensities(values))
        try:
            check_mode(*chosen)
        except ValueError as error:
            parser.error(f'argument {option}: {error}')
        setattr(namespace, self.dest, chosen)


def add_plane_options(parser: argparse.ArgumentParser, page: str,
                      channel: str) -> None:
    """Add ``--page`` and ``--channel``.

    Args:
        parser (ArgumentParser): Of a command.
        page (str): What the first does there.
        channel (str): What the second does there.
    """
    parser.add_argument('--page', type=whole(0), metavar='N', help=page)
    parser.add_argument('--channel', type=whole(0), metavar='N', help=channel)


def add_intensity_options(parser: argparse.ArgumentParser,
                          default: str) -> None:
    """Add ``--normalize``, ``--percentiles`` and ``--range``.

    The one that is given becomes ``intensities`` of the arguments, None
    without.

    Args:
        parser (ArgumentParser): Of a command.
        default (str): What happens without them, for the help.
    """
    group = parser.add_mutually_exclusive_group()
    common = dict(dest='intensities', action=_Choose)
    group.add_argument(
        '--normalize', choices=('none', 'percentile', 'standard', 'livecell'),
        **common,
        help=f'intensities (default: {default}). standard: the same mean and '
        'contrast for all images; livecell: the published preprocessing of '
        'foreign images for models trained on LIVECell')
    group.add_argument(
        '--percentiles', type=float, nargs=2, metavar=('LOW', 'HIGH'),
        const='percentile', **common,
        help='percentiles of each image that become black and white, such '
        'as 0.1 99.9')
    group.add_argument(
        '--range', type=float, nargs=2, metavar=('MIN', 'MAX'),
        const='range', **common,
        help='intensities that become black and white, the same for all '
        'images')
