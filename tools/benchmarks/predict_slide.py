"""Memory and time of a whole slide, and what two processes make of it.

The slide is an OME-Zarr pyramid of 16 bits, sparse on the disk: tissue full
of cells on a fifth of it, nothing else stored. A threshold stands in for the
network, so that what is measured is all the rest: reading, normalising,
merging, and writing OME-Zarr labels and a table. The processes are started
as a user starts them, by PyTorch's launcher, and their memory is summed.
"""
import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Dict, List

import numpy as np

from pace_mmdet.images.stacks import ImageStack
from pace_mmdet.inference import Segmenter
from pace_mmdet.inference.inputs import plan_jobs
from pace_mmdet.inference.preparation import Preparation
from pace_mmdet.inference.processes import Share, join_processes
from pace_mmdet.inference.slide_batch import SlideBatch
from pace_mmdet.inference.slide_tiles import plan_slide
from pace_mmdet.inference.thresholding import ThresholdDetector
from pace_mmdet.inference.writers.zarr_labels import check_installed
from pace_mmdet.testing import synthetic_cells
from pace_mmdet.testing.benchmarking import (Comparison, Cost, add_json_option,
                                             publish)

FIELD = 1000
# Different fields; the slide repeats them.
KINDS = 12
# Of the fields in both directions, this part is tissue.
TISSUE = 0.2**0.5
# Of the stand-in for the network: in 8 bits, and of a cell of 24 pixels.
THRESHOLD, SCORE = 70, 0.7
LEAST = 24
# Their scripts, names and functions.
PEERS = dict(
    cellpose=('cellpose_slide.py', 'Cellpose 3', 'distributed_eval'),
    stardist=('stardist_slide.py', 'StarDist', 'predict_instances_big'))
# CPU time of this process at the start and whenever all processes met.
SPANS: List[float] = []


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--side', type=int, default=20000)
    parser.add_argument('--cells', type=int, default=40000)
    parser.add_argument('--processes', type=int, nargs='+', default=[1, 2])
    parser.add_argument('--beside', action='store_true',
                        help='also run single processes side by side, to '
                        'see what the machine itself loses')
    parser.add_argument('--format', default='zarr,csv')
    parser.add_argument('--folder', type=Path,
                        help='for the slide and the results (default: one '
                        'that is removed)')
    for name, (script, *_) in PEERS.items():
        parser.add_argument(f'--{name}', metavar='PYTHON',
                            help=f'interpreter with what peers/{script} '
                            'needs, to run it beside')
    parser.add_argument('--worker', nargs=4, help=argparse.SUPPRESS)
    add_json_option(parser)
    return parser.parse_args()


