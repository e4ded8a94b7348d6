"""Point COCO files and projects of the annotation page, read for napari."""
import mmap
import warnings
from contextlib import closing
from pathlib import Path
from typing import Any, Callable, List, Optional

import numpy as np

from pace_mmdet.annotate import queries
from pace_mmdet.annotate.pixels import points_of_boxes
from pace_mmdet.annotate.schema import open_for_reading, read_meta
from pace_mmdet.coco.files import CocoFile
from pace_mmdet.coco.point_checks import check_block, check_unique
from pace_mmdet.coco.point_columns import PointAnnotation, to_columns
from pace_mmdet.errors import ImageFileError
from pace_mmdet.images.intensities import Intensities, percentile_range

from .images import image_stack, images_beside
from .layers import UNANSWERED, Annotated, LayerData

Reader = Callable[[Any], List[LayerData]]
# napari takes 7 s for so many rectangles, and as much more for each more.
MOST_BOXES = 20_000
# Where SQLite keeps what program a file is of.
_APPLICATION = slice(68, 72)


def points_reader(path: Any) -> Optional[Reader]:
    """The reader of point COCO files, None if a file is none."""
    if not isinstance(path, (str, Path)) or not Path(path).is_file() or \
            not Path(path).stat().st_size:
        return None
    with open(path, 'rb') as file, \
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        return read_points if text.find(b'"point_coords"') >= 0 else None


def project_reader(path: Any) -> Optional[Reader]:
    """The reader of the annotation page's projects, None if a file is none."""
    if not isinstance(path, (str, Path)) or not Path(path).is_file():
        return None
    with open(path, 'rb') as file:
        start = file.read(_APPLICATION.stop)
    return read_project if start[_APPLICATION] == b'PACE' else None


def read_points(path: Any, most_points: Optional[int] = None
                ) -> List[LayerData]:
    """A point COCO file as layers: its images, boxes and answers.

    Args:
        path (str or Path): The file.
        most_points (int, optional): Points to show of each box, the first
            ones; by default all.

    Returns:
        list[LayerData]: The images if they are where those of the file
        usually are, shapes and points. More than :data:`MOST_BOXES` boxes
        are not shown: a warning says how many images are.

    Raises:
        AnnotationError: If anything in the file is wrong; lists all faults.
    """
    file = CocoFile(path)
    parts, ids = [], []
    for block in file.blocks(PointAnnotation):
        columns = to_columns(block)
        _, image_index = check_block(columns, 1, file)
        parts.append((columns, image_index))
        ids.append(columns.ann_ids)
    check_unique(ids, file.faults)
    file.faults.raise_if_any('Correct the file.')
    columns = [
        np.concatenate([np.asarray(getattr(part, name)) for part, _ in parts])
        for name in ('ann_ids', 'bboxes', 'num_coords', 'coords', 'labels')
    ] if parts else [np.zeros(shape) for shape in (0, (0, 4), 0, (0, 2), 0)]
    box_ids, boxes, counts, pixels, answers = columns
    counts = counts.astype(np.int64)
    owners = np.repeat(np.arange(len(counts)), counts)
    place = np.arange(len(owners)) - np.repeat(np.cumsum(counts) - counts,
                                               counts)
    shown = place < (most_points or np.inf)
    found = Annotated(
        [image.file_name for image in file.images],
        _sizes((image.height, image.width) for image in file.images),
        np.concatenate([index for _, index in parts] or
                       [np.zeros(0, np.int64)]),
        box_ids.astype(np.int64),
        np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1),
        owners[shown], pixels[shown].astype(np.int64),
        answers[shown].astype(np.int64))
    page = file.info.get('page')
    return _layers(Path(path), found, page if isinstance(page, int) else None)


def read_project(path: Any) -> List[LayerData]:
    """A project of the annotation page as layers, as it is at the moment.

    Args:
        path (str or Path): The project's file; it may be open elsewhere.

    Returns:
        list[LayerData]: As :func:`read_points` gives, with points that are
        not answered yet.

    Raises:
        ProjectError: If it is no project, or one of another version.
    """
    with closing(open_for_reading(path)) as connection:
        connection.execute('BEGIN')
        meta = read_meta(connection)
        images = connection.execute(
            'SELECT * FROM images WHERE width > 0 ORDER BY id').fetchall()
        by_image = [queries.boxes_of_image(connection, image['id'],
                                           meta['num_points'])
                    for image in images]
    states = [box for boxes in by_image for box in boxes]
    pixels = [points_of_boxes(boxes, meta['num_points'], image['width'],
                              image['height'], meta['seed'])
              for image, boxes in zip(images, by_image) if boxes]
    boxes = np.array([box['box'] for box in states],
                     np.float64).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    found = Annotated(
        [image['name'] for image in images],
        _sizes((image['height'], image['width']) for image in images),
        np.repeat(np.arange(len(images)), [len(boxes) for boxes in by_image]),
        np.array([box['id'] for box in states], np.int64), boxes,
        np.repeat(np.arange(len(states)), meta['num_points']),
        np.array(sum(pixels, []), np.int64).reshape(-1, 2),
        np.array([UNANSWERED if label is None else label
                  for box in states for label in box['labels']], np.int64))
    return _layers(Path(path), found, meta['page'], meta['channel'])


def _layers(path: Path, found: Annotated, page: Optional[int],
            channel: Optional[int] = None) -> List[LayerData]:
    shown = found.first_images(MOST_BOXES)
    if len(shown.names) < len(found.names):
        warnings.warn(
            f'{path.name}: the first {len(shown.names)} of '
            f'{len(found.names)} images are shown, those with the first '
            f'{len(shown.ids)} of {len(found.ids)} boxes: more take napari '
            'minutes')
    layers = shown.layers(path.stem)
    if not shown.names:
        return layers
    try:
        paths = images_beside(path, shown.names)
        stack = image_stack(paths, shown.sizes, page, channel)
    except ImageFileError as error:
        warnings.warn(str(error))
        return layers
    several = len(shown.names) > 1
    images = dict(name=f'{path.stem} images', rgb=stack.ndim - several > 2)
    if not images['rgb']:
        # Of the first image; by itself, napari takes its brightest pixel.
        low, high = percentile_range(
            np.asarray(stack[0] if several else stack), *Intensities()[1:])
        if low < high:
            images['contrast_limits'] = low, high
    return [(stack, images, 'image'), *layers]


def _sizes(sizes: Any) -> np.ndarray:
    return np.array(list(sizes), np.int64).reshape(-1, 2)
