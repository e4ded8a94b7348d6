"""Make a COCO file of the annotations of another program.

A COCO file as CVAT, Label Studio or Roboflow export it; or a folder of files
named after the images: ROI zips of Fiji or StarDist, GeoJSON of QuPath, JSON
of labelme. For label images and Cellpose's _seg.npy, see pace data labels.
"""
import argparse

from pace_mmdet.coco.foreign import import_annotations

from .image_options import add_plane_options
from .running import program


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Of the command line."""
    parser.add_argument('images', help='folder of images')
    parser.add_argument('annotations',
                        help='COCO file, or folder with a file an image')
    parser.add_argument('--out', required=True, help='COCO file to write')
    parser.add_argument(
        '--category', default='cell', help='(default: %(default)s)')
    parser.add_argument(
        '--crowds-are-cells', action='store_true',
        help='take masks that a COCO file marks "iscrowd" as cells, too')
    add_plane_options(parser, page='plane of stacks, from 0',
                      channel='channel of files with several, from 0')


def run(args: argparse.Namespace) -> None:
    """Write the file and count."""
    report = import_annotations(
        args.images, args.annotations, args.out, args.category, args.page,
        args.channel, args.crowds_are_cells)
    print(f'{args.out}: ' + '\n'.join(report.lines()))


main = program(__name__)
