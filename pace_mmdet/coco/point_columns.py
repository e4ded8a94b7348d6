"""Annotations of point COCO files as arrays.

Letters in the shapes: A annotations, P points per cell, K points of all
annotations laid end to end.

A data set holds ten million points. As Python numbers they would cost most of
the time that reading takes, so where a block of annotations is as our own
tools write it, its points go from JSON text to arrays at once.
"""
from itertools import chain
from operator import attrgetter
from typing import (Any, Iterator, List, NamedTuple, Optional, Sequence, Tuple,
                    Union)

import msgspec
import numpy as np

from .files import Id

_SPACE = b' \t\r\n'
_BRACKETS = b'[]'
_DIGITS = b'0123456789'
# No pixel has such an index; what is beyond int64 reads as its largest value.
_TOO_MUCH = 10**9


class PointAnnotation(msgspec.Struct, gc=False):
    """One annotation of a point COCO file, as it stands there."""
    id: Id
    image_id: Id
    category_id: Id
    bbox: Tuple[float, float, float, float]
    point_coords: Union[List[Tuple[float, float]], msgspec.UnsetType,
                        None] = msgspec.UNSET
    point_labels: Union[List[float], msgspec.UnsetType, None] = msgspec.UNSET
    iscrowd: Union[bool, int] = 0


class _PointText(msgspec.Struct, gc=False):
    """The same with the points still text."""
    id: Id
    image_id: Id
    category_id: Id
    bbox: Tuple[float, float, float, float]
    point_coords: msgspec.Raw
    point_labels: msgspec.Raw
    iscrowd: Union[bool, int] = 0


_TEXT_DECODER = msgspec.json.Decoder(List[_PointText])


class PointColumns(NamedTuple):
    """Annotations as arrays, one element or row per annotation.

    Attributes:
        ann_ids: int64, shape (A, ).
        image_ids: int64, shape (A, ).
        category_ids: int64, shape (A, ).
        bboxes: (x, y, width, height) in image pixels, float64, shape (A, 4).
        iscrowd: bool, shape (A, ).
        has_points: Whether both point fields are there, bool, shape (A, ).
        num_coords: int64, shape (A, ).
        num_labels: int64, shape (A, ).
        coords: (x, y) of all points end to end, float64 or (whole numbers
            only) int64, shape (K, 2).
        labels: Labels of all points end to end, float64, shape (K, ).
    """
    ann_ids: np.ndarray
    image_ids: np.ndarray
    category_ids: np.ndarray
    bboxes: np.ndarray
    iscrowd: np.ndarray
    has_points: np.ndarray
    num_coords: np.ndarray
    num_labels: np.ndarray
    coords: np.ndarray
    labels: np.ndarray


def to_columns(annotations: Sequence[PointAnnotation]) -> PointColumns:
    """Lay annotations out as arrays.

    Args:
        annotations (Sequence[PointAnnotation]): A of them.

    Returns:
        PointColumns: The same as arrays.
    """
    count = len(annotations)
    coords = [_or_empty(ann.point_coords) for ann in annotations]
    labels = [_or_empty(ann.point_labels) for ann in annotations]
    num_coords = np.fromiter(map(len, coords), np.int64, count)
    num_labels = np.fromiter(map(len, labels), np.int64, count)
    numbers = chain.from_iterable
    has_points = np.fromiter(
        (isinstance(a.point_coords, list) and isinstance(a.point_labels, list)
         for a in annotations), bool, count)
    return PointColumns(
        *_common_columns(annotations), has_points, num_coords, num_labels,
        np.fromiter(
            numbers(numbers(coords)), np.float64,
            2 * int(num_coords.sum())).reshape(-1, 2),
        np.fromiter(numbers(labels), np.float64, int(num_labels.sum())))


def text_to_columns(text: bytes) -> Optional[PointColumns]:
    """Lay annotations out as arrays, straight from their JSON.

    Args:
        text (bytes): A list of annotations.

    Returns:
        PointColumns, optional: What :func:`to_columns` gives for them; None
        unless all have the same number of points, at least one, with
        coordinates that are whole numbers from 0 on and labels of one digit
        or -1.
    """
    try:
        annotations = _TEXT_DECODER.decode(text)
    except msgspec.ValidationError:
        return None
    if not annotations:
        return None
    coords = _parse_coords([a.point_coords for a in annotations])
    labels = _parse_labels([a.point_labels for a in annotations])
    if coords is None or labels is None or len(coords) != len(labels):
        return None
    count = len(annotations)
    num_points = np.full(count, coords.shape[0] // count, dtype=np.int64)
    return PointColumns(*_common_columns(annotations), np.ones(count, bool),
                        num_points, num_points, coords, labels)


def _common_columns(annotations: Sequence[Any]) -> Iterator[np.ndarray]:
    """The columns up to ``iscrowd``."""
    count = len(annotations)
    for name in ('id', 'image_id', 'category_id'):
        yield np.fromiter(map(attrgetter(name), annotations), np.int64, count)
    yield np.fromiter(
        chain.from_iterable(map(attrgetter('bbox'), annotations)), np.float64,
        4 * count).reshape(-1, 4)
    yield np.fromiter(map(attrgetter('iscrowd'), annotations), bool, count)


def _or_empty(points: Any) -> list:
    return points if isinstance(points, list) else []


def _parse_coords(texts: List[msgspec.Raw]) -> Optional[np.ndarray]:
    """Coordinates, int64, shape (K, 2), if each text is P pairs."""
    text = b','.join(texts).translate(None, _SPACE)
    num_points = (bytes(texts[0]).count(b',') + 1) // 2
    one = b'[' + b','.join([b'[,]'] * num_points) + b']'
    # JSON's rules are kept, so the frame says where numbers stand, and what
    # is not a digit would be part of it.
    if not num_points or (text.translate(None, _DIGITS) !=
                          b','.join([one] * len(texts))):
        return None
    numbers = _parse_numbers(text.translate(None, _BRACKETS))
    return None if numbers is None else numbers.reshape(-1, 2)


def _parse_labels(texts: List[msgspec.Raw]) -> Optional[np.ndarray]:
    """Labels, float64, shape (K, ), if each text is P of them."""
    text = b','.join(texts).translate(None, _SPACE)
    num_points = bytes(texts[0]).count(b',') + 1
    frame = b'[' + b',' * (num_points - 1) + b']'
    bare = text.replace(b'-1', b'1')
    if bare.translate(None, _DIGITS) != b','.join([frame] * len(texts)):
        return None
    bare = bare.translate(None, _BRACKETS)
    if len(bare) != 2 * num_points * len(texts) - 1:
        return None  # more than a digit
    labels = np.frombuffer(bare, np.uint8)[::2].astype(np.float64) - ord('0')
    if b'-' in text:
        signs = np.frombuffer(text.translate(None, _BRACKETS), np.uint8)
        is_minus = signs == ord('-')
        # Each sign moves what follows by one byte.
        negative = np.flatnonzero(is_minus) - np.arange(is_minus.sum())
        labels[negative // 2] *= -1
    return labels


def _parse_numbers(text: bytes) -> Optional[np.ndarray]:
    """Numbers of digits only, separated by commas, int64."""
    numbers = np.fromstring(text, dtype=np.int64, sep=',')
    return None if numbers.max() >= _TOO_MUCH else numbers
