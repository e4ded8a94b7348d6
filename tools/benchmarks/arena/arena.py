"""Ours beside the tools that people use, at equal label hours and CPU time.

    python tools/benchmarks/arena/arena.py --cellpose CELLPOSE_PYTHON \\
        --hela data/hela --livecell LIVECELL_SAMPLE --usiigaci USIIGACI

trains and scores, one run after the other, whatever docs/arena.json
does not hold yet, and writes tables and curves into docs/results.md. Each run
is a process of its own with one thread; CPU time is counted, not the clock.

Peers get as many CPU seconds for training as ours took with 4 points on the
same data. CELLPOSE_PYTHON is the Python of an environment with
'cellpose<4' and pycocotools. What is known of others:

- StarDist trains 400 epochs of 100 steps by default: too long for this.
- Cellpose 4 and micro-sam have no training from scratch; with their own
  weights, made from other people's masks, they are another comparison.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional

from annotators import answer_near_outlines, ask_what_is_uncertain
from contests import CONTESTS, cell_length, label_hours, thresholds_part
from curves import write_figure
from scores import score

from pace_mmdet.coco.converting import masks_to_points
from pace_mmdet.files import write_atomically
from pace_mmdet.reporting.results_tables import fill_blocks

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
RECORDS = ROOT / 'docs/arena.json'
CONFIG = ROOT / 'configs/own_data/own_points.py'
FULL_CONFIG = ROOT / 'configs/own_data/own_masks.py'


class Ours(NamedTuple):
    """How ours is trained.

    Attributes:
        points (int): Answers per cell; 0 for full masks.
        part (str): Which images.
        wrong (float): Share of answers that are turned over.
        unsure (float): How far from where it is a point seems to be
            (annotators.py), in lengths of a cell.
        chosen (int): Points of these that a model chooses, which learned
            from the others; the rest are random.
        iterations (int): Of training.
        bfloat16 (bool): Whether to train and predict in bfloat16.
    """
    points: int
    part: str = 'ours'
    wrong: float = 0.0
    unsure: float = 0.0
    chosen: int = 0
    iterations: int = 500
    bfloat16: bool = False


class Peer(NamedTuple):
    """How a peer is trained.

    Attributes:
        part (str): Which images get masks.
        share (float): CPU time as a multiple of ours.
        augment (bool): Whether it predicts from flipped tiles, too.
        bfloat16 (bool): Whether to train and predict in bfloat16.
    """
    part: str
    share: float = 1.0
    augment: bool = False
    bfloat16: bool = False


OURS = {
    'ours, 4 points': Ours(4),
    'ours, 1 point': Ours(1),
    'ours, 8 points': Ours(8),
    'ours, full masks': Ours(0),
    'ours, 4 points, 10 % wrong': Ours(4, wrong=0.1),
    'ours, 4 points, unsure of outlines': Ours(4, unsure=0.05),
    'ours, 2 points': Ours(2),
    'ours, 2 random and 2 chosen points': Ours(4, chosen=2),
    'ours, 4 points, a third of the time': Ours(4, iterations=167),
    'ours, 4 points, twice the time': Ours(4, iterations=1000),
    # About as many steps as in the time of 500 in float32.
    'ours, 4 points, bfloat16': Ours(4, iterations=800, bfloat16=True),
    'ours, 4 points, a quarter of the hours': Ours(4, 'peer'),
}
PEERS = {
    'Cellpose 3, equal hours': Peer('peer'),
    'Cellpose 3, equal hours, augmented': Peer('peer', augment=True),
    'Cellpose 3, equal hours, bfloat16': Peer('peer', bfloat16=True),
    'Cellpose 3, all masks': Peer('ours'),
    'Cellpose 3, equal hours, a third of the time': Peer('peer', 1 / 3),
    'Cellpose 3, equal hours, twice the time': Peer('peer', 2.0),
}


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, contest in CONTESTS.items():
        parser.add_argument(f'--{name}', type=Path, help=contest.title)
    parser.add_argument(
        '--methods', nargs='+', choices=[*OURS, *PEERS],
        default=[*OURS, *PEERS], metavar='METHOD')
    parser.add_argument('--seeds', type=int, nargs='+', default=[0])
    parser.add_argument('--cellpose', help='Python with Cellpose 3')
    parser.add_argument(
        '--work-dir', type=Path, default=ROOT / 'work_dirs/arena')
    parser.add_argument('--records', type=Path, default=RECORDS)
    parser.add_argument('--iterations', type=int,
                        help='of ours, for a trial, with --records')
    args = parser.parse_args()
    if args.iterations is not None and args.records == RECORDS:
        parser.error('--iterations is for a trial: give --records a file of '
                     'its own')
    return args


def find(records: List[dict], **wanted) -> Optional[dict]:
    """The record with these values, if there is one."""
    return next((record for record in records
                 if all(record[key] == value
                        for key, value in wanted.items())), None)


def lay_out(name: str, root: Path, work: Path) -> Dict[str, Path]:
    """Copy images and the files of all parts into one folder."""
    contest, folder = CONTESTS[name], work / name
    (folder / 'images').mkdir(parents=True, exist_ok=True)
    files = {}
    for part in ('ours', 'peer', 'test', 'check'):
        content = contest.part(root, part)
        paths = contest.images(root, part)
        for image in content['images']:
            target = folder / 'images' / image['file_name']
            if not target.exists():
                shutil.copy(paths[image['file_name']], target)
        for kind, some in ((part, content),
                           (f'{part}_thresholds', thresholds_part(content))):
            files[kind] = folder / f'{kind}.json'
            files[kind].write_text(json.dumps(some))
    return files


def run(script: str, job: dict, python: str = sys.executable) -> dict:
    """Run a job in a process of its own; what it says it took."""
    out = Path(job['out'])
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    (out / 'job.json').write_text(json.dumps(job))
    threads = {name: '1' for name in ('OMP_NUM_THREADS', 'MKL_NUM_THREADS',
                                      'NUMBA_NUM_THREADS')}
    with open(out / 'log.txt', 'w') as log:
        code = subprocess.run(
            [python, str(HERE / script), str(out / 'job.json')],
            env={**os.environ, **threads}, stdout=log, stderr=log).returncode
    if code:
        raise SystemExit(f'{script} failed; see {out / "log.txt"}')
    return json.loads((out / 'done.json').read_text())


def run_folder(work: Path, name: str, method: str, seed: int) -> Path:
    """Where a run leaves what it made."""
    return work / name / f'{method}_{seed}'.replace(' ', '_')


def compete(name: str, root: Path, method: str, seed: int,
            args: argparse.Namespace, records: List[dict]) -> List[dict]:
    """One run, as records to be kept: two where a peer has two ways."""
    files = lay_out(name, root, args.work_dir)
    out = run_folder(args.work_dir, name, method, seed)
    ours = method in OURS
    way = OURS[method] if ours else PEERS[method]
    part = way.part
    content = json.loads(files[part].read_text())
    cells = len(content['annotations'])
    job = dict(
        seed=seed, out=str(out), bfloat16=way.bfloat16,
        predict=dict(
            test=str(files['test']), train=str(files[f'{part}_thresholds'])))
    if ours:
        length = cell_length(content)
        kind = (f'{way.wrong:g}_{way.unsure:g}_{way.chosen}_{seed}'
                if way.points else 'masks')
        data = args.work_dir / name / f'{part}_{kind}'
        (data / 'annotations').mkdir(parents=True, exist_ok=True)
        if not (data / 'images').exists():
            (data / 'images').symlink_to(Path('../images'))
        train = data / 'annotations/train.json'
        if way.points:
            masks_to_points(files[part], train, 10, 0, way.wrong)
        else:
            shutil.copy(files[part], train)
        if way.unsure:
            wrong = answer_near_outlines(train, files[part],
                                         way.unsure * length, 0)
            print(f'  {wrong:.1%} of the answers are wrong', flush=True)
        if way.chosen:
            random = way.points - way.chosen
            before = run_folder(args.work_dir, name, f'ours, {random} points',
                                seed)
            model, = before.glob('iter_*.pth')
            known = ask_what_is_uncertain(
                train, files[part], data / 'images', model, random,
                way.chosen)
            print(f'  points of {known:.0%} of the cells are chosen',
                  flush=True)
        job.update(
            config=str(CONFIG if way.points else FULL_CONFIG), data=str(data),
            points=way.points, cell_length=length,
            iterations=args.iterations or way.iterations)
        done = run('train_ours.py', job)
        hours = label_hours(cells, way.points or -1)
    else:
        reference = find(records, data=name, method='ours, 4 points',
                         seed=seed) or find(records, data=name,
                                            method='ours, 4 points')
        if reference is None:
            raise SystemExit('peers get the CPU time of ours: run "ours, 4 '
                             f'points" on {name} first')
        job.update(
            images=str(args.work_dir / name / 'images'),
            train=str(files[part]), augment=way.augment,
            seconds=way.share * reference['train_seconds'])
        done = run('train_cellpose.py', job, args.cellpose)
        hours = label_hours(cells, -1)
    kinds = [''] if ours else ['', '_checked']
    return [
        dict(
            data=name, method=method, seed=seed,
            variant='flow check' if kind else '',
            images=len(content['images']), cells=cells,
            hours=round(hours, 3), **done,
            **score(files['test'], out / f'test{kind}.json',
                    files[f'{part}_thresholds'], out / 'train.json'))
        for kind in kinds
    ]


def main() -> None:
    args = parse_args()
    records = json.loads(args.records.read_text()) \
        if args.records.exists() else []
    roots = {name: getattr(args, name) for name in CONTESTS
             if getattr(args, name)}
    runs = [(name, method, seed) for seed in args.seeds
            for method in args.methods for name in roots
            if not find(records, data=name, method=method, seed=seed)]
    if args.cellpose is None:
        runs = [entry for entry in runs if entry[1] in OURS]
    for number, (name, method, seed) in enumerate(runs, 1):
        print(f'{number} of {len(runs)}: {name}, {method}, seed {seed}',
              flush=True)
        new = compete(name, roots[name], method, seed, args, records)
        for record in new:
            print('  ' + ', '.join(f'{key} {value}' for key, value in
                                   record.items() if key != 'data'),
                  flush=True)
        records += new
        args.records.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(args.records, json.dumps(records, indent=1) + '\n')
    if args.records == RECORDS and records:
        write_figure(records, ROOT / 'docs/images/arena.png')
        page = ROOT / 'docs/results.md'
        write_atomically(page, fill_blocks(page.read_text(), ROOT))


if __name__ == '__main__':
    main()
