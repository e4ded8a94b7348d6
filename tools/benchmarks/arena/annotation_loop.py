"""What an annotator saves by confirming what a model proposes: a simulation.

    python tools/benchmarks/arena/annotation_loop.py --hela data/hela \\
        --livecell LIVECELL_SAMPLE

A scripted annotator (scripted.py) works through images whose masks are known.
The first half is drawn by hand, and a model is trained on it by the annotation
page's own job. Then the second half is annotated twice: by hand, and by
confirming what the model proposes; after each part (``--part``) another round
is trained, and scored on images that nobody annotated. No person was timed.

What docs/annotation_loop.json does not hold yet is run, and the table and the
curves in the docs are written anew, without a data set only that. ``--first``
instead trains the first model of three HeLa images and scores it.
"""
import argparse
import json
import shutil
import tempfile
import time
from pathlib import Path
from typing import Dict, Iterator, List

import numpy as np
from contests import CONTESTS
from loop_curves import write_figure
from scripted import DEFAULT_SCORE, Annotator, Protocol, Scene

from pace_mmdet.annotate import Project, jobs
from pace_mmdet.annotate.jobs import Job
from pace_mmdet.annotate.rounds import TrainBody
from pace_mmdet.evaluation.coco_protocol import match
from pace_mmdet.evaluation.detections import load_detections
from pace_mmdet.evaluation.ground_truth import load_ground_truth
from pace_mmdet.evaluation.thresholds import f1_curve
from pace_mmdet.files import write_atomically
from pace_mmdet.images.stacks import read_image
from pace_mmdet.inference.segmenter import load_segmenter
from pace_mmdet.reporting.annotation_loop import (BY_HAND, FIRST, LOOP_JSON,
                                                  PROPOSED)
from pace_mmdet.reporting.results_tables import fill_blocks

ROOT = Path(__file__).resolve().parents[3]
RECORDS = ROOT / LOOP_JSON


def wait_for_proposals(project: Project, image_id: int) -> List[dict]:
    """The cells of the latest model."""
    while True:
        found = project.models.proposals(image_id)
        if not found['pending']:
            return found['cells']
        time.sleep(0.5)


def train(project: Project, iterations: int) -> Dict[str, float]:
    """A round; returns what it took, of a core and by the clock."""
    begun = time.monotonic()
    status = project.models.train(TrainBody(
        f't{time.time_ns()}', 'Script', iterations=iterations))
    while status['rounds'][-1]['state'] == 'running':
        time.sleep(1)
        status = project.models.status()
    last = status['rounds'][-1]
    if last['state'] != 'done':
        raise RuntimeError(last.get('error', last['state']))
    job = Job(project.models.folder / f'round-{last["id"]}')
    return dict(cpu_seconds=round(job.ended().cpu_seconds),
                wall_seconds=round(time.monotonic() - begun))


def score(project: Project, test: dict, paths: Dict[str, Path]
          ) -> Dict[str, float]:
    """Scores of masks in per cent: AP, and F1 at the page's score."""
    segmenter = load_segmenter(project.models.checkpoint(), score_thr=0.05,
                               device='cpu')
    results = []
    for image in test['images']:
        cells = segmenter(read_image(paths[image['file_name']]))
        results += [
            dict(image_id=image['id'], category_id=1, score=float(s),
                 bbox=[x1, y1, x2 - x1, y2 - y1],
                 segmentation=dict(size=code['size'],
                                   counts=code['counts'].decode()))
            for s, (x1, y1, x2, y2), code in zip(
                cells.scores, cells.bboxes.tolist(), cells.codes())]
    truth = load_ground_truth(test)
    with tempfile.NamedTemporaryFile('w', suffix='.json') as file:
        json.dump(results, file)
        file.flush()
        found = load_detections(Path(file.name), truth, ['segm'])
    scores = match(truth, found, 'segm').score()
    curve = f1_curve(truth, found)
    at = curve.at(DEFAULT_SCORE)
    return {**{name: round(100 * scores[name], 2)
               for name in ('AP', 'AP50', 'AP75')},
            'F1@0.5': round(100 * float(curve.f1[at]), 2) if at >= 0 else 0.0}


