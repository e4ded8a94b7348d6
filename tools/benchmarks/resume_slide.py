"""A real model on a slide, killed half-way and gone on with.

The slide is made of a folder's images, one beside the other, again and again.
It is segmented twice: in one go, and by a process that is killed (SIGKILL)
and by another that goes on with what it left. Of the pixels and the network
that were measured, a slide of 100,000 x 100,000 is extrapolated.
"""
import argparse
import itertools
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Iterator, NamedTuple, Sequence

import numpy as np
import tifffile
from rich.console import Console

from pace_mmdet.images.stacks import read_image
from pace_mmdet.inference import Segmenter, load_segmenter
from pace_mmdet.inference.inputs import plan_jobs
from pace_mmdet.inference.preparation import Preparation
from pace_mmdet.inference.slide_batch import SlideBatch
from pace_mmdet.inference.thresholding import ThresholdDetector
from pace_mmdet.testing import synthetic_cells
from pace_mmdet.testing.benchmarking import (Comparison, Cost, add_json_option,
                                             publish)

ROOT = Path(__file__).resolve().parents[2]
FORMATS = ['labels', 'csv']
LARGE = 100_000
# Instead of a checkpoint: no network, on synthetic cells.
THRESHOLD = 'threshold'


class Used(NamedTuple):
    """What a process took, from start to end."""
    seconds: float
    cpu: float
    megabytes: float
    status: int


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        '--checkpoint', help=f'a trained model, or {THRESHOLD!r}')
    parser.add_argument('--images', type=Path,
                        default=ROOT / 'data/hela/images/train')
    parser.add_argument('--side', type=int, default=10000)
    parser.add_argument('--folder', type=Path,
                        help='for the slide and the results (default: one '
                        'that is removed)')
    parser.add_argument('--worker', nargs=4, help=argparse.SUPPRESS)
    add_json_option(parser)
    return parser.parse_args()


def write_slide(path: Path, images: Sequence[np.ndarray], side: int) -> None:
    """Write a tiled TIFF of images side by side."""
    height, width = images[0].shape
    slide = np.empty((side, side), images[0].dtype)
    following = itertools.cycle(images)
    for y in range(0, side, height):
        for x in range(0, side, width):
            place = slide[y:y + height, x:x + width]
            place[...] = next(following)[:place.shape[0], :place.shape[1]]
    tifffile.imwrite(path, slide, tile=(512, 512), compression='zlib')


class Killed:
    """A detector whose process is killed after some tiles."""

    def __init__(self, detector: Any, after: int) -> None:
        self.detector, self.left = detector, after

    def __getattr__(self, name: str) -> Any:
        return getattr(self.detector, name)

    def __call__(self, tiles: Sequence[np.ndarray], *others: Any) -> list:
        if self.left < len(tiles):
            os.kill(os.getpid(), signal.SIGKILL)
        self.left -= len(tiles)
        return self.detector(tiles, *others)


def work(slide: str, out: str, checkpoint: str, after: str) -> None:
    """What each process does."""
    segmenter = segmenter_of(checkpoint)
    if int(after):
        segmenter.detector = Killed(segmenter.detector, int(after))
    summary = SlideBatch(segmenter, FORMATS, skip_existing=True,
                         console=Console(stderr=True)).run(
                             plan_jobs([slide], out))
    if summary.failed:
        raise SystemExit(summary.failed)


def segmenter_of(checkpoint: str) -> Segmenter:
    if checkpoint == THRESHOLD:
        return Segmenter(ThresholdDetector(70), Preparation(), 0.7)
    return load_segmenter(checkpoint)


def run(slide: Path, out: Path, checkpoint: str, after: int = 0) -> Used:
    """Start a process, and see what it takes."""
    start = time.perf_counter()
    program = subprocess.Popen(
        [sys.executable, __file__, '--worker', slide, out, checkpoint,
         str(after)], env=dict(os.environ, OMP_NUM_THREADS='1'))
    _, status, usage = os.wait4(program.pid, 0)
    program.returncode = os.waitstatus_to_exitcode(status)
    # Linux gives kilobytes.
    return Used(time.perf_counter() - start, usage.ru_utime + usage.ru_stime,
                usage.ru_maxrss * 1024 / 1e6, program.returncode)


