"""A scripted annotator, who works through images whose cells are known.

What each action takes is the paper's (a box, an answer) or assumed (the
others). What a person sees at once, the script looks up in the true cells.
"""
from dataclasses import asdict, dataclass, field
from typing import Dict, List, NamedTuple, Sequence

import numpy as np

from pace_mmdet.annotate import Project, changes
from pace_mmdet.points import label_points

DEFAULT_SCORE = 0.25  # of the page


class Protocol(NamedTuple):
    """What is assumed of an annotator.

    Attributes:
        box (float): Seconds to draw a box.
        answer (float): Seconds to answer for a point, or to flip what a model
            answered.
        confirmation (float): Seconds to accept or to reject a proposal, and
            again to look at its points.
        adjustment (float): Seconds to move or resize a proposal that is off.
        adjust_below (float): A proposal whose box overlaps the true one less
            (IoU) is adjusted until it is the true one.
        redraw_below (float): One that overlaps it less is rejected, and its
            cell drawn.
        wrong (float): Share of the answers that are wrong.
        overlooked (float): Share of a model's wrong answers that are
            confirmed with the others of their cell.
    """
    box: float = 7.0
    answer: float = 0.9
    confirmation: float = 1.2
    adjustment: float = 3.5
    adjust_below: float = 0.85
    redraw_below: float = 0.5
    wrong: float = 0.05
    overlooked: float = 0.2


@dataclass
class Effort:
    """What an annotator did: proposals were accepted as they are
    (``confirmed``), accepted after their box was ``adjusted``, or
    ``rejected``.
    """
    seconds: float = 0.0
    clicks: int = 0
    drawn: int = 0
    confirmed: int = 0
    adjusted: int = 0
    rejected: int = 0

    def since(self, before: 'Effort') -> 'Effort':
        """What came after."""
        then = asdict(before)
        return Effort(**{name: value - then[name]
                         for name, value in asdict(self).items()})


@dataclass
class Scene:
    """Images with their true cells, by file name."""
    truth: dict
    cells: Dict[str, List[dict]] = field(init=False)

    def __post_init__(self) -> None:
        names = {image['id']: image['file_name']
                 for image in self.truth['images']}
        self.cells = {name: [] for name in names.values()}
        for ann in self.truth['annotations']:
            self.cells[names[ann['image_id']]].append(ann)


class Annotator:
    """Makes changes in a project as a person would.

    Args:
        project (Project): The project, with images of ``scene``.
        scene (Scene): The true cells.
        protocol (Protocol): What is assumed.
        seed (int): Of the mistakes.
        name (str): Begins the names of its changes, which are its own.
    """

    def __init__(self, project: Project, scene: Scene, protocol: Protocol,
                 seed: int = 0, name: str = '') -> None:
        self.project = project
        self.scene = scene
        self.protocol = protocol
        self.random = np.random.default_rng(seed)
        self.effort = Effort()
        self.name = name
        self.count = 0

    def _next(self) -> str:
        self.count += 1
        return f'{self.name}{self.count}'

    def _change(self, kind, *rest, key: str = '') -> dict:
        request = self._next()
        return self.project.with_points(self.project.change(
            kind(request, key or f'k{request}', 0, *rest),
            'Script').result())

    def _spend(self, seconds: float, clicks: int) -> None:
        self.effort.seconds += seconds
        self.effort.clicks += clicks

    def _true_labels(self, box: dict, cell: dict, image) -> np.ndarray:
        return label_points(np.array([box['points']]), [cell['segmentation']],
                            image.height, image.width)[0]

    def _ask(self, box: dict, point: int, label: int) -> None:
        """A point is answered, now and then wrongly."""
        wrong = self.random.random() < self.protocol.wrong
        self._answer(box, point, 1 - label if wrong else label)

    def _answer(self, box: dict, point: int, label: int,
                how: str = 'asked') -> None:
        if how == 'asked':
            self._spend(self.protocol.answer, 1)
        self._change(changes.Answer, 0, point, int(label), how,
                     key=box['key'])

    def draw(self, image, cell: dict) -> None:
        """A box by hand, and each of its points."""
        box = self._change(changes.CreateBox, image.id, cell['bbox'])['box']
        self._spend(self.protocol.box, 2)
        self.effort.drawn += 1
        for point, label in enumerate(self._true_labels(box, cell, image)):
            self._ask(box, point, label)

    def accept(self, image, proposal: dict, cell: dict,
               overlap: float) -> None:
        """A proposal, adjusted if it is off, and its points as the model
        thinks of them; those that are seen to be wrong are flipped.
        """
        place = proposal['box']
        if overlap < self.protocol.adjust_below:
            place = cell['bbox']
            self._spend(self.protocol.adjustment, 2)
            self.effort.adjusted += 1
        else:
            self.effort.confirmed += 1
        box = self._change(changes.AcceptProposal, image.id, place)['box']
        self._spend(self.protocol.confirmation, 1)
        labels = self._true_labels(box, cell, image)
        thoughts = box.get('thoughts') or [None] * len(labels)
        self._spend(self.protocol.confirmation, 1)
        for point, (label, thought) in enumerate(zip(labels, thoughts)):
            if thought is None:
                self._ask(box, point, label)
                continue
            shown = int(thought >= 0.5)
            if shown == label or (
                    self.random.random() < self.protocol.overlooked):
                self._answer(box, point, shown, 'confirmed')
            else:
                self._answer(box, point, label)

    def reject(self, image, proposal: dict) -> None:
        """Here is no cell, or not this one."""
        self._change(changes.RejectProposal, image.id, proposal['box'])
        self._spend(self.protocol.confirmation, 1)
        self.effort.rejected += 1

    def annotate(self, image, proposals: Sequence[dict] = ()) -> Effort:
        """A whole image; returns what it took.

        Args:
            image: One of ``project.images``.
            proposals (Sequence[dict]): What a model proposes on it, of which
                those above the page's score are shown.
        """
        before = Effort(**asdict(self.effort))
        left = dict(enumerate(self.scene.cells[image.name]))
        for proposal in proposals:
            if proposal['score'] < DEFAULT_SCORE or not proposal['is_free']:
                continue
            overlaps = {index: iou(proposal['box'], cell['bbox'])
                        for index, cell in left.items()}
            best = max(overlaps, key=overlaps.get, default=None)
            if best is None or overlaps[best] < self.protocol.redraw_below:
                self.reject(image, proposal)
            else:
                self.accept(image, proposal, left.pop(best), overlaps[best])
        for cell in left.values():
            self.draw(image, cell)
        self.project.change(changes.MarkImage(
            self._next(), image.id, 0, -1, True), 'Script').result()
        return self.effort.since(before)


def iou(one: Sequence[float], other: Sequence[float]) -> float:
    """Of two boxes x, y, width, height."""
    wide = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    high = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    shared = max(wide, 0) * max(high, 0)
    return shared / (one[2] * one[3] + other[2] * other[3] - shared)
