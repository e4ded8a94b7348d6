"""Training input: the point pipeline beside the full-mask pipeline.

Both are the LIVECell configs' own: decode the image, resize, flip, pack.
"""
import argparse
import io
import tempfile
from contextlib import redirect_stdout
from pathlib import Path

from mmdet.registry import DATASETS
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope

from pace_mmdet.coco.converting import masks_to_points
from pace_mmdet.testing import write_synthetic_coco
from pace_mmdet.testing.benchmarking import (Aim, Comparison, add_json_option,
                                             compare, publish)

ROOT = Path(__file__).resolve().parents[2]
BASES = ROOT / 'configs/_base_/datasets'


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--images', type=int, default=8)
    parser.add_argument('--cells-per-image', type=int, default=313)
    parser.add_argument('--height', type=int, default=520)
    parser.add_argument('--width', type=int, default=704)
    parser.add_argument('--runs', type=int, default=3)
    add_json_option(parser)
    return parser.parse_args()


STOCK = dict(type='LoadAnnotations', with_bbox=True, with_mask=True)


def build(name: str, ann_file: Path, stock: bool = False):
    """The training set of a base config on other files.

    With ``stock``, masks are loaded as MMDetection does by default.
    """
    cfg = Config.fromfile(BASES / f'{name}.py').train_dataloader.dataset
    cfg.update(
        data_root=None,
        ann_file=str(ann_file),
        data_prefix=dict(img=str(ann_file.parent / 'images')))
    if stock:
        cfg.pipeline = [
            STOCK if step.type == 'LoadPolygonAnnotations' else step
            for step in cfg.pipeline
        ]
    with redirect_stdout(io.StringIO()):
        return DATASETS.build(cfg)


def main() -> None:
    args = parse_args()
    MMLogger.get_instance('load_samples', log_level='WARNING')
    init_default_scope('mmdet')
    with tempfile.TemporaryDirectory() as folder:
        masks = write_synthetic_coco(folder, args.images, args.cells_per_image,
                                     args.height, args.width)
        points = Path(folder) / 'points.json'
        masks_to_points(masks, points)
        bitmaps = 'full masks as bitmaps (stock)'
        datasets = {
            'ours': build('livecell_points', points),
            bitmaps: build('livecell_masks', masks, stock=True),
            'full masks as polygons': build('livecell_masks', masks)
        }
        costs = compare(
            {
                name: lambda dataset=dataset:
                [dataset[i] for i in range(len(dataset))] and None
                for name, dataset in datasets.items()
            }, args.runs)
    speed = {name: args.images / cost.seconds for name, cost in costs.items()}
    publish([
        Comparison(
            f'Loading {args.images} training samples of {args.width} x '
            f'{args.height} pixels with {args.cells_per_image} cells', costs,
            {bitmaps: Aim(4)}, [
                'images a second: ' + ', '.join(
                    f'{name} {value:.1f}' for name, value in speed.items())
            ])
    ], args.json)


if __name__ == '__main__':
    main()