class Contestant:
    """A data set, and how many of its images are annotated.

    Args:
        name (str): Of :data:`contests.CONTESTS`.
        root (Path): Its folder.
        count (int): How many images are annotated.
        seed (int): Which ones, and their order.
    """

    def __init__(self, name: str, root: Path, count: int, seed: int) -> None:
        contest = CONTESTS[name]
        self.name, self.seed = name, seed
        self.scene = Scene(contest.part(root, 'ours'))
        self.test = contest.part(root, 'test')
        self._paths = contest.images(root, 'ours')
        self._test_paths = contest.images(root, 'test')
        self.order = [str(name) for name in np.random.default_rng(
            seed).permutation(sorted(self.scene.cells))[:count]]

    def new_project(self, folder: Path) -> None:
        """A project with the images."""
        (folder / 'images').mkdir(parents=True)
        for name in self.order:
            shutil.copy(self._paths[name], folder / 'images')
        self.project(folder).close()

    def project(self, folder: Path) -> Project:
        return Project(folder / 'images', folder / 'project.db',
                       seed=self.seed)

    def work_on(self, folder: Path, numbers: range, arm: str, iterations: int,
                protocol: Protocol) -> dict:
        """Annotate some of the images, train, and score."""
        with self.project(folder) as project:
            images = {image.name: image for image in project.images.values()}
            annotator = Annotator(project, self.scene, protocol, self.seed,
                                  f'{numbers.start}-')
            for number in numbers:
                image = images[self.order[number]]
                annotator.annotate(image, wait_for_proposals(
                    project, image.id) if arm == PROPOSED else ())
            took = train(project, iterations)
            scores = score(project, self.test, self._test_paths)
        return dict(
            data=self.name, seed=self.seed, arm=arm, images=numbers.stop,
            cells=sum(len(self.scene.cells[name])
                      for name in self.order[numbers.start:numbers.stop]),
            **{name: round(value, 1)
               for name, value in vars(annotator.effort).items()},
            iterations=iterations, **took, **scores)


def compare(who: Contestant, part: int, iterations: int,
            protocol: Protocol) -> Iterator[dict]:
    """The second half of the images, by hand and with what a model proposes
    that learned from the first; yields a record for each round of training.
    """
    count = len(who.order)
    half = count // 2
    with tempfile.TemporaryDirectory() as folder:
        start = Path(folder) / FIRST
        who.new_project(start)
        yield who.work_on(start, range(half), FIRST, iterations, protocol)
        for arm in (PROPOSED, BY_HAND):
            shutil.copytree(start, Path(folder) / arm)
            for first in range(half, count, part):
                yield who.work_on(
                    Path(folder) / arm, range(first, min(first + part, count)),
                    arm, iterations, protocol)


def from_three_images(root: Path, args) -> None:
    """How good the first model of three HeLa images is, and what it takes."""
    for seed in args.seeds:
        who = Contestant('hela', root, 3, seed)
        with tempfile.TemporaryDirectory() as folder:
            who.new_project(Path(folder) / 'three')
            print(as_line(who.work_on(
                Path(folder) / 'three', range(3), FIRST, args.iterations,
                Protocol())), flush=True)


def as_line(row: dict) -> str:
    return ', '.join(f'{key} {value}' for key, value in row.items())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, contest in CONTESTS.items():
        parser.add_argument(f'--{name}', type=Path, help=contest.title)
    parser.add_argument('--images', type=int, default=4,
                        help='half of them without any model')
    parser.add_argument('--part', type=int, default=2,
                        help='images of the second half that are annotated '
                        'before the next round')
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2])
    parser.add_argument('--iterations', type=int, default=200)
    parser.add_argument('--niceness', type=int, default=jobs.NICENESS,
                        help='of training: in a simulation nobody waits for '
                        'the page')
    parser.add_argument('--records', type=Path, default=RECORDS)
    parser.add_argument('--first', action='store_true')
    args = parser.parse_args()
    jobs.NICENESS = args.niceness
    if args.first:
        from_three_images(args.hela, args)
        return
    protocol = Protocol()
    records = json.loads(args.records.read_text()) \
        if args.records.exists() else []
    for seed in args.seeds:
        for name in CONTESTS:
            if not getattr(args, name):
                continue
            key = dict(data=name, seed=seed, part=args.part,
                       total=args.images, assumed=protocol._asdict(),
                       iterations=args.iterations)
            known = [row for row in records if key.items() <= row.items()]
            if any(row['arm'] == BY_HAND and row['images'] == args.images
                   for row in known):
                continue
            # Of a comparison that was broken off.
            records = [row for row in records if row not in known]
            who = Contestant(name, getattr(args, name), args.images, seed)
            for row in compare(who, args.part, args.iterations, protocol):
                print(as_line(row), flush=True)
                records.append({**key, **row})
                write_atomically(args.records,
                                 json.dumps(records, indent=1) + '\n')
    if args.records == RECORDS and records:
        write_figure(records, ROOT / 'docs/images/annotation_loop.png')
        page = ROOT / 'docs/results.md'
        write_atomically(page, fill_blocks(page.read_text(), ROOT))


if __name__ == '__main__':
    main()
