"""Writing what was segmented, in each format of files.

OME-Zarr, a folder, is measured by predict_slide.py.
"""
import argparse
import statistics
import tempfile
import time
from pathlib import Path

from pace_mmdet.images.intensities import to_uint8
from pace_mmdet.inference import Segmenter
from pace_mmdet.inference.preparation import Preparation
from pace_mmdet.inference.thresholding import ThresholdDetector
from pace_mmdet.inference.writers import FORMATS, FileCells, outputs_of
from pace_mmdet.testing import synthetic_cells
from pace_mmdet.testing.benchmarking import (Comparison, Cost, add_json_option,
                                             publish)

AIMS = {name: ['aim: 1 s'] for name in ('labels', 'roi', 'geojson')}


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--cells', type=int, default=3000)
    parser.add_argument('--side', type=int, default=2000)
    parser.add_argument('--runs', type=int, default=5)
    add_json_option(parser)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    img = synthetic_cells(args.cells, args.side, args.side).image
    segmenter = Segmenter(
        ThresholdDetector(95), Preparation(normalize='none'), 0.7)
    cells = segmenter(img)
    found = FileCells(Path('a.tif'), [cells], lambda _: img, to_uint8)
    comparisons = []
    with tempfile.TemporaryDirectory() as folder:
        for name in sorted(set(FORMATS) - {'zarr'}, key=FORMATS.index):
            for output in outputs_of(name, ()):
                path = Path(folder, f'a{output.ending}')
                times = []
                for _ in range(args.runs):
                    start = time.perf_counter()
                    output.write(found, path)
                    times.append(time.perf_counter() - start)
                comparisons.append(
                    Comparison(
                        f'Writing {len(cells):,} cells of '
                        f'{cells.areas.mean():.0f} pixels on {args.side:,} x '
                        f'{args.side:,} as {name} ({path.name[1:]})',
                        dict(ours=Cost(statistics.median(times))),
                        remarks=[f'{path.stat().st_size / 1e6:.2f} MB on the '
                                 'disk'] + AIMS.get(name, [])))
    publish(comparisons, args.json)


if __name__ == '__main__':
    main()
