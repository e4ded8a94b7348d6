"""A trained model on HeLa: what tiling changes, and what it all takes.

Needs the data and the model of `make demo`. Prints the share of cells that
are found alike with other tiles, and how long the post-processing takes
beside the network.
"""
import argparse
import statistics
import time
from pathlib import Path
from typing import List

import numpy as np
import torch
from pycocotools import mask as mask_utils

from pace_mmdet.inference import Cells, load_segmenter, read_image
from pace_mmdet.models import coded_masks
from pace_mmdet.testing.benchmarking import (Aim, Comparison, Cost,
                                             add_json_option, publish)

ROOT = Path(__file__).resolve().parents[2]
LAYOUTS = [(768, 192), (768, 320), (640, 192), (1024, 192)]


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--checkpoint', help='default: the best one of '
                        'work_dirs/demo')
    parser.add_argument('--images', type=Path,
                        default=ROOT / 'data/hela/images/val',
                        help='folder of images of one size (default: '
                        'data/hela/images/val)')
    parser.add_argument('--rows', type=int, default=2,
                        help='of the mosaic that they are put together to')
    parser.add_argument('--runs', type=int, default=5)
    parser.add_argument('--scale', type=float, default=1.0,
                        help='to resize the mosaic by for the network')
    parser.add_argument('--layouts', type=int, nargs='+', metavar='PIXELS',
                        help='tile size and overlap, of two or more layouts')
    add_json_option(parser)
    return parser.parse_args()


def mosaic(folder: Path, rows: int) -> np.ndarray:
    """All images of a folder, in rows."""
    images = [read_image(path) for path in sorted(folder.glob('*.tif'))]
    columns = len(images) // rows
    return np.vstack([
        np.hstack(images[row * columns:(row + 1) * columns])
        for row in range(rows)
    ])


def share_alike(cells: Cells, others: Cells, iou_thr: float = 0.9) -> float:
    """Share of cells that one of the others matches."""
    ious = mask_utils.iou(cells.codes(), others.codes(), [0] * len(others))
    return float((np.asarray(ious).max(axis=1) >= iou_thr).mean())


def compare_layouts(checkpoint: str, img: np.ndarray, layouts: List[tuple],
                    scale: float = 1.0) -> Comparison:
    """Segment an image with several layouts; compare each with the first."""
    first, lines, start = None, [], time.perf_counter()
    for tile_size, overlap in layouts:
        segmenter = load_segmenter(checkpoint, scale=scale,
                                   tile_size=tile_size, overlap=overlap)
        prepared = segmenter.preparation.intensities(img)
        (_, found), = segmenter.stream([(0, prepared)])
        line = (f'tiles of {tile_size}, overlap {overlap}: '
                f'{found.num_tiles} tiles, {len(found.cells)} cells')
        if first is None:
            first = found.cells
        else:
            line += (f'; {100 * share_alike(first, found.cells):.1f} % of the '
                     'first layout\'s are there at IoU 0.9, and '
                     f'{100 * share_alike(found.cells, first):.1f} % of these '
                     'in the first')
        lines.append(line)
    return Comparison(
        f'Segmenting a mosaic of {img.shape[1]:,} x {img.shape[0]:,} pixels, '
        f'scale {scale:g}, with {len(layouts)} layouts of tiles',
        dict(ours=Cost(time.perf_counter() - start)),
        remarks=lines + ['aim: 99 % alike'])


def time_parts(checkpoint: str, img: np.ndarray, runs: int) -> Comparison:
    """Time the network and what comes after it, on one image."""
    segmenter = load_segmenter(checkpoint)
    spent = dict(network=0.0, masks=0.0)

    def timed(function, name):
        def call(*args, **kwargs):
            start = time.perf_counter()
            result = function(*args, **kwargs)
            spent[name] += time.perf_counter() - start
            return result

        return call

    model = segmenter.detector.model
    model.test_step = timed(model.test_step, 'network')
    paste = coded_masks.masks_to_codes
    coded_masks.masks_to_codes = timed(paste, 'masks')
    network, after, cells = [], [], 0
    prepared = segmenter.preparation.intensities(img)
    for run in range(runs + 1):
        spent.update(network=0.0, masks=0.0)
        start = time.perf_counter()
        (_, found), = segmenter.stream([(0, prepared)])
        found.cells.label_image()
        total = time.perf_counter() - start
        if run:  # the first one is not counted
            network.append(spent['network'] - spent['masks'])
            after.append(total - network[-1])
        cells = len(found.cells)
    coded_masks.masks_to_codes = paste
    return Comparison(
        f'After the network (masks, merging, labels) for {cells} cells on '
        f'{img.shape[1]} x {img.shape[0]} pixels, {torch.get_num_threads()} '
        'CPU threads', {
            'ours': Cost(statistics.median(after)),
            'the network itself': Cost(statistics.median(network))
        }, {'the network itself': Aim(10)})


def main() -> None:
    args = parse_args()
    found = sorted((ROOT / 'work_dirs/demo').glob('best_*.pth'))
    checkpoint = args.checkpoint or (str(found[-1]) if found else None)
    if checkpoint is None or not args.images.is_dir():
        print('needs the data and the model of the demo: run make demo')
        publish([], args.json)
        return
    layouts = LAYOUTS if not args.layouts else list(
        zip(args.layouts[::2], args.layouts[1::2]))
    img = mosaic(args.images, args.rows)
    publish([
        time_parts(checkpoint, img[:520, :704], args.runs),
        compare_layouts(checkpoint, img, layouts, args.scale)
    ], args.json)


if __name__ == '__main__':
    main()
