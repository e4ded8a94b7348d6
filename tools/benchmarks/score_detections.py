"""Scoring a results file by LIVECell's protocol: ours beside pycocotools.

Both read the same files, as eval_predictions.py does: boxes and masks at up to
2,000 detections an image. With --full, a test set of LIVECell's size is scored
as well, by ours alone: pycocotools would take hours.
"""
import argparse
import json
import tempfile
from pathlib import Path
from typing import Iterator, List, Tuple

import numpy as np

from pace_mmdet.coco.files import write_coco
from pace_mmdet.evaluation.coco_protocol import IOU_TYPES, METRIC_NAMES
from pace_mmdet.evaluation.scoring import score_files
from pace_mmdet.testing import (pycocotools_scores, synthetic_coco,
                                synthetic_results)
from pace_mmdet.testing.benchmarking import (Aim, Comparison, add_json_option,
                                             compare, publish)

HEIGHT, WIDTH = 520, 704
# LIVECell's test set: 1,564 images, most with some hundred cells, a few with
# thousands. So many different images are made and then repeated.
FULL_IMAGES = 1564
FULL_CELLS = [60, 110, 160, 200, 240, 270, 320, 380] * 4 + [1000, 2000]


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--images', type=int, default=10)
    parser.add_argument('--cells-per-image', type=int, default=300)
    parser.add_argument('--runs', type=int, default=1)
    parser.add_argument('--full', action='store_true')
    add_json_option(parser)
    return parser.parse_args()


def write_files(folder: Path, cells_per_image: List[int],
                num_images: int) -> Tuple[Path, Path, int, int]:
    """Write ground truth and results of images that repeat a few.

    Returns:
        tuple: Both files and the numbers of cells and of detections.
    """
    made = [synthetic_coco(1, cells, HEIGHT, WIDTH, seed)[1]
            for seed, cells in enumerate(cells_per_image)]
    found = [synthetic_results(coco, seed, max_per_cell=3)
             for seed, coco in enumerate(made)]
    kinds = np.arange(num_images) % len(made)
    images = [
        dict(made[kind]['images'][0], id=number + 1,
             file_name=f'A172_Phase_{number}.tif')
        for number, kind in enumerate(kinds)
    ]

    def annotations() -> Iterator[dict]:
        number = 0
        for image, kind in zip(images, kinds):
            for annotation in made[kind]['annotations']:
                number += 1
                yield dict(annotation, id=number, image_id=image['id'])

    cells = write_coco(folder / 'truth.json', images, made[0]['categories'],
                       annotations())
    results = [
        dict(result, image_id=image['id'])
        for image, kind in zip(images, kinds) for result in found[kind]
    ]
    (folder / 'results.json').write_text(json.dumps(results))
    return (folder / 'truth.json', folder / 'results.json', cells,
            len(results))


def ours(truth: Path, results: Path) -> List[float]:
    """All scores, boxes first."""
    rows = score_files(truth, results, IOU_TYPES, per_cell_type=False)
    return [rows[kind][0].scores[name] for kind in IOU_TYPES
            for name in METRIC_NAMES]


def peer(truth: Path, results: Path) -> List[float]:
    """The same by pycocotools."""
    gt, found = json.loads(truth.read_text()), json.loads(results.read_text())
    rows = {kind: pycocotools_scores(gt, found, kind) for kind in IOU_TYPES}
    return [rows[kind][name] for kind in IOU_TYPES for name in METRIC_NAMES]


def measure(args: argparse.Namespace, folder: Path, full: bool) -> Comparison:
    """Measure the sample, or with ``full`` the whole test set."""
    cells = FULL_CELLS if full else [args.cells_per_image] * args.images
    truth, results, num_cells, num_found = write_files(
        folder, cells, FULL_IMAGES if full else args.images)
    title = (f'Scoring boxes and masks of {num_found:,} detections against '
             f'{num_cells:,} cells in '
             f'{FULL_IMAGES if full else args.images:,} images')
    if full:
        return Comparison(
            title, compare(dict(ours=lambda: ours(truth, results)), 1,
                           warm_up=False),
            remarks=['aim: 600 s, 8,000 MB'])
    costs = compare(
        dict(
            ours=lambda: ours(truth, results),
            pycocotools=lambda: peer(truth, results)),
        args.runs, warm_up=False)
    # A score that does not exist is NaN in both.
    scores = np.array([ours(truth, results), peer(truth, results)])
    same = np.array_equal(*np.isnan(scores))
    largest = np.nanmax(np.abs(scores[0] - scores[1]))
    if not same or largest > 1e-6:
        raise SystemExit(f'the scores differ: {scores.tolist()}')
    return Comparison(
        title, costs, dict(pycocotools=Aim(40)),
        [f'largest difference of {scores.shape[1]} scores: {largest:.1e}'])


def main() -> None:
    args = parse_args()
    with tempfile.TemporaryDirectory() as folder:
        comparisons = [measure(args, Path(folder), False)]
        if args.full:
            comparisons.append(measure(args, Path(folder), True))
    publish(comparisons, args.json)


if __name__ == '__main__':
    main()
