"""Make a COCO file of the annotations of another program.

A COCO file as CVAT, Label Studio or Roboflow export it; or a folder of files
named after the images: ROI zips of Fiji or StarDist, GeoJSON of QuPath, JSON
of labelme. For label images and Cellpose's _seg.npy, see labels_to_coco.py.
"""
import argparse
import sys

from pace_mmdet.coco.foreign import import_annotations
from pace_mmdet.commands.image_options import add_plane_options
from pace_mmdet.commands.running import run_tool


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
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
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    report = import_annotations(
        args.images, args.annotations, args.out, args.category, args.page,
        args.channel, args.crowds_are_cells)
    print(f'{args.out}: ' + '\n'.join(report.lines()))


if __name__ == '__main__':
    sys.exit(run_tool(main))
