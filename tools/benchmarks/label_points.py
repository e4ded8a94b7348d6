"""Time drawing and labelling points, beside decoding every mask for it."""
import argparse
import statistics
import time

import numpy as np
from pycocotools import mask as mask_utils

from pace_mmdet.points import draw_points, label_points
from pace_mmdet.testing import synthetic_coco
from pace_mmdet.testing.benchmarking import (Comparison, Cost, add_json_option,
                                             publish)

HEIGHT, WIDTH = 520, 704


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--cells', type=int, default=58000)
    parser.add_argument('--cells-per-image', type=int, default=300)
    parser.add_argument('--num-points', type=int, default=10)
    parser.add_argument('--runs', type=int, default=3)
    add_json_option(parser)
    return parser.parse_args()


def label_by_decoding(points: np.ndarray, polygons: list) -> np.ndarray:
    """The obvious way: each cell's mask as a bitmap of the image."""
    labels = np.empty(points.shape[:2], np.int8)
    for cell, (pixels, polygon) in enumerate(zip(points, polygons)):
        code, = mask_utils.frPyObjects(polygon, HEIGHT, WIDTH)
        mask = mask_utils.decode(code)
        labels[cell] = mask[pixels[:, 1], pixels[:, 0]]
    return labels


def main() -> None:
    args = parse_args()
    _, coco = synthetic_coco(1, args.cells_per_image, HEIGHT, WIDTH)
    polygons = [cell['segmentation'] for cell in coco['annotations']]
    corners = np.array([cell['bbox'] for cell in coco['annotations']])
    corners[:, 2:] += corners[:, :2]
    images = -(-args.cells // args.cells_per_image)
    ids = np.arange(args.cells_per_image)

    ours, by_decoding = [], []
    for _ in range(args.runs):
        start = time.perf_counter()
        for image in range(images):
            points = draw_points(corners, ids + image * len(ids),
                                 args.num_points, HEIGHT, WIDTH)
            labels = label_points(points, polygons, HEIGHT, WIDTH)
        ours.append(time.perf_counter() - start)
        # One image is enough to see the difference.
        start = time.perf_counter()
        expected = label_by_decoding(points, polygons)
        by_decoding.append((time.perf_counter() - start) * images)
        assert np.array_equal(labels, expected)
    publish([
        Comparison(
            f'Drawing and labelling {args.num_points} points for each of '
            f'{images * len(ids):,} cells on {WIDTH} x {HEIGHT} pixels', {
                'ours': Cost(statistics.median(ours)),
                'decoding each mask': Cost(statistics.median(by_decoding))
            }, remarks=['decoding: extrapolated from one image'])
    ], args.json)


if __name__ == '__main__':
    main()
