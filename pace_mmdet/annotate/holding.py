"""Who has which box, so that annotators do not answer the same points."""
import math
import sqlite3
from typing import Collection, Dict, Iterable, Optional, Sequence, Set, Tuple

from .errors import ChangeRefused
from .queries import box_state

# How long a box whose points somebody has on screen is kept for them after
# their last sign of life.
HOLD_SECONDS = 300.0


class Tabs:
    """Which pages of one annotator have which boxes.

    The project's file knows annotators only. Whoever opens two pages under
    one name would be asked the same in both.
    """

    def __init__(self) -> None:
        self._taken: Dict[Tuple[str, str], Tuple[float, Set[str]]] = {}

    def others(self, annotator: str, tab: str, now: float) -> Set[str]:
        """Keys of the boxes that other pages of an annotator have."""
        self._taken = {
            who: (since, keys)
            for who, (since, keys) in self._taken.items()
            if since > now - HOLD_SECONDS}
        return {key for who, (_, keys) in self._taken.items()
                if who[0] == annotator and who[1] != tab for key in keys}

    def take(self, annotator: str, tab: str, keys: Iterable[str],
             now: float) -> None:
        """Note what a page has now."""
        self._taken[annotator, tab] = now, set(keys)


def take_boxes(connection: sqlite3.Connection, image_id: int, annotator: str,
               count: int, keep: Sequence[str], num_points: int,
               now: float, others: Collection[str] = (),
               near: Optional[Sequence[float]] = None) -> list:
    """Give an annotator boxes whose points are to be answered.

    Nobody else gets them meanwhile. Boxes given before and not named in
    ``keep`` are free for others again.

    Args:
        connection (sqlite3.Connection): The project, in a transaction.
        image_id (int): The image.
        annotator (str): Who asks.
        count (int): How many to give.
        keep (Sequence[str]): Keys of boxes that the annotator still has.
        num_points (int): Points per box.
        now (float): Seconds since the epoch.
        others (Collection[str]): Keys of boxes that are on another page of
            the same annotator, who keeps them.
        near (Sequence[float], optional): x, y, width, height of the part of
            the image whose boxes are given first.

    Returns:
        list[dict]: States (:func:`box_state`), in the order of a path over
        the image on which the next box is near.
    """
    kept = set(keep)
    for row in connection.execute(
            'SELECT id, key FROM boxes WHERE holder = ?',
            (annotator, )).fetchall():
        if row['key'] not in others:
            connection.execute('UPDATE boxes SET holder = NULL, '
                               'held_until = 0 WHERE id = ?', (row['id'], ))
    rows = connection.execute(
        '''SELECT id, key, x + r.width / 2 AS x, y + r.height / 2 AS y,
                  r.height FROM boxes
           JOIN revisions r ON box_id = id AND r.revision = boxes.revision
           WHERE image_id = ? AND NOT deleted AND held_until < ?
             AND (SELECT count(*) FROM answers a WHERE box_id = id
                  AND a.revision = boxes.revision AND point < ?) < ?''',
        (image_id, now, num_points, num_points)).fetchall()
    rows = _path(rows)
    if near is not None:
        x, y, width, height = near
        rows.sort(key=lambda row: not (x <= row['x'] <= x + width and
                                       y <= row['y'] <= y + height))
    given = [row for row in rows if row['key'] not in kept][:count]
    for row in given + [row for row in rows if row['key'] in kept]:
        hold(connection, row['id'], annotator, now)
    return [box_state(connection, row['id'], num_points) for row in given]


def _path(rows: Sequence[sqlite3.Row]) -> list:
    """Boxes in bands from top to bottom, to and fro."""
    if not rows:
        return []
    heights = sorted(row['height'] for row in rows)
    band = 2 * heights[len(heights) // 2]

    def place(row: sqlite3.Row) -> tuple:
        number = math.floor(row['y'] / band)
        return number, -row['x'] if number % 2 else row['x'], row['id']

    return sorted(rows, key=place)


def hold(connection: sqlite3.Connection, box_id: int, annotator: str,
         now: float) -> None:
    """Keep a box for an annotator from now on."""
    connection.execute(
        'UPDATE boxes SET holder = ?, held_until = ? WHERE id = ?',
        (annotator, now + HOLD_SECONDS, box_id))


def check_held(box: sqlite3.Row, annotator: str, now: float) -> None:
    """Raise ChangeRefused if somebody else has a box."""
    if box['holder'] not in (None, annotator) and box['held_until'] >= now:
        raise ChangeRefused(f'the points of box {box["id"]} are being '
                            f'answered by {box["holder"]}')
