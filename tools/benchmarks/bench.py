"""Run all benchmarks and write what they measured into docs/benchmarks.md.

Each is a script of its own beside this one, started here with sizes that fit
two cores and a quarter of an hour; --full adds what takes longer.
"""
import argparse
import importlib.util
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any, Dict, List

import torch

from pace_mmdet.files import write_atomically
from pace_mmdet.testing.benchmarking import OURS, Comparison, from_json

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
RESULTS = ROOT / 'docs/benchmarks.json'
PAGE = ROOT / 'docs/benchmarks.md'
INTRODUCTION = """# Benchmarks

What this project does beside what it stands in for, both measured in the same run, each alone and with one thread unless said otherwise. "x time" says how many times as long the other takes, "x memory" how many times the memory beyond what was there before; in brackets what we aim at. Written by `make bench`, and where it says so by `make bench-full`; when and on what stands with each.
"""  # noqa: E501

HELA = ('configs/hela/pace_r18_hela_4pt.py --height 256 --width 256 --cells '
        '60 --steps 5 --warmup 1')
# Arguments of each script: as `make bench` runs it, one call a line.
QUICK: Dict[str, List[str]] = {
    'convert_points.py': ['--cells 100000'],
    'open_annotations.py': [''],
    'label_points.py': ['--cells 18000'],
    'load_samples.py': [''],
    'assign_anchors.py': ['--cells 300 1000 3000'],
    'mask_loss.py': [''],
    'train_step.py': [HELA],
    'mask_codes.py': ['', '--cells 20000 --height 4096 --width 4096 '
                      '--only-ours'],
    'score_detections.py': [''],
    'export_cells.py': [''],
    'operators.py': [''],
    'predict_large.py': [''],
    'predict_slide.py': [''],
    'resume_slide.py': ['--side 3000'],
    'predict_layouts.py': [''],
    'annotate_server.py': [''],
    'annotate_training.py': [''],
}
# What `make bench-full` runs instead.
FULL: Dict[str, List[str]] = {
    'convert_points.py': [''],
    'train_step.py': [
        HELA, 'configs/pace/pace_r200_dcn_4pt.py --height 256 --width 347 '
        '--cells 100 --steps 3 --warmup 1 --aim 1.5'
    ],
    'score_detections.py': ['--full'],
    'label_points.py': [''],
    'resume_slide.py': [''],
    'predict_slide.py': [
        '', '--side 40000 --cells 160000 --beside',
        '--side 100000 --cells 1000000 --processes 1'
    ],
}
# What needs a package of an extra.
NEEDED = {'predict_slide.py': 'zarr'}
# What takes the interpreter of a second environment.
WITH_COMPILED = ('operators.py', 'train_step.py')
# Likewise, where it is run with its usual arguments.
WITH_PEERS = ('predict_slide.py', )
PEERS = ('cellpose', 'stardist')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--full', action='store_true')
    parser.add_argument(
        '--only', nargs='+', choices=sorted(QUICK), default=list(QUICK),
        help='run some and keep what was measured of the others')
    parser.add_argument(
        '--compiled', metavar='PYTHON',
        help='interpreter of a second environment, with an MMCV that was '
        'built with its operators, to compare ours with')
    for name in PEERS:
        parser.add_argument(
            f'--{name}', metavar='PYTHON',
            help='interpreter of an environment with what '
            f'peers/{name}_slide.py needs')
    parser.add_argument(
        '--render', action='store_true',
        help='write the page from docs/benchmarks.json, run nothing')
    return parser.parse_args()


