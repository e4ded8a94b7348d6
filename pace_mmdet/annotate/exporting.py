"""From a project to a point COCO file."""
import sqlite3
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Tuple, Union

from pace_mmdet.coco.files import write_coco

from .errors import ProjectError
from .folder import ProjectImage
from .queries import boxes_of_image, points_of_boxes
from .schema import read_meta

# The class that the data sets and configs of this package look for.
CATEGORIES = [dict(id=1, name='cell')]
UNFINISHED = 'boxes with unanswered points'


@dataclass
class Export:
    """A point COCO file before it is written.

    Attributes:
        images (list[dict]): Entries.
        annotations (list[dict]): Entries. Beside the usual, ``box_by`` and
            ``points_by`` say who drew the box and who answered each point.
        info (dict): Settings, answers by annotator and what was left out.
    """
    images: List[dict]
    annotations: List[dict]
    info: dict

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
                f'{num_val} of the {len(self.images)} images with finished '
                'boxes cannot be set aside for validation: both parts need '
                'one')
        cut = len(self.images) - num_val
        return self._part(self.images[:cut]), self._part(self.images[cut:])

    def _part(self, images: List[dict]) -> 'Export':
        ids = {image['id'] for image in images}
        return Export(images, [ann for ann in self.annotations
                               if ann['image_id'] in ids], self.info)

    def lines(self) -> List[str]:
        """What was written and what was not, as text."""
        lines = [f'{len(self.images)} images, {len(self.annotations)} boxes '
                 'with all their points']
        lines += [f'  left out: {count} {reason}'
                  for reason, count in self.info['left_out'].items()]
        return lines


def export_points(connection: sqlite3.Connection,
                  images: Dict[int, ProjectImage]) -> Export:
    """Collect all boxes whose points are answered.

    An image appears if it has such a box: one that nobody has annotated must
    not pass for one without cells.

    Args:
        connection (sqlite3.Connection): The project, in a transaction.
        images (dict[int, ProjectImage]): Its images as they are in the
            folder.

    Returns:
        Export: What to write.
    """
    meta = read_meta(connection)
    num_points, entries, annotations = meta['num_points'], [], []
    left_out: Counter = Counter()
    people: Counter = Counter()
    for image in images.values():
        boxes = boxes_of_image(connection, image.id, num_points)
        if image.problem:
            left_out['images that cannot be used'] += 1
            left_out['boxes on images that cannot be used'] += len(boxes)
            continue
        finished = [box for box in boxes if None not in box['labels']]
        left_out[UNFINISHED] += len(boxes) - len(finished)
        if not finished:
            left_out['images without a finished box'] += 1
            continue
        entries.append(
            dict(id=image.id, file_name=image.name, height=image.height,
                 width=image.width))
        points = points_of_boxes(finished, num_points, image.width,
                                 image.height, meta['seed'])
        for box, coords in zip(finished, points):
            people.update(box['answered_by'])
            annotations.append(_annotation(box, coords))
    info = dict(
        description='boxes and points, annotated by hand',
        seed=meta['seed'],
        num_points=num_points,
        project=meta['project'],
        answers={name or 'unknown': n for name, n in sorted(people.items())},
        left_out={reason: n for reason, n in left_out.items() if n})
    if meta['page'] is not None:
        info['page'] = meta['page']
    return Export(entries, annotations, info)


def _annotation(box: dict, coords: List[List[int]]) -> dict:
    return dict(
        id=box['id'],
        image_id=box['image'],
        category_id=1,
        bbox=box['box'],
        area=box['box'][2] * box['box'][3],
        iscrowd=0,
        point_coords=coords,
        point_labels=box['labels'],
        box_by=box['by'],
        points_by=box['answered_by'])
