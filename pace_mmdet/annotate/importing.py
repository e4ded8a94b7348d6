"""Boxes, and answers if there are any, from COCO files into a project."""
import itertools
import sqlite3
import uuid
from collections import Counter
from pathlib import Path
from typing import Dict, List, Literal, Optional, Sequence, Tuple, Union

import msgspec
import numpy as np

from pace_mmdet.coco.files import CocoFile, Id, ImageEntry
from pace_mmdet.coco.whole_file import CROWD, check_some_left
from pace_mmdet.images.paths import bare_name
from pace_mmdet.points import draw_points

from .changes import create_box
from .completeness import mark, read_state
from .errors import ChangeRefused
from .folder import ProjectImage
from .pixels import touches
from .places import check_box
from .schema import MAX_POINTS, read_meta

_CROWDS = 'left out: marked "iscrowd", not one cell'
_ADVICE = 'Nothing was imported. Correct the file, or leave --boxes out.'


class BoxAnnotation(msgspec.Struct, gc=False):
    """One annotation of a COCO file: a box, and maybe answered points."""
    id: Id
    image_id: Id
    bbox: Tuple[float, float, float, float]
    category_id: Optional[Id] = None
    iscrowd: Union[bool, int] = 0
    point_coords: Optional[List[Tuple[float, float]]] = None
    point_labels: Optional[List[float]] = None
    box_by: str = ''
    # Nobody, where there is no answer.
    points_by: Optional[List[Optional[str]]] = None
    points_how: Optional[List[Literal['asked', 'confirmed', 'again',
                                      None]]] = None
    points_chosen: Optional[List[Literal['kept', 'uncertain', None]]] = None


def import_boxes(connection: sqlite3.Connection, path: Union[str, Path],
                 images: Dict[int, ProjectImage]) -> List[str]:
    """Enter the boxes of a COCO file, all or none.

    They keep their ids, as far as these are free. Answered points come along
    if they are the project's own points, as in a file that a project has
    exported. A box that is there already stays as it is, with its
    corrections, so the same file may be given again.

    Args:
        connection (sqlite3.Connection): The project, in a transaction.
        path (str or Path): The file: of ``predict.py``, of another tool, or
            exported.
        images (dict[int, ProjectImage]): The project's images.

    Returns:
        list[str]: What was entered and what was left out, as text.

    Raises:
        AnnotationError: If the file is missing, broken, or anything in it
            does not fit the project; lists all faults.
    """
    file = CocoFile(path)
    targets = _match_images(file, images)
    meta = read_meta(connection)
    counts: Counter = Counter()
    seen = set()
    used = set()
    renumbered: List[BoxAnnotation] = []
    for block in file.blocks(BoxAnnotation):
        points = _own_points(block, targets, meta['seed'])
        for ann, own in zip(block, points):
            used.add(ann.category_id)
            if ann.id in seen:
                file.faults.add(f'annotation {ann.id}: this id occurs more '
                                'than once')
            seen.add(ann.id)
            fault = _fault(ann, file, targets, own)
            if fault:
                file.faults.add(f'annotation {ann.id}: {fault}')
            elif _is_wanted(ann, targets[ann.image_id], counts):
                fault = _enter(connection, ann, targets[ann.image_id], counts,
                               renumbered)
                if fault:
                    file.faults.add(f'annotation {ann.id}: {fault}')
    # One that groups others, as some tools write, has no annotations.
    names = [c.name for c in file.categories if c.id in used]
    if len(names) > 1:
        file.faults.add(f'expected one category, got {names[:10]}: a project '
                        'has one kind of cell')
    file.faults.raise_if_any(_ADVICE)
    check_some_left(path, len(file) - counts[_CROWDS], 0,
                    {CROWD: counts[_CROWDS]} if counts[_CROWDS] else {},
                    'Nothing was imported.')
    for ann in renumbered:
        _create(connection, ann, targets[ann.image_id], None)
        counts['boxes', targets[ann.image_id].id] += 1
    counts['under new ids, since theirs are taken'] += len(renumbered)
    counts['entered'] += len(renumbered)
    _take_states(connection, file, targets, counts)
    lines = [f'{path}: {counts.pop("entered", 0)} boxes imported, '
             f'{counts.pop("answers", 0)} answers with them']
    return lines + [f'  {count} {what}' for what, count in counts.items()
                    if count]


