"""Which pixels of a box are its points, and which answers outlive an edit.

Point p of a box is the p-th random one, a pure function of the project's seed
and of the box's id and place, unless the project's file says otherwise (table
``pixels``). When a box is moved or resized, an answered point whose pixel
touches the new box stays where it is, with its answer; in the place of all
others stand the new random ones, to be asked.

Letters in the shapes: N boxes, P points per box.
"""
import sqlite3
from typing import List, Sequence

import numpy as np

from pace_mmdet.points import draw_points

from .schema import read_meta


def points_of_boxes(states: Sequence[dict], num_points: int, width: int,
                    height: int, seed: int) -> List[List[List[int]]]:
    """The points of boxes: the random ones, as training draws them, but for
    those that are chosen.

    Args:
        states (Sequence[dict]): N boxes
            (:func:`~pace_mmdet.annotate.queries.boxes_of_image`) of one
            image.
        num_points (int): Points per box, P.
        width (int): Of the image in pixels.
        height (int): Of the image in pixels.
        seed (int): The project's seed.

    Returns:
        list: Pixels (x, y), shape (N, P, 2).
    """
    corners = np.array([state['box'] for state in states],
                       dtype=np.float64).reshape(-1, 4)
    corners[:, 2:] += corners[:, :2]
    drawn = draw_points(corners, [state['id'] for state in states],
                        num_points, height, width, seed).tolist()
    # A reply that an earlier version stored knows of no others.
    return [[pixel or random for pixel, random in zip(
        state.get('points') or [None] * num_points, row)]
            for state, row in zip(states, drawn)]


def points_of_box(connection: sqlite3.Connection,
                  state: dict) -> List[List[int]]:
    """The points of one box, shape (P, 2).

    Args:
        connection (sqlite3.Connection): The project.
        state (dict): The box.
    """
    width, height = connection.execute(
        'SELECT width, height FROM images WHERE id = ?',
        (state['image'], )).fetchone()
    points, = points_of_boxes([state], len(state['labels']), width, height,
                              read_meta(connection)['seed'])
    return points


def touches(pixel: Sequence[int], box: Sequence[float]) -> bool:
    """Whether a random point of a box could be this pixel.

    Args:
        pixel (Sequence[int]): x, y.
        box (Sequence[float]): x, y, width, height.
    """
    return all(start - 1 < at < start + side for at, start, side in zip(
        pixel, box[:2], box[2:]))


def keep_answers(connection: sqlite3.Connection, before: dict, revision: int,
                 box: Sequence[float]) -> None:
    """Take answers along to another place of a box.

    Args:
        connection (sqlite3.Connection): The project, in a transaction.
        before (dict): The box as it was
            (:func:`~pace_mmdet.annotate.queries.box_state`), with all points
            that were ever answered.
        revision (int): Of the new place.
        box (Sequence[float]): The new place: x, y, width, height.
    """
    points = points_of_box(connection, before)
    for number, (pixel, label) in enumerate(zip(points, before['labels'])):
        if label is None or not touches(pixel, box):
            continue
        connection.execute(
            'INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?)',
            (before['id'], revision, number, label,
             before['answered_by'][number], before['answered_how'][number]))
        connection.execute(
            'INSERT INTO pixels VALUES (?, ?, ?, ?, ?, ?)',
            (before['id'], revision, number, *pixel,
             before['points_chosen'][number] or 'kept'))
