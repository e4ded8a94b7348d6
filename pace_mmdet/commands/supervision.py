"""Draw what full masks and what points ask of an annotator (Fig. 1).

An image of a config's training, validation or test set with its masks, and
with its boxes and the points that are drawn for it.
"""
import argparse
import io
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
from mmcv.transforms import Compose
from mmdet.registry import DATASETS
from mmengine.registry import init_default_scope

from pace_mmdet.datasets.checks import require_masks
from pace_mmdet.engine.configuring import read_config
from pace_mmdet.engine.data_check import check_data
from pace_mmdet.errors import UserError
from pace_mmdet.images.saving import save_figure
from pace_mmdet.visualization.figures import supervision_figure

from .options import whole
from .running import program

LOADING = dict(type='LoadMicroscopyImage', normalize='percentile')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Of the command line."""
    parser.add_argument('config', help='config of data with masks')
    parser.add_argument('out', type=Path, help='picture to write')
    parser.add_argument(
        '--split', choices=['train', 'val', 'test'], default='test',
        help='images (default: %(default)s)')
    parser.add_argument(
        '--image', metavar='NAME', help='file name (default: the first)')
    parser.add_argument('--num-points', type=whole(1), default=4)
    parser.add_argument(
        '--window', nargs=4, type=float, metavar=('X1', 'Y1', 'X2', 'Y2'),
        help='part of the image (default: all)')


def run(args: argparse.Namespace) -> None:
    """Draw the picture."""
    cfg = read_config(args.config)
    check_data(cfg, (args.split, ))
    init_default_scope(cfg.get('default_scope', 'mmdet'))
    settings = cfg[f'{args.split}_dataloader'].dataset
    require_masks(settings, args.config, args.split)
    own = [step for step in settings.get('pipeline', [])
           if step['type'] == LOADING['type']]
    with redirect_stdout(io.StringIO()):  # pycocotools talks
        dataset = DATASETS.build(dict(settings, pipeline=[
            dict(own[0] if own else LOADING, to_float32=False),
            dict(type='LoadPolygonAnnotations')
        ]))
    names = [Path(dataset.get_data_info(index)['img_path']).name
             for index in range(len(dataset))]
    name = args.image or names[0]
    if name not in names:
        raise UserError(f'{args.config}: the {args.split} set has no image '
                        f'{name}; the first of its {len(names)} is '
                        f'{names[0]}')
    info = dataset.get_data_info(names.index(name))
    info.pop('complete', None)  # the whole image is drawn
    loaded = dataset.pipeline(info)
    pointed = Compose([
        dict(type='RandomPointLabel', num_points=args.num_points)
    ])(dict(loaded))
    boxes = loaded['gt_bboxes'].numpy()
    shown = np.arange(len(boxes))
    if args.window is not None:
        x1, y1, x2, y2 = args.window
        shown = np.flatnonzero((boxes[:, 2] > x1) & (boxes[:, 0] < x2)
                               & (boxes[:, 3] > y1) & (boxes[:, 1] < y2))
    save_figure(
        supervision_figure(
            loaded['img'], boxes[shown], pointed['gt_masks'][shown],
            loaded['gt_masks'][shown], window=args.window), args.out)
    print(f'{args.out}: {len(shown)} cells of {name}')


main = program(__name__)
