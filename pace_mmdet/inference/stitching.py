"""From the cells of tiles to those of a slide, one row of tiles at a time.

The rules are those of :mod:`.merging`, and so is the result, to the last
cell and its number. But a cell is settled, and let go, as soon as nothing of
the rows to come can touch what it depends on; so what is held are the cells
of about two rows of tiles, however large the slide is.
"""
from dataclasses import dataclass, replace
from typing import Callable, List, Sequence

import numpy as np

from .cells import Cells, join_cells
from .merging import (belonging, best_of, connected, piece_links, same_cells,
                      shown, union)
from .tiling import Layout

# Places of pieces that were joined come after all others.
_AFTER = 1 << 62


@dataclass(frozen=True)
class Measured:
    """Cells, each with what was measured of it.

    Attributes:
        cells (Cells): N cells.
        values (ndarray): float64, shape (N, V).
    """
    cells: Cells
    values: np.ndarray

    def __len__(self) -> int:
        return len(self.cells)

    def __getitem__(self, rows) -> 'Measured':
        return replace(self, cells=self.cells[rows], values=self.values[rows])


@dataclass(frozen=True)
class _Held:
    """Cells that are not settled.

    Attributes:
        found (Measured): N cells.
        order (ndarray): Their place in the order in which :mod:`.merging`
            would have them, int64, shape (N, ).
        tile (ndarray): Number of the tile that each is from, (N, ).
    """
    found: Measured
    order: np.ndarray
    tile: np.ndarray

    def __getitem__(self, rows) -> '_Held':
        return _Held(self.found[rows], self.order[rows], self.tile[rows])

    def __len__(self) -> int:
        return len(self.order)

    @property
    def cells(self) -> Cells:
        return self.found.cells

    def top(self, otherwise: float) -> float:
        """Where the first begins, or a row if that comes before."""
        return min(self.cells.corners[:, 1].min(initial=1 << 62), otherwise)


class Stitcher:
    """Takes the rows of a slide's tiles, gives the cells in reading order.

    Args:
        layout (Layout): The tiles.
        measure (Callable): Measures cells that were put together from
            pieces: from N cells to float64, shape (N, V).

    Attributes:
        joined (int): How many there were so far.
    """

    def __init__(self, layout: Layout,
                 measure: Callable[[Cells], np.ndarray]) -> None:
        self.layout = layout
        self.measure = measure
        self.joined = 0
        self._seen = 0
        self._pieces: List[_Held] = []
        self._unsure: List[_Held] = []
        self._last: List[_Held] = []
        self._given = 0

    def add_row(self, row: int, tiles: Sequence[Measured]) -> Measured:
        """Take the next row.

        Args:
            row (int): Its number; the rows come one after the other.
            tiles (Sequence[Measured]): The cells of each of its tiles that
                belong there, in pixels of the slide.

        Returns:
            Measured: Further cells of the slide, in reading order: by the
            row, then the column where their boxes of pixels begin.
        """
        first = row * len(self.layout.columns)
        # No cell of the rows to come begins above.
        edge = (self.layout.rows[row + 1][0]
                if row + 1 < len(self.layout.rows) else float('inf'))
        wholes, cuts = [], []
        for index, found in enumerate(tiles, first):
            _, whole = belonging(found.cells, index, self.layout)
            order = self._seen + np.arange(len(found))
            self._seen += len(found)
            new = _Held(found, order, np.full(len(found), index))
            wholes.append(new[whole])
            cuts.append(new[~whole])
        new, edge = self._join(_joined([*self._pieces, *cuts]), edge)
        new, edge = self._choose(
            _joined([*self._unsure, *wholes, *new]), edge)
        return self._arrange(_joined([*self._last, new]), edge)

    def _join(self, held: _Held, edge: float) -> tuple:
        """Join the pieces of cells that no tile sees whole."""
        links = piece_links(held.cells, held.tile, self.layout)
        groups = connected(links, len(held))
        done = _settled(groups, held, edge)
        sizes = np.bincount(groups)
        alone = done & (sizes[groups] == 1)
        new = [held[alone]]
        for group in np.flatnonzero(sizes > 1):
            rows = np.flatnonzero(groups == group)
            if done[rows[0]]:
                cell = union(held.cells[rows])
                new.append(_Held(
                    Measured(cell, self.measure(cell)),
                    held.order[rows[:1]] + _AFTER, held.tile[rows[:1]]))
                self.joined += 1
        rest = held[~done]
        self._pieces = [rest]
        return new, rest.top(edge)

    def _choose(self, held: _Held, edge: float) -> tuple:
        """Of cells that lie on one another, leave the best scoring one."""
        held = held[np.argsort(held.order)]
        same = same_cells(held.cells)
        done = _settled(connected(same, len(held)), held, edge)
        best = best_of(held.cells, same)
        rest = held[~done]
        self._unsure = [rest]
        return held[done & best], rest.top(edge)

    def _arrange(self, held: _Held, edge: float) -> Measured:
        """Give what comes next in reading order and is not hidden.

        What was given is held for as long as it may hide others.
        """
        x1, y1, _, y2 = held.cells.mask_boxes.T
        held = held[np.lexsort((held.order, x1, y1))]
        seen = shown(held.cells)
        ends = held.cells.mask_boxes[:, 3]
        waiting = np.flatnonzero(ends > edge)
        upto = waiting[0] if len(waiting) else len(held)
        upto = max(upto, self._given)
        given = held.found[self._given:upto][seen[self._given:upto]]
        next_row = held[upto:].top(edge)
        kept = np.arange(len(held)) >= upto
        kept |= ends > next_row
        self._given = int(kept[:upto].sum())
        self._last = [held[kept]]
        return given


def _settled(groups: np.ndarray, held: _Held, edge: float) -> np.ndarray:
    """Which cells are in groups that end above a row, bool, shape (N, )."""
    ends = held.cells.mask_boxes[:, 3]
    last = np.zeros(groups.max(initial=-1) + 1, np.int64)
    np.maximum.at(last, groups, ends)
    return last[groups] <= edge


def _joined(parts: Sequence[_Held]) -> _Held:
    return _Held(
        Measured(join_cells([part.cells for part in parts]),
                 np.concatenate([part.found.values for part in parts])),
        np.concatenate([part.order for part in parts]),
        np.concatenate([part.tile for part in parts]))
