"""Which points are asked: random ones, or those a model is least certain of.

Random is the default, as in the paper. The other is a setting of the project.
Then a box's points that have no answer yet are chosen when they are handed
out, and stay where they were chosen; without a model, or where it knows no
cell, they are the random ones.
"""
import math
import sqlite3
from typing import Callable, List, Literal, Optional

import msgspec
import numpy as np

from pace_mmdet.points.questions import least_certain_pixels

from .pixels import touches
from .proposals import Opinion
from .schema import write_meta

Which = Literal['random', 'uncertain']
# Two points of a box are at least so many pixels from each other.
_APART = 3.0
Choose = Callable[[sqlite3.Connection, dict], None]


class AskingBody(msgspec.Struct, forbid_unknown_fields=True):
    """Which points are to be asked from now on."""
    which: Which


def set_asked(connection: sqlite3.Connection, which: Which) -> None:
    """Change the setting. Chosen points without an answer become random
    again; those with one stay.

    Args:
        connection (sqlite3.Connection): The project, in a transaction.
        which (str): 'random' or 'uncertain'.
    """
    write_meta(connection, asked=which)
    if which == 'random':
        connection.execute(
            """DELETE FROM pixels WHERE chosen = 'uncertain' AND NOT EXISTS (
                 SELECT 1 FROM answers a WHERE a.box_id = pixels.box_id AND
                 a.revision = pixels.revision AND a.point = pixels.point)""")


def choose_uncertain(connection: sqlite3.Connection, box: dict,
                     opinion: Optional[Opinion]) -> None:
    """Choose the points of a box that have no answer and are random still.

    Args:
        connection (sqlite3.Connection): The project, in a transaction.
        box (dict): The box (:func:`~pace_mmdet.annotate.queries.box_state`),
            with its ``points``; changed.
        opinion (Opinion, optional): What the model thinks of the image.
    """
    open_points = [point for point, (label, chosen) in enumerate(zip(
        box['labels'], box['points_chosen'])) if label is None and not chosen]
    if opinion is None or not open_points:
        return
    settled = [pixel for point, pixel in enumerate(box['points'])
               if point not in open_points]
    for point, pixel in zip(open_points, uncertain_pixels(
            opinion, box['box'], settled, len(open_points))):
        box['points'][point] = pixel
        box['points_chosen'][point] = 'uncertain'
        connection.execute(
            "INSERT INTO pixels VALUES (?, ?, ?, ?, ?, 'uncertain')",
            (box['id'], box['revision'], point, *pixel))


def uncertain_pixels(opinion: Opinion, box: List[float],
                     settled: List[List[int]], count: int
                     ) -> List[List[int]]:
    """The pixels of a box that a model is least certain of.

    Args:
        opinion (Opinion): What the model thinks of the image.
        box (list[float]): x, y, width, height.
        settled (list): Pixels (x, y) to stay away from: the box's other
            points.
        count (int): How many are wanted.

    Returns:
        list: Pixels (x, y); fewer than ``count`` if the box is small, none
        if no cell fits it.
    """
    height, width = opinion.shape
    left, top = (max(math.floor(side), 0) for side in box[:2])
    right = min(math.ceil(box[0] + box[2]), width)
    bottom = min(math.ceil(box[1] + box[3]), height)
    columns, rows = np.meshgrid(np.arange(left, right),
                                np.arange(top, bottom))
    probs = opinion.at(box, columns, rows)
    for x, y in settled:
        probs[np.hypot(columns - x, rows - y) < _APART] = np.nan
    found = least_certain_pixels(probs, count, _APART) + (left, top)
    assert all(touches(pixel, box) for pixel in found)
    return found.tolist()
