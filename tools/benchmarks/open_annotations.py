"""Opening a point annotation file: ours beside MMDetection's CocoDataset."""
import argparse
import io
import tempfile
from contextlib import redirect_stdout
from pathlib import Path
from typing import Iterator

import numpy as np
from mmengine.logging import MMLogger

from pace_mmdet.coco.files import write_coco
from pace_mmdet.datasets import CellPointDataset
from pace_mmdet.testing.benchmarking import (Aim, Comparison, add_json_option,
                                             compare, publish)

from mmdet.datasets import CocoDataset  # isort: skip

HEIGHT, WIDTH, NUM_POINTS = 520, 704, 10
METAINFO = dict(classes=('cell', ))


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--cells', type=int, default=1_000_000)
    parser.add_argument('--cells-per-image', type=int, default=313)
    parser.add_argument('--runs', type=int, default=1)
    add_json_option(parser)
    return parser.parse_args()


def random_cells(num_cells: int, num_images: int) -> Iterator[dict]:
    """Annotations with boxes and points that pass every check."""
    rng = np.random.default_rng(0)
    for start in range(0, num_cells, 10_000):
        ids = range(start + 1, min(start + 10_000, num_cells) + 1)
        corners = rng.uniform((0, 0), (WIDTH - 40, HEIGHT - 40),
                              (len(ids), 2)).round(2)
        sizes = rng.uniform(8, 40, (len(ids), 2)).round(2)
        points = corners[:, None] + sizes[:, None] * rng.uniform(
            size=(len(ids), NUM_POINTS, 2))
        labels = rng.integers(0, 2, (len(ids), NUM_POINTS))
        for row, ann_id in enumerate(ids):
            yield dict(
                id=ann_id,
                image_id=ann_id % num_images + 1,
                category_id=1,
                bbox=[*corners[row].tolist(), *sizes[row].tolist()],
                area=float(sizes[row].prod()),
                iscrowd=0,
                point_coords=points[row].astype(int).tolist(),
                point_labels=labels[row].tolist())


def write_data_set(root: Path, num_cells: int, cells_per_image: int) -> str:
    """Write annotations, and empty files where the images would be."""
    num_images = -(-num_cells // cells_per_image)
    images = [
        dict(
            id=number,
            file_name=f'A172_Phase_{number}.tif',
            height=HEIGHT,
            width=WIDTH) for number in range(1, num_images + 1)
    ]
    for image in images:
        (root / image['file_name']).touch()
    write_coco(root / 'points.json', images, [dict(id=1, name='cell')],
               random_cells(num_cells, num_images))
    return str(root / 'points.json')


def main() -> None:
    args = parse_args()
    MMLogger.get_instance('open_annotations', log_level='WARNING')
    with tempfile.TemporaryDirectory() as folder:
        path = write_data_set(Path(folder), args.cells, args.cells_per_image)
        size = Path(path).stat().st_size

        def ours() -> CellPointDataset:
            return CellPointDataset(
                ann_file=path, num_points=NUM_POINTS, data_prefix=dict(
                    img=folder), pipeline=[])

        def stock() -> CocoDataset:
            # It prints how long it took.
            with redirect_stdout(io.StringIO()):
                return CocoDataset(
                    ann_file=path, data_prefix=dict(img=folder),
                    metainfo=METAINFO, pipeline=[])

        costs = compare(
            dict(ours=ours, CocoDataset=stock), args.runs, warm_up=False,
            kept=True)
    publish([
        Comparison(
            f'Opening {args.cells:,} cells with {NUM_POINTS} points each, a '
            f'file of {size / 1e6:.0f} MB, all checks included', costs,
            dict(CocoDataset=Aim(5, 2, 4)))
    ], args.json)


if __name__ == '__main__':
    main()
