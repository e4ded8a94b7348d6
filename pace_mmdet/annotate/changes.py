"""What annotators do to a project: boxes and answers.

Each function is a job for the :class:`~pace_mmdet.annotate.writer.Writer`:
it runs inside a transaction and either happens whole or raises.
"""
import sqlite3
from typing import Annotated, List, Literal, Optional, Sequence, Tuple, Union

import msgspec

from .asking import Choose
from .completeness import MAX_REGIONS, mark
from .errors import ChangeRefused, NotFound
from .holding import check_held, hold
from .pixels import keep_answers, points_of_box
from .places import check_box
from .queries import box_state
from .schema import MAX_POINTS

Name = Annotated[str, msgspec.Meta(pattern=r'^[\w.-]{1,64}\Z')]
Annotator = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=3600)]
Rectangle = Annotated[Sequence[float], msgspec.Meta(min_length=4,
                                                    max_length=4)]


class _Change(msgspec.Struct, tag_field='kind', forbid_unknown_fields=True):
    """What all changes have.

    Attributes:
        request: The page's own name for this change; sent again with the
            same name, it happens once.
    """
    request: Name


class _BoxChange(_Change):
    """What changes of a box have.

    Attributes:
        key: The page's own name for the box.
        seconds: Time that it took, without pauses.
    """
    key: Name
    seconds: Seconds


class CreateBox(_BoxChange, tag='create'):
    """A new box: x, y, width, height in continuous image pixels."""
    image: int
    box: Rectangle


class EditBox(_BoxChange, tag='edit'):
    """Another place for a box whose revision is still ``base``."""
    base: int
    box: Rectangle


class SetBox(_BoxChange, tag='set'):
    """Delete a box, or undo and redo: make a revision current."""
    base: int
    revision: int
    deleted: bool


class Answer(_BoxChange, tag='answer'):
    """1 on the cell, 0 off it, -1 skipped, for one point of a revision.

    ``pixel``, x and y, is where the page showed it: refused if the point is
    elsewhere by now.

    ``how`` it came about: the point was asked; what a model thought of it was
    shown and confirmed; or it was asked again, since a model contradicted.
    """
    revision: int
    point: Annotated[int, msgspec.Meta(ge=0)]
    label: Literal[-1, 0, 1]
    how: Literal['asked', 'confirmed', 'again'] = 'asked'
    pixel: Optional[Tuple[int, int]] = None


class MarkImage(_Change, tag='mark'):
    """Say whether an image is complete, or which parts of it are."""
    image: int
    seconds: Seconds
    base: int
    complete: Union[bool, Annotated[List[Rectangle],
                                    msgspec.Meta(max_length=MAX_REGIONS)]]


class AcceptProposal(_BoxChange, tag='accept'):
    """A new box, where a model proposed a cell, moved or not."""
    image: int
    box: Rectangle


class RejectProposal(_BoxChange, tag='reject'):
    """Where a model proposed what is no cell; ``key`` names the place."""
    image: int
    box: Rectangle
    undone: bool = False


Change = Union[CreateBox, EditBox, SetBox, Answer, MarkImage, AcceptProposal,
               RejectProposal]
# Of boxes that a model proposed and an annotator accepted.
MODEL = 'model+'


