"""Make a COCO file with masks of folders of images and label images."""
import argparse

from pace_mmdet.coco.label_images import labels_to_coco
from pace_mmdet.images.labels import MASK_MODES

from .image_options import add_plane_options
from .options import whole
from .running import program


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Of the command line."""
    parser.add_argument('images', help='folder of images')
    parser.add_argument(
        'labels',
        help='folder of label images: 0 is background, every other number '
        'one cell; also of Cellpose (..._seg.npy)')
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
        type=whole(1),
        default=1,
        help='leave out cells of fewer pixels (default: %(default)s)')
    add_plane_options(
        parser, page='plane of stacks, from 0, of images and label images',
        channel='channel of the images, from 0')
    parser.add_argument(
        '--masks', choices=MASK_MODES, default='refuse',
        help='what becomes of a mask, a file with one number for all cells: '
        'each separate part is a cell, or all parts are one (default: '
        '%(default)s)')


def run(args: argparse.Namespace) -> None:
    """Write the file and count."""
    report = labels_to_coco(
        args.images, args.labels, args.out, args.image_suffix,
        args.label_suffix, args.category, args.min_area, args.page,
        args.channel, args.masks)
    print(f'{args.out}: {report.images} images, {report.cells} cells '
          f'({report.too_small} of fewer than {args.min_area} pixels left '
          'out)')
    for line in report.left_out:
        print(f'  {line}')
    plane = ', '.join(f'{key}={value}' for key, value in
                      (('page', args.page), ('channel', args.channel))
                      if value is not None)
    if plane:
        print(f'  to train on it, set {plane} in the LoadMicroscopyImage of '
              'the config')


main = program(__name__)
