"""Annotate images in the browser: boxes, then yes or no for their points."""
import argparse
import sys
from typing import Optional, Sequence

from pace_mmdet.annotate.command import annotate
from pace_mmdet.commands.image_options import (add_intensity_options,
                                               add_plane_options)
from pace_mmdet.commands.running import run_tool


def parse_args(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description='Open a folder of images for annotating in the browser. '
        'Everything is kept in one project file. With --export or --cost, '
        'write that instead.')
    parser.add_argument('images', help='folder of images, also those below it')
    parser.add_argument(
        '--db', required=True, help='project file; made if it does not exist')
    parser.add_argument(
        '--points',
        type=int,
        help='points per box; more can be added later (default: the '
        "project's, 4 for a new one)")
    parser.add_argument(
        '--seed',
        type=int,
        help="of the points, for good (default: the project's, 0 for a new "
        'one)')
    add_plane_options(
        parser,
        page='plane to show of files with more than one, from 0, for good '
        '(default: such files are left out)',
        channel='channel to show of files with several, from 0, for good')
    add_intensity_options(parser, default='percentile')
    parser.add_argument(
        '--boxes',
        nargs='+',
        metavar='COCO',
        help='COCO files with boxes to begin with, for example of '
        'tools/predict.py; an exported file brings its answers along')
    parser.add_argument(
        '--export', metavar='JSON', help='write the point COCO file and stop')
    parser.add_argument(
        '--val',
        type=int,
        metavar='N',
        help='with --export: put the last N images with finished boxes into '
        'val.json beside the file')
    parser.add_argument(
        '--cost',
        metavar='PNG',
        help='print the measured times, plot them beside the paper\'s and '
        'stop')
    parser.add_argument('--port', type=int, default=8765,
                        help='(default: %(default)s)')
    parser.add_argument(
        '--host',
        default='127.0.0.1',
        help='address to listen on; any but this machine\'s own loopback '
        'demands a token from browsers (default: %(default)s)')
    parser.add_argument(
        '--token', help='the token (default: a new one, if it is needed)')
    return parser.parse_args(argv)


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Run the tool; returns its exit code."""
    args = parse_args(argv)
    return run_tool(lambda: annotate(args))


if __name__ == '__main__':
    sys.exit(main())
