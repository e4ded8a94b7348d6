"""Scores as a text table."""
import io
import math
from dataclasses import dataclass
from typing import Dict, List

from rich import box
from rich.console import Console
from rich.table import Table

from .coco_protocol import METRIC_NAMES


@dataclass(frozen=True)
class ScoreRow:
    """Scores over one group of images.

    Attributes:
        name (str): Of the group.
        images (int): How many.
        cells (int): How many, crowd regions left out.
        scores (Dict[str, float]): ``METRIC_NAMES``, fractions; NaN where
            there is none.
    """
    name: str
    images: int
    cells: int
    scores: Dict[str, float]


def score_table(title: str, rows: List[ScoreRow]) -> str:
    """A table as text: scores in percent with two decimals, as papers do.

    Args:
        title (str): Above the table.
        rows (List[ScoreRow]): In the order to be shown.

    Returns:
        str: Several lines without colour codes.
    """
    table = Table(title=f'{title} (%)', title_justify='left', box=box.SIMPLE)
    table.add_column('images of')
    for column in ('images', 'cells', *METRIC_NAMES):
        table.add_column(column, justify='right')
    for row in rows:
        table.add_row(row.name, f'{row.images}', f'{row.cells}',
                      *(percent(row.scores[name]) for name in METRIC_NAMES))
    console = Console(file=io.StringIO(), width=100, color_system=None)
    console.print(table)
    return console.file.getvalue().rstrip()


def percent(score: float) -> str:
    """A fraction as percent, '-' for a score that does not exist."""
    return '-' if math.isnan(score) else f'{100 * score:.2f}'
