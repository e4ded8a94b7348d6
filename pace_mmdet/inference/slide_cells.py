"""The cells of a slide's plane: found tile by tile, merged, kept on disk."""
import json
import secrets
from pathlib import Path
from typing import Callable, Dict, List, Sequence

import numpy as np

from pace_mmdet.files import write_atomically

from .cells import Cells, join_cells, no_cells
from .painting import Band, LabelPlane
from .processes import Share
from .slide_tiles import SlidePlan, TileFinder, read_ahead
from .spool import SpoolIndex, SpoolWriter, read_record
from .stitching import Measured, Stitcher

# Cells that are kept, read and measured together.
_BAND = 2048
# Of what is left, a process takes such a part of its share at once, but no
# less than so small a part of all: blocks of the file at the ends of parts
# are read twice, and all are to end at about the same time.
_PART, _LEAST = 2, 32
_TILES, _CELLS, _SUMMARY = 'tiles-*.log', 'cells.log', 'cells.json'


class PlaneCells:
    """The merged cells of a plane, in bands.

    Args:
        folder (Path): Where :func:`merge_plane` put them.
        height (int): Of the plane, in pixels.
        width (int): The same.

    Attributes:
        joined (int): Cells that were put together from pieces.
        full_tiles (int): Tiles with as many cells as the model can give.
        most_label (int): The highest index of a class.
    """

    def __init__(self, folder: Path, height: int, width: int) -> None:
        self._size = height, width
        about = json.loads((folder / _SUMMARY).read_text(encoding='utf-8'))
        self.joined, self.full_tiles = about['joined'], about['full_tiles']
        self.most_label = about['most_label']
        self._firsts = about['firsts']
        self._records = SpoolIndex(folder, _CELLS).records
        self.scores = np.load(folder / 'scores.npy')
        self.label_plane = LabelPlane(height, width, self.scores, [
            Band(*place, lambda number=number: self.band(number).cells)
            for number, place in enumerate(zip(
                about['firsts'], about['tops'], about['bottoms']))])

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def num_bands(self) -> int:
        """Into how many bands they are divided."""
        return len(self._firsts)

    def first(self, number: int) -> int:
        """How many cells come before a band."""
        return self._firsts[number]

    def band(self, number: int) -> Measured:
        """The cells of a band, with their intensities."""
        return read_record(self._records[number], *self._size)

    def all(self) -> Cells:
        """All of them, in memory."""
        return join_cells([no_cells(*self._size)] + [
            self.band(number).cells for number in range(self.num_bands)])


def find_tiles(finder: TileFinder, folder: Path, share: Share,
               threads: int, on_tile: Callable[[int, int], None],
               on_part: Sequence[Callable[[], None]] = ()) -> int:
    """Find the cells of all tiles that were not done before.

    Args:
        finder (TileFinder): Of the plane.
        folder (Path): Where they are kept.
        share (Share): The processes that share out the tiles.
        threads (int): That read ahead.
        on_tile (Callable): Called with the tiles that are done, as far as is
            known here, and their number.
        on_part (Sequence[Callable]): Called after each part of the work that
            this process has done.

    Returns:
        int: Tiles that were done before.
    """
    groups = finder.groups()
    total = sum(map(len, groups))

    def prepare() -> tuple:
        folder.mkdir(parents=True, exist_ok=True)
        done = set(SpoolIndex(folder, _TILES).records)
        token = secrets.token_hex(4)
        (folder / f'claims-{token}').mkdir()
        left = [number for number, group in enumerate(groups)
                if not done.issuperset(group)]
        return left, token

    left, token = share.first(prepare)
    units = _units([groups[number] for number in left], share.count)
    before = total - sum(len(group) for unit in units for group in unit)
    on_tile(before, total)

    def claimed() -> list:
        done = before
        for number in share.claimed(len(units), folder / f'claims-{token}'):
            # The others have taken those that come before.
            done = before + sum(len(group) for unit in units[:number]
                                for group in unit)
            for group in units[number]:
                done += len(group)
                yield done, group, group is units[number][-1]

    def work() -> None:
        log = SpoolWriter(folder / f'tiles-{token}-{share.rank}.log')
        try:
            for (done, group, is_last), parts in read_ahead(
                    lambda item: [finder.read(index) for index in item[1]],
                    claimed(), threads):
                for index, (found, full) in zip(group,
                                                finder.find(group, parts)):
                    log.append(index, found, int(full))
                on_tile(done, total)
                for call in on_part if is_last else ():
                    call()
        finally:
            log.close()

    share.together(work)
    return before