def apply_change(connection: sqlite3.Connection, change: Change,
                 annotator: str, num_points: int, now: float,
                 choose: Optional[Choose] = None) -> dict:
    """Make one change, once.

    Args:
        connection (sqlite3.Connection): The project, in a transaction.
        change (Change): What to do.
        annotator (str): Who does it.
        num_points (int): Points per box.
        now (float): Seconds since the epoch.
        choose (Callable, optional): Chooses the points of a proposal that is
            accepted, where they are not to be random.

    Returns:
        dict: ``box``: the box after it (:func:`box_state`), and for edits
        ``discarded``: how many answers fewer it has. Or ``image``: its
        id and its :class:`~pace_mmdet.annotate.completeness.State`.

    Raises:
        ChangeRefused: If it makes no sense, or somebody else was first.
        NotFound: If there is no such image or box.
    """
    done = connection.execute('SELECT reply FROM changes WHERE request = ?',
                              (change.request, )).fetchone()
    if done:
        return msgspec.json.decode(done['reply'])
    if isinstance(change, MarkImage):
        state = mark(connection, change.image, change.complete, annotator,
                     change.base)
        reply = dict(image=dict(id=change.image, **state._asdict()))
        _remember(connection, change, annotator, now, reply, change.image)
        return reply
    reply = {}
    if isinstance(change, RejectProposal):
        _reject(connection, change, annotator)
        _remember(connection, change, annotator, now, reply, change.image)
        return reply
    if isinstance(change, (CreateBox, AcceptProposal)):
        by = annotator if isinstance(change, CreateBox) else MODEL + annotator
        box_id = create_box(connection, change.image, change.box, change.key,
                            by)
    else:
        box = _find_box(connection, change.key)
        box_id = box['id']
        if isinstance(change, Answer):
            _answer(connection, box, change, annotator, num_points, now)
        else:
            _check_free(connection, box, change.base, annotator, now)
            before = _count_answers(connection, box_id)
            if isinstance(change, EditBox):
                _edit(connection, box, change.box, annotator)
            else:
                _set(connection, box, change, annotator)
            reply['discarded'] = max(
                before - _count_answers(connection, box_id), 0)
    reply['box'] = box_state(connection, box_id, num_points)
    if choose is not None and isinstance(change, AcceptProposal):
        choose(connection, reply['box'])
    _remember(connection, change, annotator, now, reply,
              reply['box']['image'], box_id)
    return reply


def _remember(connection: sqlite3.Connection, change: Change, annotator: str,
              now: float, reply: dict, image_id: int,
              box_id: Optional[int] = None) -> None:
    """Keep what was answered, so that the change happens once."""
    connection.execute(
        'INSERT INTO changes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
        (change.request, annotator, change.__struct_config__.tag, image_id,
         box_id, getattr(change, 'point', None), change.seconds, now,
         msgspec.json.encode(reply).decode()))


def create_box(connection: sqlite3.Connection,
               image_id: int,
               box: Sequence[float],
               key: str,
               annotator: str,
               box_id: Optional[int] = None,
               imported: bool = False) -> int:
    """Enter a new box.

    Args:
        connection (sqlite3.Connection): The project, in a transaction.
        image_id (int): Its image.
        box (Sequence[float]): x, y, width, height in image pixels.
        key (str): The page's own name for it.
        annotator (str): Who drew it.
        box_id (int, optional): Its id. Defaults to the next one.
        imported (bool): Whether it comes from a file.

    Returns:
        int: Its id, which decides on its points.

    Raises:
        ChangeRefused: If the box is empty or lies outside the image, or its
            key is taken.
        NotFound: If there is no such image.
    """
    image = connection.execute('SELECT width, height FROM images WHERE id = ?',
                               (image_id, )).fetchone()
    if image is None:
        raise NotFound(f'there is no image {image_id}')
    check_box(box, image['width'], image['height'])
    if connection.execute('SELECT 1 FROM boxes WHERE key = ?',
                          (key, )).fetchone():
        raise ChangeRefused(f'there is a box "{key}" already')
    if box_id is None:
        # Ids past 2**53 are no longer exact in a browser.
        last, = connection.execute(
            'SELECT max(id) FROM boxes WHERE id < (1 << 53)').fetchone()
        box_id = max(last or 0, 0) + 1
    connection.execute(
        'INSERT INTO boxes (id, key, image_id, revision, annotator, imported) '
        'VALUES (?, ?, ?, 0, ?, ?)',
        (box_id, key, image_id, annotator, imported))
    connection.execute('INSERT INTO revisions VALUES (?, 0, ?, ?, ?, ?, ?)',
                       (box_id, *box, annotator))
    return box_id


def _find_box(connection: sqlite3.Connection, key: str) -> sqlite3.Row:
    box = connection.execute('SELECT * FROM boxes WHERE key = ?',
                             (key, )).fetchone()
    if box is None:
        raise NotFound('there is no such box')
    return box


def _check_free(connection: sqlite3.Connection, box: sqlite3.Row, base: int,
                annotator: str, now: float) -> None:
    """Refuse to change a box that is somebody else's at the moment."""
    if box['revision'] != base:
        raise ChangeRefused(f'box {box["id"]} was changed by somebody else '
                            'meanwhile')
    check_held(box, annotator, now)
    others = _others(connection, box['id'], base, annotator)
    if others:
        raise ChangeRefused(f'box {box["id"]} has answers by {others}; only '
                            'who gave them can change the box')


