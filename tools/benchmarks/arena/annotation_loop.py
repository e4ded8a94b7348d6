"""What an annotator saves by confirming what a model proposes: a simulation.

A scripted annotator works through images whose masks are known, once drawing
every box, once confirming the proposals of models trained by the annotation
page on what is there already. Seconds of an action are the paper's (a box, an
answer) or assumed (a confirmation); mistakes are drawn at given rates. Models
are trained and scored for real. No person was timed.
"""
import argparse
import json
import shutil
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, Iterator, List, Sequence

import numpy as np

from pace_mmdet.annotate import Project, changes
from pace_mmdet.annotate.jobs import Job
from pace_mmdet.annotate.rounds import TrainBody
from pace_mmdet.evaluation.coco_protocol import match
from pace_mmdet.evaluation.detections import load_detections
from pace_mmdet.evaluation.ground_truth import load_ground_truth
from pace_mmdet.evaluation.thresholds import f1_curve
from pace_mmdet.images.stacks import read_image
from pace_mmdet.inference.segmenter import load_segmenter
from pace_mmdet.points import label_points

BOX, ANSWER, CONFIRMATION = 7.0, 0.9, 1.2
DEFAULT_SCORE = 0.25
# A proposed box that overlaps the true one less is drawn anew.
GOOD_BOX = 0.75


@dataclass
class Effort:
    """What an annotator did."""
    seconds: float = 0.0
    clicks: int = 0
    drawn: int = 0
    confirmed: int = 0
    rejected: int = 0


