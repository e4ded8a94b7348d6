"""Which images are complete: every cell in them has its box.

Only an annotator can know that, so only an annotator says it, of an image or
of parts of it. It decides what is exported: a cell without a box would be
background to the training.
"""
import json
import sqlite3
from typing import Dict, List, NamedTuple, Sequence, Union

from .errors import ChangeRefused, NotFound
from .places import check_box

MAX_REGIONS = 100

# True, False, or parts [[x, y, width, height], ...] in image pixels.
Complete = Union[bool, List[Sequence[float]]]


class State(NamedTuple):
    """What is known of an image.

    Attributes:
        complete (bool or list): Whether all of it is, or the parts that are,
            as in a point COCO file.
        complete_by (str): Who said so last. Empty where nobody did: in
            projects of version 1, which exported the image as if it were.
        complete_base (int): How often it was said, -1 for never.
    """
    complete: Complete = False
    complete_by: str = ''
    complete_base: int = -1


def read_states(connection: sqlite3.Connection) -> Dict[int, State]:
    """The states of the images that somebody said something of, by id."""
    return {
        row['image_id']: State(json.loads(row['complete']), row['annotator'],
                               row['revision'])
        for row in connection.execute('SELECT * FROM completeness')
    }


def read_state(connection: sqlite3.Connection, image_id: int) -> State:
    """The state of one image."""
    row = connection.execute('SELECT * FROM completeness WHERE image_id = ?',
                             (image_id, )).fetchone()
    if row is None:
        return State()
    return State(json.loads(row['complete']), row['annotator'],
                 row['revision'])


def mark(connection: sqlite3.Connection, image_id: int, complete: Complete,
         annotator: str, base: int) -> State:
    """Say whether an image is complete.

    Args:
        connection (sqlite3.Connection): The project, in a transaction.
        image_id (int): The image.
        complete (bool or list): As of :class:`State`.
        annotator (str): Who says so.
        base (int): The ``complete_base`` that it replaces.

    Returns:
        State: After it.

    Raises:
        ChangeRefused: If somebody else said something meanwhile, or a part
            is none of this image.
        NotFound: If there is no such image.
    """
    image = connection.execute('SELECT * FROM images WHERE id = ?',
                               (image_id, )).fetchone()
    if image is None:
        raise NotFound(f'there is no image {image_id}')
    before = read_state(connection, image_id)
    if before.complete_base != base:
        raise ChangeRefused(f'{before.complete_by or "somebody"} has said '
                            'meanwhile whether this image is complete')
    if not isinstance(complete, bool):
        if not 0 < len(complete) <= MAX_REGIONS:
            raise ChangeRefused(f'{len(complete)} parts of the image, '
                                f'expected 1 to {MAX_REGIONS}')
        for region in complete:
            check_box(region, image['width'], image['height'])
    connection.execute(
        'INSERT OR REPLACE INTO completeness VALUES (?, ?, ?, ?)',
        (image_id, base + 1, json.dumps(complete), annotator))
    return State(complete, annotator, base + 1)
