"""The rows of the paper's table, filled from what runs left behind."""
import csv
import io
import statistics
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence

from pace_mmdet.engine.configuring import read_config
from pace_mmdet.engine.options import merge_options
from pace_mmdet.errors import UserError
from pace_mmdet.evaluation.mask_quality import MEASURES

from .metafile import read_metafile, recorded_runs
from .results_tables import COLUMNS, PAPER_CSV
from .run_records import RunRecord, read_run
from .starts import Start, parse_start
from .tables import markdown_table

# The rows that a comparison needs first, in this order.
_FIRST = ('full', '4', '1', '8')
# Parts of a config that decide, beside data and length, what is learned.
_LEARNING = ('model', 'optim_wrapper', 'param_scheduler')


@dataclass(frozen=True)
class Row:
    """One run of a method trained from so many points per cell.

    Attributes:
        method (str): 'PACE' or 'Point2Mask'.
        cells (str): The folder of ``configs`` that it is in.
        points (str): Points per cell, or 'full' for full masks.
        config (Path): Its config.
        work_dir (Path): Where its run works.
        seed (int): Of the run.
        start (Start): Of the weights, as far as it is known before.
        record (RunRecord, optional): Its scores.
        missing (str): Why there is no record; empty if there is one.
    """
    method: str
    cells: str
    points: str
    config: Path
    work_dir: Path
    seed: int = 0
    start: Start = Start('scratch')
    record: Optional[RunRecord] = None
    missing: str = ''

    @property
    def name(self) -> str:
        """As a reader would say it."""
        what = ('full masks' if self.points == 'full' else
                f'{self.points} point{"s" * (self.points != "1")}')
        return f'{self.method}, {what}, {self.cells}, seed {self.seed}'

    @property
    def is_complete(self) -> bool:
        """Whether it has a test's scores, not only a validation's, and its
        masks were measured in true boxes."""
        return (self.record is not None
                and self.record.scored.startswith('test')
                and 'quality_IoU' in self.record.scores)

    def score(self, name: str) -> Optional[float]:
        """A score of the record, in percent; None if there is none."""
        scores = self.record.scores if self.record else {}
        value = scores.get(name, float('nan'))
        return 100 * value if value == value else None


def collect_rows(root: Path,
                 folders: Sequence[str],
                 work_dirs: Path,
                 options: Optional[Dict[str, Any]] = None,
                 points: Optional[Sequence[str]] = None,
                 start: Optional[str] = None,
                 seeds: Sequence[int] = (0, ),
                 methods: Optional[Sequence[str]] = None) -> List[Row]:
    """Rows of sets of configs, with the scores of those that were run.

    Scores are those of the work directory, else those on record in the
    metafile, so that a fresh clone goes on where the recorded results end.

    Args:
        root (Path): Holds ``configs``.
        folders (Sequence[str]): Folders of ``configs``; the metafile in each
            lists its rows.
        work_dirs (Path): Holds a work directory for each run.
        options (dict, optional): Settings by dotted key that the runs were
            given beside their configs.
        points (Sequence[str], optional): Which rows, by their number of
            points or 'full'; by default all.
        start (str, optional): What the runs start from, see
            :func:`~pace_mmdet.reporting.starts.parse_start`.
        seeds (Sequence[int]): Of the runs.
        methods (Sequence[str], optional): By default all.

    Returns:
        list[Row]: In the order in which they are worth running: the rows that
        the comparison needs, PACE first, one seed after the other.

    Raises:
        UserError: If a metafile is missing, or there is no such row.
    """
    rows = []
    for folder in folders:
        path = Path(root) / 'configs' / folder / 'metafile.yml'
        for model in read_metafile(path)['Models']:
            config = Path(root) / model['Config']
            count = str(model['Metadata']['Points per Cell'])
            method = model['In Collection'].split()[0]
            if points is not None and count not in points or (
                    methods is not None and method not in methods):
                continue
            begin = parse_start(start, config)
            for seed in seeds:
                row = Row(method, folder, count, config,
                          Path(work_dirs) / _run_name(config, begin, seed),
                          seed, begin)
                rows.append(_with_record(row, model, options or {}))
    absent = sorted(set(points or ()) - {row.points for row in rows})
    if absent:
        raise UserError(f'configs/{", ".join(folders)}: no row with '
                        f'{", ".join(absent)} points per cell')
    return sorted(rows, key=lambda row: (
        row.points not in _FIRST, row.method != 'PACE', row.seed,
        folders.index(row.cells), _place(row.points)))


def _run_name(config: Path, start: Start, seed: int) -> str:
    """The name of a run's work directory: the config's, where it can be."""
    return (config.stem + '_from_boxes' * (start.kind == 'boxes') +
            f'_seed{seed}' * (seed != 0))


def _place(points: str) -> int:
    return (_FIRST.index(points) if points in _FIRST else
            len(_FIRST) + int(points))


def _with_record(row: Row, model: dict, options: Dict[str, Any]) -> Row:
    settings = {**row.start.options(row.config), **options}
    try:
        record, missing = read_run(row.work_dir, row.config, settings,
                                   row.start), ''
    except UserError as error:
        cfg = read_config(row.config)
        merge_options(cfg, settings, allow_new=True)
        recorded = ([] if changed_parts(row.config, options) else
                    recorded_runs(model))
        record = next(
            (run for run in recorded
             if run.seed == row.seed and run.start.agrees(row.start)
             and run.iterations == cfg.train_cfg.max_iters), None)
        missing = '' if record else str(error)
    return replace(row, record=record, missing=missing)