def frames(checkpoint: str, folder: Path) -> Iterator[np.ndarray]:
    if checkpoint == THRESHOLD:
        yield synthetic_cells(100, 700, 700).image
    else:
        for path in sorted(folder.glob('*.tif')):
            yield read_image(path)


def compare(checkpoint: str, images: Path, side: int,
            folder: Path) -> Comparison:
    """Segment a slide in one go, and with a stop."""
    slide = folder / 'slide.tif'
    write_slide(slide, list(frames(checkpoint, images)), side)
    segmenter = segmenter_of(checkpoint)
    tiles = len(segmenter.plan(
        side, side, segmenter.preparation.factor(side, side))[1].tiles())
    whole = run(slide, folder / 'whole', checkpoint)
    killed = run(slide, folder / 'parts', checkpoint, tiles // 2)
    if whole.status or killed.status != -signal.SIGKILL:
        raise SystemExit('a process did not end as it should')
    kept = (folder / 'parts/slide.unfinished').is_dir()
    rest = run(slide, folder / 'parts', checkpoint)
    same = kept and not rest.status and same_results(folder / 'whole',
                                                     folder / 'parts')
    cells = (folder / 'whole/slide_cells.csv').read_bytes().count(b'\n') - 1
    hours = whole.cpu * (LARGE / side)**2 / 3600
    return Comparison(
        f'Segmenting a slide of {side:,} x {side:,} pixels, '
        f'{cells:,} cells found by {describe(segmenter)} in {tiles:,} tiles, '
        f'one thread; {",".join(FORMATS)}',
        dict(ours=Cost(whole.seconds, whole.megabytes)),
        remarks=[
            f'CPU time of the whole process, start-up included: '
            f'{whole.cpu:,.0f} s. The memory is the most at any moment, '
            'PyTorch included',
            f'killed after {tiles // 2:,} tiles, which took {killed.cpu:,.0f} '
            f's of CPU; the rest took {rest.cpu:,.0f} s; all results '
            f'{"the same" if same else "NOT the same"} as in one go, to the '
            'last pixel and number',
            f'extrapolated, not measured: {LARGE:,} x {LARGE:,} pixels full '
            f'of such cells take {hours:,.1f} hours of one core'
        ])


def same_results(one: Path, other: Path) -> bool:
    """Whether tables are the same, and label images to the last pixel.

    (The files of these differ: OME gives each a number of its own.)
    """
    names = sorted(path.name for path in one.iterdir())
    return names == sorted(path.name for path in other.iterdir()) and all(
        np.array_equal(tifffile.imread(one / name),
                       tifffile.imread(other / name))
        if name.endswith('.tif') else
        (one / name).read_bytes() == (other / name).read_bytes()
        for name in names)


def describe(segmenter: Segmenter) -> str:
    model = getattr(segmenter.detector, 'model', None)
    if model is None:
        return 'a threshold in place of a network'
    count = sum(part.numel() for part in model.parameters())
    head = getattr(model, 'bbox_head', None) or model.roi_head
    return (f'a network with {type(head).__name__} and {count / 1e6:.1f} '
            'million parameters')


def main() -> None:
    args = parse_args()
    if args.worker:
        work(*args.worker)
        return
    found = sorted((ROOT / 'work_dirs/demo').glob('best_*.pth'))
    checkpoint = args.checkpoint or (str(found[-1]) if found else None)
    if checkpoint is None or (checkpoint != THRESHOLD
                              and not args.images.is_dir()):
        print('needs the data and the model of the demo: run make demo')
        publish([], args.json)
        return
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        publish([compare(checkpoint, args.images, args.side, Path(folder))],
                args.json)


if __name__ == '__main__':
    main()
