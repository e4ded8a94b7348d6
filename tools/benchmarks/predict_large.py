"""Memory and time of a very large image, from file to files.

Without --checkpoint a threshold stands in for the network: then all that is
measured is reading, normalising, tiling, merging and writing. What the
network itself needs is a matter of the tile's size, not of the image's.
"""
import argparse
import multiprocessing
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import tifffile
from rich.console import Console

from pace_mmdet.images.stacks import ImageStack
from pace_mmdet.inference import Segmenter, load_segmenter
from pace_mmdet.inference.batch import Batch
from pace_mmdet.inference.inputs import plan_jobs
from pace_mmdet.inference.preparation import Preparation
from pace_mmdet.inference.slide_batch import SlideBatch
from pace_mmdet.inference.slides import is_slide
from pace_mmdet.inference.thresholding import ThresholdDetector
from pace_mmdet.inference.writers import FORMATS
from pace_mmdet.testing import synthetic_cells
from pace_mmdet.testing.benchmarking import (Comparison, Cost, add_json_option,
                                             publish)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--side', type=int, default=10000)
    parser.add_argument('--cells', type=int, default=50000)
    parser.add_argument('--checkpoint', help='a trained model')
    parser.add_argument('--device', help='such as cuda or cpu')
    parser.add_argument('--batch-size', type=int, default=1)
    add_json_option(parser)
    parser.add_argument(
        '--format', default=','.join(
            name for name in FORMATS if name not in ('coco-polygons', 'zarr')))
    return parser.parse_args()


def write_image(path: Path, cells: int, side: int) -> None:
    """16 bit, of fields of cells: one field of this size takes gigabytes."""
    parts = -(-side // 1000)
    field = -(-side // parts)
    per_field = -(-cells // parts**2)
    img = np.zeros((parts * field, parts * field), np.uint16)
    for row in range(parts):
        for column in range(parts):
            part = synthetic_cells(per_field, field, field,
                                   row * parts + column).image
            # Dark outside, as in fluorescence.
            part = np.maximum(part.astype(np.int32) - 70, 0) * 200
            img[row * field:(row + 1) * field,
                column * field:(column + 1) * field] = part
    tifffile.imwrite(path, img[:side, :side])


def main() -> None:
    args = parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, 'large.tif')
        # In a process of its own, whose memory is not ours.
        maker = multiprocessing.get_context('fork').Process(
            target=write_image, args=(path, args.cells, args.side))
        maker.start()
        maker.join()
        if args.checkpoint:
            segmenter = load_segmenter(args.checkpoint, device=args.device,
                                       batch_size=args.batch_size)
        else:
            segmenter = Segmenter(ThresholdDetector(70), Preparation(), 0.7)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        # As `pace predict` chooses.
        with ImageStack(path) as stack:
            kind = SlideBatch if is_slide(stack) else Batch
        batch = kind(segmenter, args.format.split(','),
                     console=Console(stderr=True))
        start = time.perf_counter()
        summary = batch.run(plan_jobs([path], Path(folder, 'out')))
        seconds = time.perf_counter() - start
        # Linux gives kilobytes.
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        model = args.checkpoint or 'a threshold in place of a network'
    publish([
        Comparison(
            f'Segmenting {args.side:,} x {args.side:,} pixels, 16 bit, '
            f'{summary.cells:,} cells found by {model}; {args.format}',
            dict(ours=Cost(seconds, peak * 1024 / 1e6)),
            remarks=[
                f'the memory is that of the whole process, of which '
                f'{before * 1024 / 1e6:,.0f} MB before the image was opened; '
                'aim: 6,000 MB'
            ])
    ], args.json)


if __name__ == '__main__':
    main()