def write_slide(path: Path, cells: int, side: int) -> int:
    """Write the pyramid; gives the cells on it."""
    import zarr
    across = side // FIELD
    wide = max(round(across * TISSUE), 1)
    per_field = -(-cells // wide**2)
    fields = []
    for kind in range(KINDS):
        img = synthetic_cells(per_field, FIELD, FIELD, kind).image
        # Dark outside, as in fluorescence.
        fields.append((np.maximum(img.astype(np.int32) - 70, 0) * 200).astype(
            np.uint16))
    root = zarr.open_group(str(path), mode='w', zarr_format=2)
    first = (across - wide) // 2
    level, step = 0, 1
    datasets = []
    while True:
        chunk = FIELD // step
        array = root.create_array(
            str(level), shape=(side // step, side // step),
            chunks=(chunk, chunk), dtype='u2', fill_value=0,
            chunk_key_encoding=dict(name='v2', separator='/'))
        datasets.append(dict(path=str(level), coordinateTransformations=[
            dict(type='scale', scale=[0.25 * step, 0.25 * step])]))
        written: Dict[int, Path] = {}
        for y in range(first, first + wide):
            for x in range(first, first + wide):
                kind = (y * 7 + x) % KINDS
                file = path / str(level) / str(y) / str(x)
                if kind in written:
                    # The same again: packing it takes longer than copying.
                    file.parent.mkdir(exist_ok=True)
                    shutil.copyfile(written[kind], file)
                    continue
                array[y * chunk:(y + 1) * chunk, x * chunk:(x + 1) * chunk] \
                    = fields[kind][::step, ::step]
                written[kind] = file
        if side // step <= 2000 or FIELD % (2 * step):
            break
        level, step = level + 1, step * 2
    root.attrs['multiscales'] = [dict(
        version='0.4', axes=[
            dict(name=axis, type='space', unit='micrometer') for axis in 'yx'
        ], datasets=datasets)]
    return per_field * wide**2


def work(slide: str, out: str, formats: str, report: str) -> None:
    """What each process does; the first one reports."""
    share = TimedShare(
        *join_processes('pytorch' if 'RANK' in os.environ else 'none'))
    start, before = time.perf_counter(), used()
    SPANS[:] = [before]
    batch = SlideBatch(threshold_segmenter(), formats.split(','), share=share)
    batch.console.quiet = share.rank > 0
    summary = batch.run(plan_jobs([slide], out))
    seconds = time.perf_counter() - start
    cpu = [part for row in share.gather([used() - before]) for part in row]
    spans = Share.gather(share, SPANS)
    if summary.failed:
        raise SystemExit(summary.failed)
    if share.rank == 0:
        Path(report).write_text(json.dumps(dict(
            seconds=seconds, cells=summary.cells, cpu=cpu,
            longest=sum(map(max, zip(*map(np.diff, spans)))))))


def threshold_segmenter() -> Segmenter:
    return Segmenter(ThresholdDetector(THRESHOLD), Preparation(), SCORE)


class TimedShare(Share):
    """Notes the CPU time used so far whenever the processes meet."""

    def gather(self, mine: list) -> List[list]:
        """As of the base class."""
        SPANS.append(used())
        return super().gather(mine)


def used() -> float:
    """Seconds of CPU that this process has used."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def start(processes: int, slide: Path, out: Path,
          formats: str) -> subprocess.Popen:
    """Start processes that segment a slide together."""
    arguments = [__file__, '--worker', str(slide), str(out), formats,
                 str(out / 'report.json')]
    launcher: List[str] = []
    if processes > 1:
        launcher = ['-m', 'torch.distributed.run', '--master_port', '29517',
                    '--nproc_per_node', str(processes)]
    out.mkdir(parents=True)
    return subprocess.Popen([sys.executable, *launcher, *arguments],
                            env=dict(os.environ, OMP_NUM_THREADS='1'))


def side_by_side(count: int, slide: Path, folder: Path,
                 formats: str) -> float:
    """CPU seconds of each of some processes that all do the whole slide."""
    outs = [folder / f'beside{number}' for number in range(count)]
    programs = [start(1, slide, out, formats) for out in outs]
    if any([program.wait() for program in programs]):
        raise SystemExit('a process failed')
    return float(np.mean([sum(report_in(out)['cpu']) for out in outs]))


def report_in(out: Path) -> Dict[str, Any]:
    """What a run's first process has measured."""
    return json.loads((out / 'report.json').read_text())


def run(processes: int, slide: Path, out: Path,
        formats: str) -> Dict[str, Any]:
    """Start processes, and watch their memory."""
    program = start(processes, slide, out, formats)
    peaks = [0.]
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.2):
            peaks[0] = max(peaks[0], resident(program.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        if program.wait():
            raise SystemExit(f'{processes} processes failed')
    finally:
        done.set()
        watcher.join()
    return dict(report_in(out), megabytes=peaks[0])


def run_peer(python: str, script: str, slide: Path,
             out: Path) -> Dict[str, Any]:
    """Let another's own way through a slide find the same cells."""
    with ImageStack(slide) as stack:
        scaling = plan_slide(threshold_segmenter(),
                             stack.windows(0))[0].scaling
    threshold = scaling.black + THRESHOLD / scaling.factor
    report = out / 'report.json'
    out.mkdir()
    subprocess.run(
        [python, Path(__file__).parent / 'peers' / script, slide, out,
         str(threshold), str(LEAST), report], check=True,
        stdout=subprocess.DEVNULL, cwd=out,
        env={**{name: value for name, value in os.environ.items()
                if name != 'PYTHONPATH'}, 'OMP_NUM_THREADS': '1'})
    return json.loads(report.read_text())


def resident(pid: int) -> float:
    """Memory of a process and those it started, in MB; pages that they share
    are counted in each."""
    total = 0.
    try:
        for task in Path(f'/proc/{pid}/task').iterdir():
            for child in (task / 'children').read_text().split():
                total += resident(int(child))
        pages = int(Path(f'/proc/{pid}/statm').read_text().split()[1])
    except OSError:  # it has just ended
        return total
    return total + pages * os.sysconf('SC_PAGESIZE') / 1e6


def same_results(one: Path, other: Path) -> bool:
    """Whether all files are the same, to the last byte."""
    names = {path.relative_to(one) for path in one.rglob('*')
             if path.is_file() and path.name != 'report.json'}
    return names == {
        path.relative_to(other) for path in other.rglob('*')
        if path.is_file() and path.name != 'report.json'} and all(
            (one / name).read_bytes() == (other / name).read_bytes()
            for name in names)


def main() -> None:
    args = parse_args()
    if args.worker:
        work(*args.worker)
        return
    check_installed()
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        slide = Path(folder, 'slide.zarr')
        made = write_slide(slide, args.cells, args.side)
        stored = sum(path.stat().st_size for path in slide.rglob('*')
                     if path.is_file())
        found = {count: run(count, slide, Path(folder, f'out{count}'),
                            args.format) for count in args.processes}
        remarks = [
            f'{made:,} cells drawn; {stored / 1e6:,.0f} MB on the disk',
            'the memory is that of all processes and the launcher together, '
            'PyTorch included; aim: 4,000 MB',
            f'load of the machine at the end: {os.getloadavg()[0]:.1f} on '
            f'{os.cpu_count()} cores; where it is above these, neither the '
            'clock nor what one process takes beside another says much'
        ]
        remarks += [
            f'{count} process{"es" * (count > 1)}: {one["seconds"]:,.0f} s '
            f'by the clock, {sum(one["cpu"]):,.0f} s of CPU'
            for count, one in found.items()]
        first, *others = args.processes
        for count in others:
            same = same_results(Path(folder, f'out{first}'),
                                Path(folder, f'out{count}'))
            alone = sum(found[first]['cpu'])
            remarks += [
                f'{count} processes are '
                f'{found[first]["seconds"] / found[count]["seconds"]:.2f} '
                f'times as fast as {first} by the clock, aim: 1.7; all '
                f'results '
                f'{"the same" if same else "NOT the same"}, byte by byte',
                f'by the CPU time of the one that was busier between two '
                f'meetings, {found[count]["longest"]:.1f} s, that is '
                f'{alone / found[count]["longest"]:.2f} times']
            if args.beside:
                beside = side_by_side(count, slide, Path(folder), args.format)
                remarks.append(
                    f'{count} single processes side by side take '
                    f'{beside:.1f} s of CPU each, not {alone:.1f} s, which is '
                    f"the machine's; compared with these it is "
                    f'{beside / found[count]["longest"]:.2f} times')
        one = found[first]
        costs = dict(ours=Cost(one['seconds'], one['megabytes']))
        for key, (script, name, function) in PEERS.items():
            python = getattr(args, key)
            if python is None:
                continue
            other = run_peer(python, script, slide, Path(folder, key))
            costs[name] = Cost(other['seconds'], other['megabytes'])
            remarks.append(
                f'{name}: its {function} on the same file, the same '
                f'threshold for its network, one process; {other["cells"]:,} '
                f'cells, {other["cpu"]:,.0f} s of CPU; it writes the label '
                'image, without a pyramid or a table')
    publish([
        Comparison(
            f'Segmenting a slide of {args.side:,} x {args.side:,} pixels, '
            f'16 bit, {one["cells"]:,} cells found by a threshold in place '
            f'of a network; {args.format}',
            costs,
            remarks=remarks)
    ], args.json)


if __name__ == '__main__':
    main()