def _take_states(connection: sqlite3.Connection, file: CocoFile,
                 targets: Dict[int, Optional[ProjectImage]],
                 counts: Counter) -> None:
    """Which images are complete, as a project that was exported knew it.

    What this project knows itself stays, unless boxes came in that nobody
    here has looked at.
    """
    is_export = 'project' in file.info
    said_by = file.info.get('complete_by', {})
    for entry in file.images:
        image = targets[entry.id]
        if image is None:
            continue
        state = read_state(connection, image.id)
        got_boxes = counts.pop(('boxes', image.id), 0)
        if is_export and not state.complete and entry.complete:
            mark(connection, image.id, entry.complete,
                 said_by.get(entry.file_name, ''), state.complete_base)
            counts['images complete, as the file says'] += 1
        elif not is_export and state.complete and got_boxes:
            mark(connection, image.id, False, '', state.complete_base)
            counts['images no longer complete, since boxes came in'] += 1


def _match_images(file: CocoFile, images: Dict[int, ProjectImage]
                  ) -> Dict[int, Optional[ProjectImage]]:
    """The project's image for each of the file's, by name."""
    by_name: Dict[str, List[ProjectImage]] = {}
    for image in images.values():
        for name in {image.name, image.name.rpartition('/')[2]}:
            by_name.setdefault(name, []).append(image)
    targets: Dict[int, Optional[ProjectImage]] = {}
    for entry in file.images:
        found = by_name.get(entry.file_name) or by_name.get(
            bare_name(entry.file_name), [])
        exact = [image for image in found if image.name == entry.file_name]
        found = exact or found
        targets[entry.id] = found[0] if found else None
        fault = _image_fault(entry, found)
        if fault:
            file.faults.add(f'image {entry.id} ({entry.file_name}): {fault}')
    return targets


def _image_fault(entry: ImageEntry, found: Sequence[ProjectImage]) -> str:
    if len(found) > 1:
        return ('the folder has several images of this name: '
                f'{[image.name for image in found[:5]]}')
    if found and found[0].problem:
        return found[0].problem
    if found and (found[0].width, found[0].height) != (entry.width,
                                                       entry.height):
        return (f'{entry.width} x {entry.height} pixels in the file, '
                f'{found[0].width} x {found[0].height} in the folder')
    return ''


def _own_points(block: Sequence[BoxAnnotation],
                targets: Dict[int, Optional[ProjectImage]],
                seed: int) -> List[Optional[np.ndarray]]:
    """The project's points for the annotations that have answers."""
    points: List[Optional[np.ndarray]] = [None] * len(block)
    by_image: Dict[int, List[int]] = {}
    for position, ann in enumerate(block):
        image = targets.get(ann.image_id)
        if ann.point_labels and image and np.isfinite(ann.bbox).all():
            by_image.setdefault(image.id, []).append(position)
    for positions in by_image.values():
        own = [block[position] for position in positions]
        image = targets[own[0].image_id]
        count = min(max(len(ann.point_labels) for ann in own), MAX_POINTS)
        corners = np.array([ann.bbox for ann in own])
        corners[:, 2:] += corners[:, :2]
        drawn = draw_points(corners, [ann.id for ann in own], count,
                            image.height, image.width, seed)
        for position, pixels in zip(positions, drawn):
            points[position] = pixels
    return points


def _fault(ann: BoxAnnotation, file: CocoFile,
           targets: Dict[int, Optional[ProjectImage]],
           points: Optional[np.ndarray]) -> str:
    """What is wrong with an annotation by itself, if anything."""
    if ann.image_id not in targets:
        return f'image_id {ann.image_id} is none of the file\'s images'
    image = targets[ann.image_id]
    if image is None:
        return ''
    try:
        check_box(ann.bbox, image.width, image.height)
    except ChangeRefused as refused:
        return str(refused)
    return _point_fault(ann, image, points)


def _is_wanted(ann: BoxAnnotation, image: Optional[ProjectImage],
               counts: Counter) -> bool:
    if image is None:
        counts['left out: their images are not in the folder'] += 1
    elif ann.iscrowd:
        counts[_CROWDS] += 1
    else:
        return True
    return False


