"""From a project to a point COCO file."""
import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Tuple, Union

from pace_mmdet.coco.files import write_coco
from pace_mmdet.errors import MAX_LISTED

from .completeness import Complete, State, read_states
from .errors import ProjectError
from .folder import ProjectImage
from .pixels import points_of_boxes
from .queries import boxes_of_image
from .schema import read_meta

# The class that the data sets and configs of this package look for.
CATEGORIES = [dict(id=1, name='cell')]
INCOMPLETE = 'images that are not marked as complete'
UNTOUCHED = 'images without a box that are not marked as complete'


@dataclass
class Export:
    """A point COCO file before it is written.

    Attributes:
        images (list[dict]): Entries.
        annotations (list[dict]): Entries. Beside the usual, ``box_by`` and
            ``points_by`` say who drew the box and who answered each point,
            ``points_how`` whether it was 'asked', or a model's answer was
            'confirmed', or it was asked 'again'. A point without an answer
            has nobody, and the label -1. ``points_chosen`` says which are
            not the random ones of seed, id and box (``pixels.py``).
        info (dict): Settings, answers by annotator and what was left out.
        remarks (list[str]): What a user should know besides.
    """
    images: List[dict]
    annotations: List[dict]
    info: dict
    remarks: List[str] = field(default_factory=list)

    def document(self) -> dict:
        """The whole file."""
        return dict(images=self.images, categories=CATEGORIES,
                    annotations=self.annotations, info=self.info)

    def write(self, path: Union[str, Path]) -> None:
        """Write the file, atomically."""
        write_coco(path, self.images, CATEGORIES, self.annotations,
                   lambda: self.info)

    def split(self, num_val: int) -> Tuple['Export', 'Export']:
        """Part by images, the last ones for validation.

        Args:
            num_val (int): How many images to put into the second part.

        Returns:
            tuple[Export]: For training and for validation.

        Raises:
            ProjectError: If either part would have no image.
        """
        if not 0 < num_val < len(self.images):
            raise ProjectError(
                f'{num_val} of the {len(self.images)} complete images cannot '
                'be set aside for validation: both parts need one')
        cut = len(self.images) - num_val
        return self._part(self.images[:cut]), self._part(self.images[cut:])

    def _part(self, images: List[dict]) -> 'Export':
        ids = {image['id'] for image in images}
        return Export(images, [ann for ann in self.annotations
                               if ann['image_id'] in ids], self.info)

    def lines(self) -> List[str]:
        """What was written and what was not, as text."""
        lines = [f'{len(self.images)} images, {len(self.annotations)} boxes']
        lines += [f'  {text}' for text in self.remarks]
        lines += [f'  left out: {count} {reason}'
                  for reason, count in self.info['left_out'].items()]
        return lines


def export_points(connection: sqlite3.Connection,
                  images: Dict[int, ProjectImage],
                  take_all: bool = False) -> Export:
    """Collect the images that are complete, with all their boxes.

    A point without an answer is written as -1, not to be used: its box is a
    cell all the same, and would be background if it were left out.

    Args:
        connection (sqlite3.Connection): The project, in a transaction.
        images (dict[int, ProjectImage]): Its images as they are in the
            folder.
        take_all (bool): Take all images that have a box. Those that are not
            complete say ``"complete": false``.

    Returns:
        Export: What to write.
    """
    meta = read_meta(connection)
    num_points, entries, annotations = meta['num_points'], [], []
    states = read_states(connection)
    left_out: Counter = Counter()
    people: Counter = Counter()
    incomplete, assumed, said_by = [], [], {}
    for image in images.values():
        boxes = boxes_of_image(connection, image.id, num_points)
        if image.problem:
            left_out['images that cannot be used'] += 1
            left_out['boxes on images that cannot be used'] += len(boxes)
            continue
        state = states.get(image.id, State())
        if not state.complete and boxes:
            finished = sum(None not in box['labels'] for box in boxes)
            incomplete.append(f'{image.name} ({finished} of {len(boxes)} '
                              'boxes finished)')
        if not state.complete and not (take_all and boxes):
            left_out[INCOMPLETE if boxes else UNTOUCHED] += 1
            continue
        entries.append(_entry(image, state.complete))
        if state.complete_by:
            said_by[image.name] = state.complete_by
        elif state.complete:
            assumed.append(image.name)
        points = points_of_boxes(boxes, num_points, image.width, image.height,
                                 meta['seed'])
        for box, coords in zip(boxes, points):
            people.update(who for who in box['answered_by']
                          if who is not None)
            annotations.append(_annotation(box, coords))
    info = dict(
        description='boxes and points, annotated by hand',
        seed=meta['seed'],
        num_points=num_points,
        project=meta['project'],
        answers={name or 'unknown': n for name, n in sorted(people.items())},
        complete_by=said_by,
        left_out={reason: n for reason, n in left_out.items() if n})
    for name in ('page', 'channel'):
        if meta[name] is not None:
            info[name] = meta[name]
    if meta['asked'] != 'random':
        info['asked'] = meta['asked']
    return Export(entries, annotations, info,
                  _remarks(annotations, incomplete, assumed, take_all))


def _remarks(annotations: List[dict], incomplete: List[str],
             assumed: List[str], take_all: bool) -> List[str]:
    """What a user should know of what is written, as text."""
    remarks = []
    open_points = [ann['points_by'].count(None) for ann in annotations]
    if any(open_points):
        boxes = sum(count > 0 for count in open_points)
        remarks.append(f'{sum(open_points)} points of {boxes} boxes have no '
                       'answer yet and are not used')
    if assumed:
        remarks.append(
            f'{len(assumed)} count as complete as they did in version 1, '
            f'nobody has said so yet: {listed(assumed)}')
    if incomplete and take_all:
        remarks.append(f'{len(incomplete)} are not marked as complete, and '
                       f'training leaves them out: {listed(incomplete)}')
    elif incomplete:
        remarks.append(
            'not marked as complete (key D), so left out, or their cells '
            f'without a box would be background: {listed(incomplete)}')
    return remarks


def listed(names: List[str]) -> str:
    """Names, the first of them if there are many."""
    more = len(names) - MAX_LISTED
    return ', '.join(names[:MAX_LISTED]) + (f' and {more} more'
                                            if more > 0 else '')


def _entry(image: ProjectImage, complete: Complete) -> dict:
    entry = dict(id=image.id, file_name=image.name, height=image.height,
                 width=image.width)
    # All of an image is complete where nothing else is said.
    return entry if complete is True else dict(entry, complete=complete)


def _annotation(box: dict, coords: List[List[int]]) -> dict:
    # Only if something was: most files have nothing of it.
    special = {}
    if set(box['answered_how']) - {'asked', None}:
        special['points_how'] = box['answered_how']
    if any(box['points_chosen']):
        special['points_chosen'] = box['points_chosen']
    return dict(
        id=box['id'],
        image_id=box['image'],
        category_id=1,
        bbox=box['box'],
        area=box['box'][2] * box['box'][3],
        iscrowd=0,
        point_coords=coords,
        point_labels=[-1 if label is None else label
                      for label in box['labels']],
        box_by=box['by'],
        points_by=box['answered_by'],
        **special)