def _others(connection: sqlite3.Connection, box_id: int, revision: int,
            annotator: str) -> str:
    """Who else answered, joined to a text; imported answers may have no name,
    and belong to everybody.
    """
    rows = connection.execute(
        'SELECT DISTINCT annotator FROM answers WHERE box_id = ? AND '
        "revision = ? AND annotator NOT IN ('', ?)",
        (box_id, revision, annotator))
    return ', '.join(sorted(row['annotator'] for row in rows))


def _edit(connection: sqlite3.Connection, box: sqlite3.Row,
          place: Sequence[float], annotator: str) -> None:
    if box['deleted']:
        raise ChangeRefused(f'box {box["id"]} was deleted meanwhile')
    image = connection.execute('SELECT width, height FROM images WHERE id = ?',
                               (box['image_id'], )).fetchone()
    check_box(place, image['width'], image['height'])
    # More points than are asked now may once have been answered.
    before = box_state(connection, box['id'], MAX_POINTS)
    last = before['last']
    connection.execute('INSERT INTO revisions VALUES (?, ?, ?, ?, ?, ?, ?)',
                       (box['id'], last + 1, *place, annotator))
    keep_answers(connection, before, last + 1, place)
    connection.execute('UPDATE boxes SET revision = ? WHERE id = ?',
                       (last + 1, box['id']))


def _set(connection: sqlite3.Connection, box: sqlite3.Row, change: SetBox,
         annotator: str) -> None:
    known = connection.execute(
        'SELECT 1 FROM revisions WHERE box_id = ? AND revision = ?',
        (box['id'], change.revision)).fetchone()
    if not known:
        raise NotFound(f'box {box["id"]} has no revision {change.revision}')
    connection.execute(
        'UPDATE boxes SET revision = ?, deleted = ? WHERE id = ?',
        (change.revision, change.deleted, box['id']))


def _count_answers(connection: sqlite3.Connection, box_id: int) -> int:
    """Answers that a box has now, none if it is deleted."""
    count, = connection.execute(
        'SELECT count(*) FROM answers JOIN boxes ON id = box_id AND '
        'answers.revision = boxes.revision WHERE id = ? AND NOT deleted',
        (box_id, )).fetchone()
    return count


def _answer(connection: sqlite3.Connection, box: sqlite3.Row, change: Answer,
            annotator: str, num_points: int, now: float) -> None:
    if box['deleted'] or box['revision'] != change.revision:
        raise ChangeRefused(f'box {box["id"]} was changed meanwhile, and '
                            'its points with it')
    if change.point >= num_points:
        raise NotFound(f'box {box["id"]} has {num_points} points, there is '
                       f'no point {change.point}')
    if change.pixel is not None and tuple(change.pixel) != tuple(
            points_of_box(connection, box_state(connection, box['id'],
                                                num_points))[change.point]):
        raise ChangeRefused(f'point {change.point + 1} of box {box["id"]} is '
                            'another pixel by now')
    place = dict(box=box['id'], revision=change.revision, point=change.point)
    before = connection.execute(
        'SELECT annotator FROM answers WHERE box_id = :box AND revision = '
        ':revision AND point = :point', place).fetchone()
    if before and before['annotator'] not in ('', annotator):
        raise ChangeRefused(
            f'point {change.point + 1} of box {box["id"]} was answered by '
            f'{before["annotator"]}, who alone can change it')
    if not before:
        check_held(box, annotator, now)
    connection.execute(
        'INSERT OR REPLACE INTO answers VALUES (:box, :revision, :point, '
        ':label, :annotator, :how)',
        dict(place, label=change.label, annotator=annotator, how=change.how))
    if not before:
        hold(connection, box['id'], annotator, now)


def _reject(connection: sqlite3.Connection, change: RejectProposal,
            annotator: str) -> None:
    if connection.execute('SELECT 1 FROM images WHERE id = ?',
                          (change.image, )).fetchone() is None:
        raise NotFound(f'there is no image {change.image}')
    connection.execute(
        'INSERT OR REPLACE INTO rejections VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
        (change.key, change.image, *change.box, annotator, change.undone))