def run(script: str, arguments: List[str]) -> List[Dict[str, Any]]:
    """Run a script; give its comparisons as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'results.json'
        # Some start processes of their own: more threads would choke them.
        subprocess.run(
            [sys.executable, HERE / script, *arguments, '--json', path],
            check=True, cwd=ROOT, env=dict(os.environ, OMP_NUM_THREADS='1'))
        return json.loads(path.read_text())


def machine() -> str:
    """What readers need to know of the machine."""
    name = platform.processor() or platform.machine()
    for line in Path('/proc/cpuinfo').read_text().splitlines():
        if line.startswith('model name'):
            name = line.split(':')[1].strip()
            break
    memory = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30
    return (f'{os.cpu_count()} cores of {name}, {memory:.0f} GiB, Python '
            f'{platform.python_version()}, PyTorch {torch.__version__}')


def render(results: Dict[str, Any]) -> str:
    """The page, in the scripts' order."""
    parts = [INTRODUCTION]
    for script in QUICK:
        where = f'`{script}`'
        if script in results['full']:
            where += ', `make bench-full`'
        where += f'; {results["made"].get(script)}'
        for content in results['comparisons'].get(script, []):
            parts.append(section(from_json(content), where))
    return '\n'.join(parts)


def section(comparison: Comparison, where: str) -> str:
    """One comparison as Markdown, with the script it is from."""
    kept = comparison.costs[OURS].kept_megabytes is not None
    header = ['', 'time', 'memory', *['memory kept'] * kept, 'x time',
              'x memory', *['x memory kept'] * kept]
    lines = [f'**{comparison.title}** ({where})', '',
             f'| {" | ".join(header)} |',
             '| --- |' + ' ---: |' * (len(header) - 1)]
    for name, cost in comparison.costs.items():
        numbers = [f'{cost.seconds:.3f} s', megabytes(cost.megabytes)]
        ratios = [ratio(comparison, name, 'seconds'),
                  ratio(comparison, name, 'megabytes')]
        if kept:
            numbers.append(megabytes(cost.kept_megabytes))
            ratios.append(ratio(comparison, name, 'kept_megabytes'))
        lines.append(f'| {" | ".join([name, *numbers, *ratios])} |')
    lines += [''] + [f'{remark[:1].upper()}{remark[1:]}.\n'
                     for remark in comparison.remarks]
    return '\n'.join(lines)


def megabytes(value: float) -> str:
    return '-' if value is None else f'{value:,.0f} MB'


def ratio(comparison: Comparison, name: str, key: str) -> str:
    """How many times ours another costs, and what we aim at."""
    ours = getattr(comparison.costs[OURS], key)
    other = getattr(comparison.costs[name], key)
    if name == OURS or ours is None or other is None:
        return ''
    aim = getattr(comparison.aims.get(name), key, None)
    text = f'{other / max(ours, 1e-9):.1f}'
    return text if aim is None else f'{text} ({aim:g})'


def main() -> None:
    args = parse_args()
    old = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    if args.render:
        write_atomically(PAGE, render(old))
        return
    chosen = {**QUICK, **FULL} if args.full else QUICK
    # Which scripts were last run at full size.
    full = set(old.get('full', [])) - set(args.only)
    full |= set(args.only) & set(FULL) if args.full else set()
    results = dict(
        made=dict(old.get('made', {})), full=sorted(full),
        comparisons=dict(old.get('comparisons', {})))
    for script in args.only:
        start = time.perf_counter()
        second = (['--compiled', args.compiled]
                  if args.compiled and script in WITH_COMPILED else [])
        print(f'--- {script}', flush=True)
        peers = [part for name in PEERS if getattr(args, name)
                 for part in (f'--{name}', getattr(args, name))]
        package = NEEDED.get(script)
        if package and importlib.util.find_spec(package) is None:
            print(f'    left out: needs {package} '
                  "(pip install -e '.[formats]')")
            continue
        results['comparisons'][script] = [
            comparison for arguments in chosen[script]
            for comparison in run(script, [
                *arguments.split(), *second,
                *(peers if script in WITH_PEERS and not arguments else [])])
        ]
        results['made'][script] = f'{date.today()}, {machine()}'
        print(f'    ({time.perf_counter() - start:.0f} s)', flush=True)
        write_atomically(RESULTS, json.dumps(results, indent=1) + '\n')
    write_atomically(PAGE, render(results))
    print(f'Written to {PAGE.relative_to(ROOT)}')


if __name__ == '__main__':
    main()