def _units(groups: Sequence[List[int]],
           count: int) -> List[List[List[int]]]:
    """Runs of groups for so many processes, one after the other, ever
    shorter."""
    least = -(-len(groups) // (count * _LEAST))
    units, start = [], 0
    while start < len(groups):
        size = max((len(groups) - start) // (count * _PART), least)
        units.append(list(groups[start:start + size]))
        start += size
    return units


class Merger:
    """Merges the cells of a plane's tiles, for :class:`PlaneCells`.

    Args:
        finder (TileFinder): Of the plane.
        plan (SlidePlan): The same.
        folder (Path): Where the tiles' cells are.
        height (int): Of the plane, in pixels.
        width (int): The same.
    """

    def __init__(self, finder: TileFinder, plan: SlidePlan, folder: Path,
                 height: int, width: int) -> None:
        self._folder, self._layout = folder, plan.layout
        self._size = height, width
        self._is_done = (folder / _SUMMARY).exists()
        if self._is_done:
            return
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _CELLS).unlink(missing_ok=True)
        self._tiles = SpoolIndex(folder, _TILES)
        self._stitcher = Stitcher(plan.layout, finder.measure)
        self._log = SpoolWriter(folder / _CELLS)
        self._row = self._count = self._most_label = 0
        self._about: Dict[str, List[int]] = dict(firsts=[], tops=[],
                                                 bottoms=[])
        self._waiting: List[Measured] = []
        self._scores = [np.zeros(0)]

    def advance(self) -> None:
        """Take the rows of tiles that are complete by now, in order."""
        if self._is_done:
            return
        self._tiles.update()
        columns, known = len(self._layout.columns), self._tiles.records
        while self._row < len(self._layout.rows):
            row = range(self._row * columns, (self._row + 1) * columns)
            if not known.keys() >= set(row):
                break
            self._waiting.append(self._stitcher.add_row(self._row, [
                read_record(known[index], *self._size) for index in row]))
            self._row += 1
            if sum(map(len, self._waiting)) >= _BAND:
                self._write()

    def _write(self) -> None:
        """Write a band."""
        found = Measured(
            join_cells([part.cells for part in self._waiting]),
            np.concatenate([part.values for part in self._waiting]))
        self._waiting.clear()
        if not len(found):
            return
        boxes, about = found.cells.mask_boxes, self._about
        self._log.append(len(about['firsts']), found)
        about['firsts'].append(self._count)
        about['tops'].append(int(boxes[:, 1].min()))
        about['bottoms'].append(int(boxes[:, 3].max()))
        self._scores.append(found.cells.scores)
        self._count += len(found)
        self._most_label = max(self._most_label,
                               int(found.cells.labels.max()))

    def end(self) -> None:
        """Take the last rows, when all tiles are done."""
        self.advance()
        if self._is_done:
            return
        if self._waiting:
            self._write()
        self._log.close()
        np.save(self._folder / 'scores.npy', np.concatenate(self._scores))
        full = sum(record.note for record in self._tiles.records.values())
        write_atomically(self._folder / _SUMMARY, json.dumps(dict(
            self._about, joined=self._stitcher.joined, full_tiles=full,
            most_label=self._most_label)))