def changed_parts(config: Path, options: Dict[str, Any]) -> List[str]:
    """Parts of a config by which a run with these options learns otherwise.

    Metafiles record runs of the configs as they are.

    Args:
        config (Path): Of a row.
        options (dict): Settings by dotted key.
    """
    before, after = read_config(config), read_config(config)
    # The schedule follows the length.
    length = {key: value for key, value in options.items()
              if key == 'train_cfg.max_iters'}
    for cfg, some in ((before, length), (after, options)):
        merge_options(cfg, some, allow_new=True)
    return [part for part in _LEARNING if before.get(part) != after.get(part)]


def read_paper() -> Dict[tuple, Dict[str, float]]:
    """The paper's table: scores in percent by (method, points)."""
    with open(PAPER_CSV, encoding='utf-8', newline='') as file:
        return {(row.pop('method'), row.pop('points')):
                {name: float(value) for name, value in row.items()}
                for row in csv.DictReader(file)}


def rows_as_markdown(rows: Sequence[Row], paper: Mapping[tuple, dict]) -> str:
    """A table of our rows beside the paper's, mean and spread over seeds.

    Args:
        rows (Sequence[Row]): What :func:`collect_rows` gives.
        paper (Mapping): What :func:`read_paper` gives.
    """
    header = ['method', 'cells', 'points', 'start', 'seeds', 'mask AP',
              'of full', 'mask IoU', 'of full', 'paper, LIVECell', 'of full',
              *(f'mask {name}' for name in COLUMNS[1:]), 'box AP', 'scored']
    cells = []
    for (method, folder, points), runs in by_line(rows).items():
        theirs = paper.get((method, points), {}).get('AP_seg')
        their_full = paper.get((method, 'full'), {}).get('AP_seg')
        found = [row for row in runs if row.record]
        cells.append([
            method, folder, points,
            ', '.join(sorted({str(row.record.start) for row in found})) or '-',
            ', '.join(str(row.seed) for row in found) or '-',
            *(text for name in ('segm_AP', 'quality_IoU') for text in (
                _spread(scores_of(runs, name)),
                _spread(shares_of_full(rows, runs, name), ' %', 1))),
            _spread([] if theirs is None else [theirs]),
            _spread([] if theirs is None else [100 * theirs / their_full],
                    ' %', 1),
            *(_spread(scores_of(runs, f'segm_{name}'))
              for name in COLUMNS[1:]),
            _spread(scores_of(runs, 'bbox_AP')),
            ', '.join(sorted({row.record.scored for row in found}))
            or 'not yet'
        ])
    return markdown_table(header, cells)


def rows_as_csv(rows: Sequence[Row], paper: Mapping[tuple, dict]) -> str:
    """All scores of all runs, ours and the paper's; empty where missing."""
    names = [f'{name}_{kind}' for name in COLUMNS for kind in ('det', 'seg')]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator='\n')
    writer.writerow([
        'method', 'cells', 'points', 'config', 'seed', 'start', 'scored',
        'percent_of_full', *names, *MEASURES,
        *(f'paper_{name}' for name in names)
    ])
    for row in rows:
        theirs = paper.get((row.method, row.points), {})
        kinds = dict(seg='segm', det='bbox')
        keys = [f'{kinds[name.split("_")[1]]}_{name.split("_")[0]}'
                for name in names]
        ours = (row.score(key) for key in
                [*keys, *(f'quality_{name}' for name in MEASURES)])
        share = shares_of_full(rows, [row], 'segm_AP')
        writer.writerow([
            row.method, row.cells, row.points, row.config.name, row.seed,
            row.record.start if row.record else '',
            row.record.scored if row.record else '',
            f'{share[0]:.2f}' if share else '',
            *('' if value is None else f'{value:.4f}' for value in ours),
            *(theirs.get(name, '') for name in names)
        ])
    return file.getvalue()


def by_line(rows: Sequence[Row]) -> Dict[tuple, List[Row]]:
    """Runs that differ in their seed only, by (method, cells, points)."""
    lines: Dict[tuple, List[Row]] = {}
    for row in sorted(rows, key=lambda row: (
            row.method, row.cells, row.points != 'full',
            int(row.points) if row.points.isdigit() else 0, row.seed)):
        lines.setdefault((row.method, row.cells, row.points), []).append(row)
    return lines


def scores_of(rows: Sequence[Row], name: str) -> List[float]:
    """A score of those rows that have it, in percent."""
    scores = (row.score(name) for row in rows)
    return [score for score in scores if score is not None]


def shares_of_full(rows: Sequence[Row], runs: Sequence[Row],
                   name: str) -> List[float]:
    """Scores in percent of what full masks give.

    Each run is compared with that of full masks which has the same method,
    cells and seed, and began from the same weights; without one it is left
    out.

    Args:
        rows (Sequence[Row]): All rows, those with full masks among them.
        runs (Sequence[Row]): The runs that are asked for.
        name (str): The score, such as 'segm_AP'.
    """
    full = {(row.method, row.cells, row.seed, row.record.start): score
            for row in rows if row.points == 'full' and row.record
            and (score := row.score(name))}
    return [
        100 * row.score(name) /
        full[row.method, row.cells, row.seed, row.record.start]
        for row in runs if row.record and row.score(name) is not None and
        (row.method, row.cells, row.seed, row.record.start) in full
    ]


def _spread(values: Sequence[float], unit: str = '', digits: int = 2) -> str:
    """Mean, and standard deviation of several values."""
    if not values:
        return '-'
    mean = f'{statistics.mean(values):.{digits}f}'
    if len(values) > 1:
        mean += f' ± {statistics.stdev(values):.{digits}f}'
    return mean + unit
