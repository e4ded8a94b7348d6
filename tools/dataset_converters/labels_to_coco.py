"""Make a COCO file with masks of folders of images and label images."""
import argparse
import sys

from pace_mmdet.coco.label_images import labels_to_coco
from pace_mmdet.commands.running import run_tool


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('images', help='folder of images')
    parser.add_argument(
        'labels',
        help='folder of 2D label images (TIFF or PNG): 0 is background, '
        'every other number one cell')
    parser.add_argument('--out', required=True, help='COCO file to write')
    parser.add_argument(
        '--image-suffix',
        default='',
        help="end of the images' names before the file type, e.g. _img")
    parser.add_argument(
        '--label-suffix',
        default='',
        help="end of the label images' names before the file type, e.g. _mask")
    parser.add_argument(
        '--category', default='cell', help='(default: %(default)s)')
    parser.add_argument(
        '--min-area',
        type=int,
        default=1,
        help='leave out cells of fewer pixels (default: %(default)s)')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    images, cells, left_out = labels_to_coco(
        args.images, args.labels, args.out, args.image_suffix,
        args.label_suffix, args.category, args.min_area)
    print(f'{args.out}: {images} images, {cells} cells ({left_out} of fewer '
          f'than {args.min_area} pixels left out)')


if __name__ == '__main__':
    sys.exit(run_tool(main))
