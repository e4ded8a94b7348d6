"""What annotating took, in measured seconds."""
import sqlite3
from typing import TYPE_CHECKING, Dict, List, NamedTuple, Optional, Sequence

from pace_mmdet.points import AnnotationCost

from .errors import NotFound
from .rounds import list_rounds

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAPER = AnnotationCost()


class Effort(NamedTuple):
    """An annotator's time, for one image or all of them.

    Attributes:
        annotator (str): Who; empty for everybody together.
        image (str): Name of the image; empty for all.
        boxes (int): Boxes drawn or corrected that are still there.
        box_seconds (float): Time for them, with what was deleted or undone.
        points (int): Points answered, each counted once.
        point_seconds (float): Time for them, with answers that were changed.
    """
    annotator: str
    image: str
    boxes: int
    box_seconds: float
    points: int
    point_seconds: float

    @property
    def seconds_per_box(self) -> Optional[float]:
        """Seconds for one box, None without boxes."""
        return self.box_seconds / self.boxes if self.boxes else None

    @property
    def seconds_per_point(self) -> Optional[float]:
        """Seconds for one answer, None without answers."""
        return self.point_seconds / self.points if self.points else None

    def row(self) -> dict:
        """All of it, for the page."""
        return dict(self._asdict(), seconds_per_box=self.seconds_per_box,
                    seconds_per_point=self.seconds_per_point)


def measured_efforts(connection: sqlite3.Connection) -> List[Effort]:
    """The time of each annotator on each image.

    The page measures the time between a change and the one before it, and
    cuts pauses (``static/clock.js``). What was imported took no time here.

    Args:
        connection (sqlite3.Connection): The project.

    Returns:
        list[Effort]: By annotator and image.
    """
    rows = connection.execute(
        '''SELECT c.annotator, i.name AS image,
             count(DISTINCT CASE WHEN kind IN ('create', 'edit')
                   AND NOT b.deleted THEN box_id END) AS boxes,
             total(CASE WHEN kind NOT IN ('answer', 'accept', 'reject')
                   THEN seconds END) AS box_seconds,
             count(DISTINCT CASE WHEN kind = 'answer'
                   THEN box_id || ':' || point END) AS points,
             total(CASE WHEN kind = 'answer' THEN seconds END)
               AS point_seconds
           FROM changes c LEFT JOIN boxes b ON b.id = box_id
           JOIN images i ON i.id = c.image_id
           GROUP BY c.annotator, i.id ORDER BY c.annotator, i.name''')
    return [Effort(**dict(row)) for row in rows]


class CellCost(NamedTuple):
    """Whole cells, their points included, between two rounds of training.

    Attributes:
        round (int): The round that learned from them last; 0 for what was
            done before the first.
        drawn (int): Cells with a box drawn by hand.
        drawn_seconds (float): Time for them.
        confirmed (int): Cells that a model proposed and somebody accepted.
        confirmed_seconds (float): Time for them, and for rejecting others.
        score (float, optional): Of the round.
    """
    round: int
    drawn: int
    drawn_seconds: float
    confirmed: int
    confirmed_seconds: float
    score: Optional[float]

    def row(self) -> dict:
        """All of it, for the page."""
        return dict(
            self._asdict(),
            seconds_per_drawn=self.drawn_seconds / self.drawn
            if self.drawn else None,
            seconds_per_confirmed=self.confirmed_seconds / self.confirmed
            if self.confirmed else None)


def measured_rounds(connection: sqlite3.Connection) -> List[CellCost]:
    """What a cell took with each model.

    Args:
        connection (sqlite3.Connection): The project.

    Returns:
        list[CellCost]: Of the time before the first model, then with each.
        Without any there is none.
    """
    known = list_rounds(connection)
    if not known:
        return []
    counts = {
        row['model']: row for row in connection.execute(
            '''SELECT
                 (SELECT count(*) FROM rounds r WHERE r.started_at <= made_at)
                   AS model,
                 count(DISTINCT CASE WHEN NOT by_model AND kind IN
                       ('create', 'edit') THEN box_id END) AS drawn,
                 total(CASE WHEN NOT by_model THEN seconds END)
                   AS drawn_seconds,
                 count(DISTINCT CASE WHEN kind = 'accept' THEN box_id END)
                   AS confirmed,
                 total(CASE WHEN by_model THEN seconds END)
                   AS confirmed_seconds
               FROM (SELECT c.*, kind = 'reject' OR coalesce(
                       b.annotator LIKE 'model+%', 0) AS by_model
                     FROM changes c LEFT JOIN boxes b ON b.id = c.box_id
                     WHERE kind != 'mark' AND NOT coalesce(b.deleted, 0))
               GROUP BY model''')
    }
    costs = []
    for number, row in enumerate([None, *known]):
        found = counts.get(number)
        done = (tuple(found)[1:] if found else (0, 0.0, 0, 0.0))
        costs.append(CellCost(row['id'] if row else 0, *done,
                              row['outcome'].get('score') if row else None))
    return costs


def total_effort(efforts: Sequence[Effort], annotator: str = '') -> Effort:
    """Sum of efforts, of one annotator or of all of them."""
    chosen = [e for e in efforts if annotator in ('', e.annotator)]
    return Effort(annotator, '', *(sum(column) for column in zip(
        (0, 0.0, 0, 0.0), *(effort[2:] for effort in chosen))))


def measured_cost(efforts: Sequence[Effort]) -> Optional[AnnotationCost]:
    """The project's own cost of a cell, or None before it is measured.

    A mask's time is not measured: it is the paper's.
    """
    total = total_effort(efforts)
    if total.seconds_per_box is None or total.seconds_per_point is None:
        return None
    return AnnotationCost(total.seconds_per_box, total.seconds_per_point,
                          PAPER.seconds_per_mask)


def cost_table(efforts: Sequence[Effort],
               rounds: Sequence[CellCost] = ()) -> Dict[str, list]:
    """Rows for the page: by annotator and image, by annotator, in total, and
    by round of training.
    """
    names = sorted({effort.annotator for effort in efforts})
    return dict(
        rows=[effort.row() for effort in efforts],
        annotators=[total_effort(efforts, name).row() for name in names],
        total=total_effort(efforts).row(),
        rounds=[row.row() for row in rounds])


def measured_cost_figure(efforts: Sequence[Effort]) -> 'Figure':
    """The paper's Fig. 2 beside the same of this project's own times.

    Raises:
        NotFound: If no box or no point was timed yet.
    """
    # It loads Matplotlib, which takes longer than to start the server.
    from pace_mmdet.points.cost_figures import compared_cost_figure

    cost = measured_cost(efforts)
    if cost is None:
        raise NotFound('no times yet: draw a box and answer a point first')
    return compared_cost_figure({'this project': cost, 'paper': PAPER})
