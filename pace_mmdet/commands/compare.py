"""Draw what models found over the truth, side by side.

The truth is a solid yellow line, a prediction a dotted red one; AP50 of the
image stands on top, and the cells on which the models differ most are shown
enlarged below (with one model, those that it finds worst).

Results files are what ``pace test`` writes with --out:

  pace compare val.json images/ 'Point2Mask=a.json' 'PACE=b.json' --out-dir out
"""
import argparse
from pathlib import Path
from typing import Dict, List

from rich.console import Console
from rich.progress import track

from pace_mmdet.errors import UserError
from pace_mmdet.files import refuse_inputs
from pace_mmdet.images.saving import save_figure
from pace_mmdet.visualization.comparing import Comparison

from .image_options import add_intensity_options, add_plane_options
from .options import share, whole
from .running import program


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Of the command line."""
    parser.add_argument('gt', help='COCO annotations with masks (JSON)')
    parser.add_argument('img_dir', help='folder of the images')
    parser.add_argument('predictions', nargs='+', metavar='[TITLE=]FILE',
                        help='COCO results (JSON) of each model')
    parser.add_argument('--out-dir', required=True,
                        help='folder of the pictures, which are named after '
                        'the images, with their ids if names repeat')
    which = parser.add_mutually_exclusive_group()
    which.add_argument('--images', nargs='+', metavar='NAME',
                       help='file names of the images to draw')
    which.add_argument(
        '--num', type=whole(1), default=3,
        help='how many images to draw, of those on which the models differ '
        'most (default: %(default)s)')
    parser.add_argument(
        '--score-thr', type=share, default=0.5,
        help='cells that score less are not drawn (default: %(default)s)')
    parser.add_argument('--zooms', type=whole(0), default=4,
                        help='enlarged cells (default: %(default)s)')
    parser.add_argument('--columns', type=whole(1), default=2,
                        help='models in a row (default: %(default)s)')
    add_plane_options(
        parser, page='plane of stacks, from 0',
        channel='channel of files with several, from 0')
    add_intensity_options(parser, default='percentile, as the plot does')
    parser.add_argument('--window', nargs=4, type=float,
                        metavar=('X1', 'Y1', 'X2', 'Y2'),
                        help='draw this part of each image (default: all)')
    parser.add_argument('--no-ap50', action='store_true',
                        help='leave AP50 out of the titles; of masks without '
                        'scores of their own, as for true boxes, it says '
                        'nothing')
    parser.add_argument('--overwrite', action='store_true',
                        help='replace pictures that exist')


def by_title(predictions: List[str]) -> Dict[str, str]:
    """Results files by the models' titles, else by the files' names."""
    found: Dict[str, str] = {}
    for item in predictions:
        title, _, path = item.rpartition('=')
        title = title or Path(path).stem
        if title in found:
            raise UserError(f'two models are called {title!r}; give titles: '
                            f"'TITLE={path}'")
        found[title] = path
    return found


def run(args: argparse.Namespace) -> None:
    """Draw the pictures."""
    comparison = Comparison(args.gt, by_title(args.predictions), args.img_dir,
                            args.page, args.channel, args.intensities)
    ids = comparison.image_ids(args.images) if args.images else \
        comparison.most_different(args.num)
    names = {image_id: Path(comparison.truth.images[image_id].file_name).stem
             for image_id in ids}
    # The same in two folders, or as a.tif and A.png.
    if len({name.lower() for name in names.values()}) < len(names):
        names = {image_id: f'{name}_{image_id}'
                 for image_id, name in names.items()}
    paths = {image_id: Path(args.out_dir, f'{name}.png')
             for image_id, name in names.items()}
    refuse_inputs(paths.values(), [
        Path(args.img_dir, image.file_name)
        for image in comparison.truth.images.values()])
    existing = [path for path in paths.values() if path.exists()]
    if existing and not args.overwrite:
        raise UserError(f'{existing[0]} exists already; choose another '
                        '--out-dir, or --overwrite it')
    for image_id, path in track(paths.items(), 'Drawing',
                                console=Console(stderr=True)):
        figure = comparison.figure(image_id, args.score_thr, args.zooms,
                                   args.columns, args.window,
                                   not args.no_ap50)
        save_figure(figure, path)
    print(f'{len(paths)} pictures in {args.out_dir}')


main = program(__name__)
