"""Rounds of training in the project's file.

A round has a number, a folder of that name beside the project's file, and a
state: that of its job (``jobs.py``) as it was last seen.
"""
import sqlite3
import time
from pathlib import Path
from typing import Annotated, Dict, List, Literal, Optional, Union

import msgspec

from .changes import Annotator, Name
from .errors import ChangeRefused, NotFound

FROM_BEST = 'best'
FROM_NOTHING = 'nothing'
DEFAULT_ITERATIONS = 300


class TrainBody(msgspec.Struct, forbid_unknown_fields=True):
    """A wish to train.

    Attributes:
        request: The page's own name for it; the same twice is one round.
        start: The model to go on from: the best so far, none, or the number
            of a round.
        iterations: How long to train.
    """
    request: Name
    annotator: Annotator
    start: Union[Literal['best', 'nothing'], int] = FROM_BEST
    iterations: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = (
        DEFAULT_ITERATIONS)


def models_folder(path: Union[str, Path]) -> Path:
    """Where the models of a project are, beside its file."""
    return Path(path).with_name(f'{Path(path).stem}.models')


def list_rounds(connection: sqlite3.Connection) -> List[dict]:
    """All rounds, the first one first.

    Args:
        connection (sqlite3.Connection): The project.

    Returns:
        list[dict]: ``id``, ``annotator``, ``started_at`` (seconds since the
        epoch), ``state``, ``settings`` and ``outcome`` (with ``checkpoint``,
        below the models' folder, and ``score``, once there are such).
    """
    return [
        dict(row, settings=msgspec.json.decode(row['settings']),
             outcome=msgspec.json.decode(row['outcome']))
        for row in connection.execute(
            'SELECT id, annotator, started_at, state, settings, outcome '
            'FROM rounds ORDER BY id')
    ]


def enter_round(connection: sqlite3.Connection, request: str, annotator: str,
                settings: dict) -> dict:
    """Enter a new round, once.

    Args:
        connection (sqlite3.Connection): The project, in a transaction.
        request (str): Its own name.
        annotator (str): Who wants it.
        settings (dict): What it trains from and on.

    Returns:
        dict: ``id``, and ``is_new``.

    Raises:
        ChangeRefused: If another one is running.
    """
    known = connection.execute('SELECT id FROM rounds WHERE request = ?',
                               (request, )).fetchone()
    if known:
        return dict(id=known['id'], is_new=False)
    running = connection.execute(
        "SELECT id FROM rounds WHERE state = 'running'").fetchone()
    if running:
        raise ChangeRefused(f'round {running["id"]} is being trained; stop '
                            'it or wait for it')
    cursor = connection.execute(
        'INSERT INTO rounds (request, annotator, started_at, settings, '
        "state, outcome) VALUES (?, ?, ?, ?, 'running', '{}')",
        (request, annotator, time.time(),
         msgspec.json.encode(settings).decode()))
    return dict(id=cursor.lastrowid, is_new=True)


def set_round(connection: sqlite3.Connection, round_id: int, state: str,
              outcome: Optional[Dict] = None) -> None:
    """Note how a round stands, and what has come of it."""
    connection.execute('UPDATE rounds SET state = ? WHERE id = ?',
                       (state, round_id))
    if outcome is not None:
        connection.execute(
            'UPDATE rounds SET outcome = ? WHERE id = ?',
            (msgspec.json.encode(outcome).decode(), round_id))


def compared_rounds(rounds: List[dict]) -> List[dict]:
    """The models whose scores can be compared with the latest one's.

    They were scored on the same images or parts of images, which none of them
    was trained on, nor any that they began with (``is_fair``). Rounds of
    before that was noted are compared with none.

    Args:
        rounds (list[dict]): Of :func:`list_rounds`.

    Returns:
        list[dict]: Those with a score, the first one first.
    """
    trained = [row for row in rounds if row['outcome'].get('checkpoint')]
    if not trained:
        return []
    same = trained[-1]['settings'].get('validation')
    return [row for row in trained if row['settings'].get('is_fair')
            and row['settings']['validation'] == same
            and row['outcome'].get('score') is not None]


def best_round(rounds: List[dict]) -> Optional[dict]:
    """The model that proposes: of those that can be compared with the latest
    one the best, the latest if none is better or none can be compared.
    """
    trained = [row for row in rounds if row['outcome'].get('checkpoint')]
    best = max(compared_rounds(rounds), default=None,
               key=lambda row: (row['outcome']['score'], row['id']))
    return best or (trained[-1] if trained else None)


def validation_settings(train: List[dict], val: List[dict],
                        start: Optional[dict]) -> Dict[str, object]:
    """What a round notes of the images that it is scored on.

    Args:
        train (list[dict]): COCO entries of the images that it is trained on.
        val (list[dict]): Of those that are set aside.
        start (dict, optional): The round that it begins with.

    Returns:
        dict: ``validation``: [id, complete] of each that is set aside;
        ``seen``: ids of those that it, or one that it began with, was trained
        on; ``is_fair``: whether none of these saw what it is scored on.
    """
    validation = [[entry['id'], entry.get('complete', True)] for entry in val]
    before = start['settings'] if start else dict(seen=[])
    seen = before.get('seen')  # not known of earlier versions' rounds
    is_fair = seen is not None and (
        not {image for image, _ in validation} & set(seen)
        or (before['is_fair'] and before['validation'] == validation))
    return dict(
        validation=validation, is_fair=is_fair,
        seen=None if seen is None else sorted(
            {*seen, *(entry['id'] for entry in train)}))


def earlier_validations(rounds: List[dict]) -> List[list]:
    """``validation`` of all rounds, the latest first."""
    return [row['settings']['validation'] for row in reversed(rounds)
            if 'validation' in row['settings']]


def round_to_start_from(rounds: List[dict],
                        start: Union[str, int]) -> Optional[dict]:
    """What ``start`` of :class:`TrainBody` means; None for no model.

    Raises:
        NotFound: If there is no such model.
    """
    if start == FROM_NOTHING:
        return None
    if start == FROM_BEST:
        return best_round(rounds)
    for row in rounds:
        if row['id'] == start and row['outcome'].get('checkpoint'):
            return row
    raise NotFound(f'there is no model of a round {start}')
