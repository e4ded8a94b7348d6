"""Reading a project: boxes with their answers and points, progress."""
import sqlite3
from typing import Dict, Iterable, List

from .completeness import read_state

_BOXES = '''
SELECT b.id, b.key, b.image_id, b.revision, b.deleted, b.annotator,
       b.imported, r.x, r.y, r.width, r.height,
       (SELECT max(revision) FROM revisions WHERE box_id = b.id) AS last
FROM boxes b JOIN revisions r ON r.box_id = b.id AND r.revision = b.revision
'''
_ANSWERS = '''
SELECT a.box_id, a.point, a.label, a.annotator, a.how FROM answers a
JOIN boxes b ON b.id = a.box_id AND b.revision = a.revision
'''

_PIXELS = '''
SELECT p.box_id, p.point, p.x, p.y, p.chosen FROM pixels p
JOIN boxes b ON b.id = p.box_id AND b.revision = p.revision
'''


def box_state(connection: sqlite3.Connection, box_id: int,
              num_points: int) -> dict:
    """One box as the page knows it; see :func:`boxes_of_image`."""
    box = connection.execute(_BOXES + 'WHERE b.id = ?', (box_id, )).fetchone()
    answers, pixels = (connection.execute(query + 'WHERE b.id = ?',
                                          (box_id, ))
                       for query in (_ANSWERS, _PIXELS))
    return _states([box], answers, pixels, num_points)[0]


def boxes_of_image(connection: sqlite3.Connection, image_id: int,
                   num_points: int) -> List[dict]:
    """The boxes of an image that are not deleted, by id.

    Args:
        connection (sqlite3.Connection): The project.
        image_id (int): The image.
        num_points (int): Points per box.

    Returns:
        list[dict]: ``id``, ``key``, ``image``, ``revision``, ``last`` (the
        highest revision), ``deleted``, ``by`` (who drew it), ``imported``,
        ``box`` (x, y, width, height in image pixels, unrounded), ``labels``
        (1, 0, -1 or None for each point), and for each point ``answered_by``
        (a name or None), ``answered_how`` ('asked', 'confirmed', 'again' or
        None), ``points_chosen`` ('kept', 'uncertain' or None for a random
        one) and ``points`` (pixels x, y; None for the random ones, see
        :func:`~pace_mmdet.annotate.pixels.points_of_boxes`).
    """
    where = 'WHERE b.image_id = ? AND NOT b.deleted'
    boxes = connection.execute(_BOXES + where + ' ORDER BY b.id',
                               (image_id, )).fetchall()
    answers, pixels = (connection.execute(query + where, (image_id, ))
                       for query in (_ANSWERS, _PIXELS))
    return _states(boxes, answers, pixels, num_points)


def _states(boxes: Iterable[sqlite3.Row], answers: Iterable[sqlite3.Row],
            pixels: Iterable[sqlite3.Row], num_points: int) -> List[dict]:
    states = [
        dict(
            id=box['id'],
            key=box['key'],
            image=box['image_id'],
            revision=box['revision'],
            last=box['last'],
            deleted=bool(box['deleted']),
            by=box['annotator'],
            imported=bool(box['imported']),
            box=[box['x'], box['y'], box['width'], box['height']],
            labels=[None] * num_points,
            answered_by=[None] * num_points,
            answered_how=[None] * num_points,
            points=[None] * num_points,
            points_chosen=[None] * num_points) for box in boxes
    ]
    by_id = {state['id']: state for state in states}
    for answer in answers:
        if answer['point'] < num_points:
            state = by_id[answer['box_id']]
            state['labels'][answer['point']] = answer['label']
            state['answered_by'][answer['point']] = answer['annotator']
            state['answered_how'][answer['point']] = answer['how']
    for pixel in pixels:
        if pixel['point'] < num_points:
            state = by_id[pixel['box_id']]
            state['points'][pixel['point']] = [pixel['x'], pixel['y']]
            state['points_chosen'][pixel['point']] = pixel['chosen']
    return states


def progress(connection: sqlite3.Connection,
             num_points: int) -> Dict[int, dict]:
    """How far each image is.

    Args:
        connection (sqlite3.Connection): The project.
        num_points (int): Points per box.

    Returns:
        dict[int, dict]: By the id of the image: ``boxes``, ``finished``
        (boxes with all points answered), ``answers`` and ``changes`` (how
        many were ever made, by which a page sees that it is outdated).
        Images that nothing was done on are absent.
    """
    rows = connection.execute(
        '''SELECT image_id, count(*) AS boxes, sum(answers = :n) AS finished,
                  sum(answers) AS answers
           FROM (SELECT image_id, (SELECT count(*) FROM answers a
                   WHERE box_id = id AND a.revision = boxes.revision
                   AND point < :n) AS answers
                 FROM boxes WHERE NOT deleted)
           GROUP BY image_id''', dict(n=num_points))
    counts = {
        row['image_id']: dict(boxes=row['boxes'], finished=row['finished'],
                              answers=row['answers'], changes=0)
        for row in rows
    }
    for image_id, changes in connection.execute(
            'SELECT image_id, count(*) FROM changes GROUP BY image_id'):
        counts.setdefault(image_id, dict(boxes=0, finished=0, answers=0))
        counts[image_id]['changes'] = changes
    return counts


def contents_of_image(connection: sqlite3.Connection, image_id: int,
                      num_points: int) -> dict:
    """An image's ``boxes`` (:func:`boxes_of_image`), the number of
    ``changes`` that led to them, and whether it is complete
    (:class:`~pace_mmdet.annotate.completeness.State`).
    """
    changes, = connection.execute(
        'SELECT count(*) FROM changes WHERE image_id = ?',
        (image_id, )).fetchone()
    return dict(boxes=boxes_of_image(connection, image_id, num_points),
                changes=changes,
                **read_state(connection, image_id)._asdict())