@dataclass
class Scene:
    """Images with their true cells."""
    truth: dict
    folder: Path
    cells: Dict[str, List[dict]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = {image['id']: image['file_name']
                 for image in self.truth['images']}
        self.cells = {name: [] for name in names.values()}
        for ann in self.truth['annotations']:
            self.cells[names[ann['image_id']]].append(ann)


class Annotator:
    """Makes changes in a project as a person would."""

    def __init__(self, project: Project, scene: Scene, args) -> None:
        self.project = project
        self.scene = scene
        self.args = args
        self.random = np.random.default_rng(args.seed)
        self.effort = Effort()
        self.count = 0

    def _change(self, kind, *rest, key: str) -> dict:
        self.count += 1
        return self.project.with_points(self.project.change(
            kind(f'q{self.count}', key, 0, *rest), 'Script').result())

    def _spend(self, seconds: float, clicks: int) -> None:
        self.effort.seconds += seconds
        self.effort.clicks += clicks

    def _true_labels(self, box: dict, cell: dict, image) -> np.ndarray:
        return label_points(np.array([box['points']]), [cell['segmentation']],
                            image.height, image.width)[0]

    def draw(self, image, cell: dict) -> None:
        """A box by hand, and each of its points."""
        box = self._change(changes.CreateBox, image.id, cell['bbox'],
                           key=f'd{self.count}')['box']
        self._spend(BOX, 2)
        self.effort.drawn += 1
        labels = self._true_labels(box, cell, image)
        wrong = self.random.random(len(labels)) < self.args.wrong_answers
        for point, label in enumerate(np.where(wrong, 1 - labels, labels)):
            self._change(changes.Answer, 0, point, int(label), key=box['key'])
            self._spend(ANSWER, 1)

    def confirm(self, image, proposal: dict, cell: dict) -> None:
        """A proposal, and its points as the model thinks of them; those that
        are seen to be wrong are answered.
        """
        box = self._change(changes.AcceptProposal, image.id, proposal['box'],
                           key=f'm{self.count}')['box']
        self._spend(CONFIRMATION, 1)
        self.effort.confirmed += 1
        labels = self._true_labels(box, cell, image)
        thoughts = box.get('thoughts') or [None] * len(labels)
        self._spend(CONFIRMATION, 1)
        for point, (label, thought) in enumerate(zip(labels, thoughts)):
            how = 'asked'
            if thought is not None:
                how = 'confirmed'
                shown = int(thought >= 0.5)
                if shown != label:
                    if self.random.random() < self.args.overlooked:
                        label = shown
                    else:
                        how = 'asked'
            if how == 'asked':
                self._spend(ANSWER, 1)
            self._change(changes.Answer, 0, point, int(label), how,
                         key=box['key'])

    def annotate(self, image, with_proposals: bool) -> Effort:
        """A whole image; returns what it took."""
        before = Effort(**vars(self.effort))
        left = {index: cell for index, cell in enumerate(
            self.scene.cells[image.name])}
        if with_proposals:
            for proposal in wait_for_proposals(self.project, image.id):
                if proposal['score'] < DEFAULT_SCORE or not (
                        proposal['is_free']):
                    continue
                overlaps = {index: iou(proposal['box'], cell['bbox'])
                            for index, cell in left.items()}
                best = max(overlaps, key=overlaps.get, default=None)
                if best is not None and overlaps[best] >= GOOD_BOX:
                    self.confirm(image, proposal, left.pop(best))
                else:
                    self._change(changes.RejectProposal, image.id,
                                 proposal['box'], key=f'r{self.count}')
                    self._spend(CONFIRMATION, 1)
                    self.effort.rejected += 1
        for cell in left.values():
            self.draw(image, cell)
        self.count += 1
        self.project.change(changes.MarkImage(
            f'q{self.count}', image.id, 0, -1, True), 'Script').result()
        return Effort(*(now - then for now, then in zip(
            vars(self.effort).values(), vars(before).values())))


def iou(one: Sequence[float], other: Sequence[float]) -> float:
    """Of two boxes x, y, width, height."""
    wide = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    high = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    shared = max(wide, 0) * max(high, 0)
    return shared / (one[2] * one[3] + other[2] * other[3] - shared)


def wait_for_proposals(project: Project, image_id: int) -> List[dict]:
    """The cells of the latest model."""
    while True:
        found = project.models.proposals(image_id)
        if not found['pending']:
            return found['cells']
        time.sleep(0.5)


def train(project: Project, args) -> float:
    """A round; returns what it took of a core, in seconds."""
    status = project.models.train(TrainBody(
        f't{time.time_ns()}', 'Script', iterations=args.iterations))
    while status['rounds'][-1]['state'] == 'running':
        time.sleep(1)
        status = project.models.status()
    last = status['rounds'][-1]
    if last['state'] != 'done':
        raise RuntimeError(last.get('error', last['state']))
    return Job(project.models.folder / f'round-{last["id"]}'
               ).ended().cpu_seconds


def score(project: Project, test: Scene) -> Dict[str, float]:
    """Mask AP, and F1 at the page's score, on images nobody annotated."""
    segmenter = load_segmenter(project.models.checkpoint(), score_thr=0.05,
                               device='cpu')
    results = []
    for image in test.truth['images']:
        cells = segmenter(read_image(test.folder / image['file_name']))
        results += [
            dict(image_id=image['id'], category_id=1, score=float(s),
                 bbox=[x1, y1, x2 - x1, y2 - y1],
                 segmentation=dict(size=code['size'],
                                   counts=code['counts'].decode()))
            for s, (x1, y1, x2, y2), code in zip(
                cells.scores, cells.bboxes.tolist(), cells.codes())]
    truth = load_ground_truth(test.truth)
    with tempfile.NamedTemporaryFile('w', suffix='.json') as file:
        json.dump(results, file)
        file.flush()
        found = load_detections(Path(file.name), truth, ['segm'])
    curve = f1_curve(truth, found)
    at = curve.at(DEFAULT_SCORE)
    return dict(AP=100 * match(truth, found, 'segm').score()['AP'],
                F1=100 * float(curve.f1[at]) if at >= 0 else 0.0)


def new_project(root: Path, scene: Scene, count: int, seed: int) -> Project:
    """The first images, in a project of their own."""
    images = root / 'images'
    images.mkdir(parents=True)
    for name in sorted(scene.cells)[:count]:
        shutil.copy(scene.folder / name, images)
    return Project(images, root / 'project.db', seed=seed)


def from_three_images(scene: Scene, test: Scene, args) -> None:
    """How good the first model is."""
    for seed in range(args.seeds):
        with tempfile.TemporaryDirectory() as folder, new_project(
                Path(folder), scene, 3, seed) as project:
            args.seed = seed
            annotator = Annotator(project, scene, args)
            for image in project.images.values():
                annotator.annotate(image, False)
            seconds = train(project, args)
            found = score(project, test)
            print(f'3 images, seed {seed}: F1 {found["F1"]:.1f}, AP '
                  f'{found["AP"]:.1f} on {len(test.cells)} unseen images '
                  f'after {seconds:.0f} s of a core', flush=True)


def work_on(root: Path, scene: Scene, test: Scene, args, with_loop: bool,
            numbers: range) -> Iterator[dict]:
    """Annotate some of the images of a project, then train and score; yields
    what each image took.
    """
    with Project(root / 'images', root / 'project.db') as project:
        annotator = Annotator(project, scene, args)
        annotator.count = 10**6 * (1 + numbers.start)
        images = list(project.images.values())
        for number in numbers:
            effort = annotator.annotate(images[number], with_loop)
            row = dict(vars(effort), images=number + 1, loop=with_loop)
            if number == numbers[-1]:
                row['cpu_seconds'] = train(project, args)
                row.update(score(project, test))
            yield row


def compare(scene: Scene, test: Scene, args) -> None:
    """The second half of the images, without and with what a model proposes
    that learned from the first.
    """
    half = args.images // 2
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / 'without'
        new_project(root, scene, args.images, args.seed).close()
        first = list(work_on(root, scene, test, args, False, range(half)))
        shutil.copytree(root, Path(folder) / 'with')
        for row in first:
            print(as_line(row), flush=True)
        spent = sum(row['seconds'] for row in first)
        for name in ('with', 'without'):
            total = 0.
            for row in work_on(Path(folder) / name, scene, test, args,
                               name == 'with', range(half, args.images)):
                total += row['seconds']
                print(as_line(row), flush=True)
            print(f'{name} proposals: the second half took {total / 60:.1f} '
                  f'min, {100 * total / spent:.0f} % of the first', flush=True)


def as_line(row: dict) -> str:
    """A row as JSON, rounded."""
    return json.dumps({key: round(value, 1) if isinstance(value, float)
                       else value for key, value in row.items()})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--train', type=Path, required=True,
                        help='COCO file with masks')
    parser.add_argument('--train-images', type=Path, required=True)
    parser.add_argument('--test', type=Path, required=True)
    parser.add_argument('--test-images', type=Path, required=True)
    parser.add_argument('--images', type=int, default=8,
                        help='half of them without any model')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--iterations', type=int, default=300)
    parser.add_argument('--seeds', type=int, default=3)
    parser.add_argument('--wrong-answers', type=float, default=0.05,
                        help='share of answers that are wrong')
    parser.add_argument('--overlooked', type=float, default=0.2,
                        help='share of the model\'s wrong answers that are '
                        'confirmed with the others of their cell')
    parser.add_argument('--what', nargs='+', default=['first', 'cost'],
                        choices=['first', 'cost'])
    args = parser.parse_args()
    scene = Scene(json.loads(args.train.read_text()), args.train_images)
    test = Scene(json.loads(args.test.read_text()), args.test_images)
    if 'first' in args.what:
        from_three_images(scene, test, args)
    if 'cost' in args.what:
        compare(scene, test, args)


if __name__ == '__main__':
    main()
