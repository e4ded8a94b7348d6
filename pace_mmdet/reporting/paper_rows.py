"""The rows of the paper's table, filled from what runs left behind."""
import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence

from pace_mmdet.errors import UserError

from .metafile import read_metafile
from .results_tables import COLUMNS, PAPER_CSV, markdown_table
from .run_records import RunRecord, read_run

KINDS = dict(seg='segm', det='bbox')


@dataclass(frozen=True)
class Row:
    """One method trained from so many points per cell.

    Attributes:
        method (str): 'PACE' or 'Point2Mask'.
        points (str): Points per cell, or 'full' for full masks.
        config (Path): Its config.
        work_dir (Path): Where its run works.
        record (RunRecord, optional): Its scores.
        missing (str): Why there is no record; empty if there is one.
    """
    method: str
    points: str
    config: Path
    work_dir: Path
    record: Optional[RunRecord] = None
    missing: str = ''

    @property
    def name(self) -> str:
        """As a reader would say it."""
        what = ('full masks' if self.points == 'full' else
                f'{self.points} point{"s" * (self.points != "1")}')
        return f'{self.method}, {what}'

    def score(self, name: str, kind: str = 'seg') -> Optional[float]:
        """A score in percent; None if there is none.

        Args:
            name (str): 'AP', 'AP50' and so on.
            kind (str): 'seg' or 'det', as the paper's table has it.
        """
        scores = self.record.scores if self.record else {}
        value = scores.get(f'{KINDS[kind]}_{name}', float('nan'))
        return 100 * value if value == value else None


def collect_rows(root: Path,
                 folders: Sequence[str],
                 work_dirs: Path,
                 options: Optional[Dict[str, Any]] = None,
                 points: Optional[Sequence[str]] = None) -> List[Row]:
    """Rows of sets of configs, with the scores of those that were run.

    Args:
        root (Path): The repository.
        folders (Sequence[str]): Folders of ``configs``; the metafile in each
            lists its rows.
        work_dirs (Path): Holds a work directory for each config, of its name.
        options (dict, optional): Settings by dotted key that the runs were
            given beside their configs.
        points (Sequence[str], optional): Which rows, by their number of
            points or 'full'; by default all.

    Returns:
        list[Row]: By method, full masks first, then by number of points.

    Raises:
        UserError: If a metafile is missing, or there is no such row.
    """
    rows = []
    for folder in folders:
        path = Path(root) / 'configs' / folder / 'metafile.yml'
        for model in read_metafile(path)['Models']:
            config = Path(root) / model['Config']
            work_dir = Path(work_dirs) / config.stem
            row = Row(model['In Collection'].split()[0],
                      str(model['Metadata']['Points per Cell']), config,
                      work_dir)
            if points is None or row.points in points:
                rows.append(_with_record(row, options))
    absent = sorted(set(points or ()) - {row.points for row in rows})
    if absent:
        raise UserError(f'configs/{", ".join(folders)}: no row with '
                        f'{", ".join(absent)} points per cell')
    return sorted(rows, key=lambda row: (row.method, row.points != 'full', int(
        row.points) if row.points.isdigit() else 0))


def _with_record(row: Row, options: Optional[Dict[str, Any]]) -> Row:
    try:
        record, missing = read_run(row.work_dir, row.config, options), ''
    except UserError as error:
        record, missing = None, str(error)
    return Row(row.method, row.points, row.config, row.work_dir, record,
               missing)


def read_paper(root: Path) -> Dict[tuple, Dict[str, float]]:
    """The paper's table: scores in percent by (method, points)."""
    with open(Path(root) / PAPER_CSV, encoding='utf-8', newline='') as file:
        return {(row.pop('method'), row.pop('points')):
                {name: float(value) for name, value in row.items()}
                for row in csv.DictReader(file)}


def rows_as_markdown(rows: Sequence[Row], paper: Mapping[tuple, dict]) -> str:
    """A table of our rows beside the paper's.

    Args:
        rows (Sequence[Row]): What :func:`collect_rows` gives.
        paper (Mapping): What :func:`read_paper` gives.
    """
    header = ['method', 'points', 'mask AP', 'of full', 'paper, LIVECell',
              'of full', *(f'mask {name}' for name in COLUMNS[1:]), 'box AP',
              'scored']
    cells = []
    for row in rows:
        ap, full = row.score('AP'), _full(rows, row.method)
        theirs = paper.get((row.method, row.points), {}).get('AP_seg')
        their_full = paper.get((row.method, 'full'), {}).get('AP_seg')
        cells.append([
            row.method, row.points, _number(ap), _share(ap, full),
            _number(theirs), _share(theirs, their_full),
            *(_number(row.score(name)) for name in COLUMNS[1:]),
            _number(row.score('AP', 'det')),
            row.record.scored if row.record else 'not yet'
        ])
    return markdown_table(header, cells)


def rows_as_csv(rows: Sequence[Row], paper: Mapping[tuple, dict]) -> str:
    """All scores of all rows, ours and the paper's; empty where missing."""
    names = [f'{name}_{kind}' for name in COLUMNS for kind in ('det', 'seg')]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator='\n')
    writer.writerow(['method', 'points', 'config', 'scored', 'percent_of_full',
                     *names, *(f'paper_{name}' for name in names)])
    for row in rows:
        ap, full = row.score('AP'), _full(rows, row.method)
        theirs = paper.get((row.method, row.points), {})
        ours = (row.score(*name.split('_')) for name in names)
        writer.writerow([
            row.method, row.points, row.config.name,
            row.record.scored if row.record else '',
            '' if ap is None or not full else f'{100 * ap / full:.2f}',
            *('' if value is None else f'{value:.4f}' for value in ours),
            *(theirs.get(name, '') for name in names)
        ])
    return file.getvalue()


def _full(rows: Sequence[Row], method: str) -> Optional[float]:
    """Mask AP of a method's full-mask row."""
    return next((row.score('AP') for row in rows
                 if row.method == method and row.points == 'full'), None)


def _number(value: Optional[float]) -> str:
    return '-' if value is None else f'{value:.2f}'


def _share(value: Optional[float], full: Optional[float]) -> str:
    return '-' if value is None or not full else f'{100 * value / full:.1f} %'