def _enter(connection: sqlite3.Connection, ann: BoxAnnotation,
           image: ProjectImage, counts: Counter,
           renumbered: List[BoxAnnotation]) -> str:
    """Enter an annotation under its own id, unless it is there already.

    One whose id is another box's comes into ``renumbered``: predictions of
    several images often count from 1 each. With answers that is a fault,
    since points belong to an id.
    """
    if _is_there(connection, ann, image):
        counts['left as they are: in the project already'] += 1
    elif not connection.execute('SELECT 1 FROM boxes WHERE id = ?',
                                (ann.id, )).fetchone():
        _create(connection, ann, image, ann.id)
        counts['entered'] += 1
        counts['boxes', image.id] += 1
        counts['answers'] += len(_answers(ann))
    elif ann.point_labels:
        return ('the project has another box of this id, and the answers are '
                'for this id\'s points; import the file into a new project')
    else:
        renumbered.append(ann)
    return ''


def _is_there(connection: sqlite3.Connection, ann: BoxAnnotation,
              image: ProjectImage) -> bool:
    """Whether a box was this one once: imported, or of the same id."""
    return connection.execute(
        'SELECT 1 FROM boxes b JOIN revisions r ON b.id = r.box_id WHERE '
        'image_id = ? AND x = ? AND y = ? AND width = ? AND height = ? AND '
        '(b.id = ? OR imported AND r.revision = 0)',
        (image.id, *ann.bbox, ann.id)).fetchone() is not None


def _create(connection: sqlite3.Connection, ann: BoxAnnotation,
            image: ProjectImage, box_id: Optional[int]) -> None:
    key = f'import{uuid.uuid4().hex}'
    box_id = create_box(connection, image.id, ann.bbox, key, ann.box_by,
                        box_id, imported=True)
    connection.executemany('INSERT INTO answers VALUES (?, 0, ?, ?, ?, ?)',
                           [(box_id, *answer) for answer in _answers(ann)])
    connection.executemany(
        'INSERT INTO pixels VALUES (?, 0, ?, ?, ?, ?)',
        [(box_id, point, *map(int, ann.point_coords[point]), chosen)
         for point, chosen in enumerate(ann.points_chosen or []) if chosen])


def _answers(ann: BoxAnnotation) -> List[Tuple[int, int, str, str]]:
    """Point, label, who gave it and how, of points that have an answer."""
    labels = ann.point_labels or []
    people = ann.points_by or [''] * len(labels)
    ways = ann.points_how or ['asked'] * len(labels)
    return [(point, int(label), who, how or 'asked')
            for point, (label, who, how) in enumerate(
                zip(labels, people, ways)) if who is not None]


def _point_fault(ann: BoxAnnotation, image: ProjectImage,
                 points: Optional[np.ndarray]) -> str:
    labels, coords = ann.point_labels or [], ann.point_coords or []
    if len(labels) != len(coords) or len(labels) > MAX_POINTS:
        return (f'{len(coords)} point_coords and {len(labels)} point_labels, '
                f'expected as many, at most {MAX_POINTS}')
    if any(label not in (-1, 0, 1) for label in labels):
        return f'point_labels {labels}, expected 1, 0 or -1'
    for name in ('points_by', 'points_how', 'points_chosen'):
        values = getattr(ann, name)
        if values is not None and len(values) != len(labels):
            return f'{len(values)} {name} for {len(labels)} points'
    random = np.array([not chosen for chosen in
                       ann.points_chosen or [None] * len(labels)], bool)
    for pixel in itertools.compress(coords, ~random):
        if not (all(side % 1 == 0 for side in pixel)
                and 0 <= pixel[0] < image.width
                and 0 <= pixel[1] < image.height
                and touches(pixel, ann.bbox)):
            return f'the point {list(pixel)} is no pixel of the box'
    if labels and not np.array_equal(np.array(coords)[random],
                                     points[:len(labels)][random]):
        return ('its points are not those that the project draws for this '
                'box; begin a project with the file\'s own --seed ("info" '
                'holds it)')
    return ''
