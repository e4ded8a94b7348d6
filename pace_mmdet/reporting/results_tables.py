"""Tables of results for docs/results.md: the paper's and ours, never mixed.

The paper's stand in one CSV, ours in the metafiles; the page repeats them
between the marks ``<!-- begin: NAME -->`` and ``<!-- end: NAME -->``, where
:func:`fill_blocks` writes them.
"""
import csv
import re
import statistics
from pathlib import Path
from typing import Callable, Dict, List, Optional, Sequence

from pace_mmdet.errors import UserError
from pace_mmdet.points import AnnotationCost

from .annotation_loop import loop_table
from .arena import arena_table
from .metafile import read_metafile
from .tables import markdown_table

PAPER_CSV = Path(__file__).with_name('table1_paper.csv')
COLUMNS = ('AP', 'AP50', 'AP75', 'APs', 'APm', 'APl')
NO_RUNS = '*No run of these configs has been recorded yet.*'

_BLOCK = re.compile(
    r'(<!-- begin: (?P<name>[\w-]+) -->\n)(?P<old>.*?)'
    r'(<!-- end: (?P=name) -->)', re.DOTALL)
_MARK = re.compile(r'<!-- (?:begin|end): ')


def paper_table() -> str:
    """Table 1 of the paper, its mask columns and box AP, as Markdown."""
    with open(PAPER_CSV, encoding='utf-8', newline='') as file:
        rows = list(csv.DictReader(file))
    full = {row['method']: float(row['AP_seg']) for row in rows
            if row['points'] == 'full'}
    cells = [[
        row['method'], row['points'],
        _time(row['points']), row['AP_seg'],
        _share(float(row['AP_seg']), full[row['method']]),
        *(row[f'{name}_seg'] for name in COLUMNS[1:]), row['AP_det']
    ] for row in rows]
    return markdown_table(_header(), cells) + (
        f'\n\nThe paper\'s figures, on LIVECell\'s test set; all of its '
        f'columns are in [{PAPER_CSV.name}]'
        f'(../pace_mmdet/reporting/{PAPER_CSV.name}).')


def results_table(root: Path, folders: Sequence[str],
                  start: str = '') -> str:
    """Our recorded results as Markdown.

    Args:
        root (Path): The repository.
        folders (Sequence[str]): Folders of ``configs`` whose metafiles are
            read.
        start (str): Only results from starts whose name begins so; by default
            all, each start in a row of its own.

    Returns:
        str: A table, and below it how the runs were made; or a sentence if
        there is no run.
    """
    rows = _recorded(root, folders, start)
    if not rows:
        return NO_RUNS
    cells = [[
        *_first_cells(row),
        *_with_share(row, rows, 'mask AP'),
        *(_with_spread(row, f'mask {name}') for name in COLUMNS[1:]),
        _with_spread(row, 'box AP')
    ] for row in rows]
    return f'{markdown_table(_header(), cells)}\n\n{_how_made(rows)}'


def supervision_table(root: Path, folders: Sequence[str]) -> str:
    """What kinds of supervision give, from one start that finds cells.

    Args:
        root (Path): The repository.
        folders (Sequence[str]): Folders of ``configs`` whose metafiles are
            read.

    Returns:
        str: A table; below it how the runs were made, and which rows are
        missing.
    """
    rows = _recorded(root, folders, 'boxes')
    done = {row['Name'] for row in rows}
    missing = [model['Name'] for model in _models(root, folders)
               if model['Name'] not in done]
    named = (f'Not run yet: {", ".join(missing)}.' if missing else
             'No row is missing.')
    if not rows:
        return f'{NO_RUNS} {named}'
    header = ['method', 'points', 'time', 'seeds', 'mask IoU', 'of full',
              'IoU >= 0.75', 'boundary IoU', 'mask AP', 'of full', 'box AP']
    cells = [[
        *_first_cells(row),
        ', '.join(map(str, row['Seeds'])),
        *_with_share(row, rows, 'mask IoU'),
        _with_spread(row, 'mask IoU >= 0.75'),
        _with_spread(row, 'mask boundary IoU'),
        *_with_share(row, rows, 'mask AP'),
        _with_spread(row, 'box AP')
    ] for row in rows]
    return (f'{markdown_table(header, cells)}\n\n{_how_made(rows)}\n\n'
            f'{named}')


SUPERVISION = ('livecell_small', 'usiigaci', 'hela')

BLOCKS: Dict[str, Callable[[Path], str]] = {
    'annotation-loop': loop_table,
    'arena': arena_table,
    'paper-table': lambda root: paper_table(),
    'results-hela': lambda root: results_table(root, ['hela'], 'scratch'),
    'supervision': lambda root: supervision_table(root, SUPERVISION),
    'results-livecell': lambda root: results_table(root,
                                                   ['point2mask', 'pace']),
}


def fill_blocks(text: str, root: Path) -> str:
    """Write the tables between their marks.

    Args:
        text (str): Markdown, such as that of docs/results.md.
        root (Path): The repository.

    Returns:
        str: The same with every marked block as it should be.

    Raises:
        UserError: If a mark has no partner or no known name.
    """
    found = [match['name'] for match in _BLOCK.finditer(text)]
    unknown = sorted(set(found) - set(BLOCKS))
    if unknown or 2 * len(found) != len(_MARK.findall(text)):
        raise UserError(
            'a mark of a generated table has no partner or an unknown name '
            f'({unknown}); expected <!-- begin: NAME --> ... <!-- end: NAME '
            f'--> with a NAME of {sorted(BLOCKS)}')
    return _BLOCK.sub(
        lambda match: f'{match[1]}{BLOCKS[match["name"]](root)}\n{match[4]}',
        text)


def _header() -> List[str]:
    return [
        'method', 'points', 'time', 'mask AP', 'of full',
        *(f'mask {name}' for name in COLUMNS[1:]), 'box AP'
    ]


def _time(points: str) -> str:
    """Annotation time as a share of drawing masks (the paper's Fig. 2)."""
    if points == 'full':
        return '100 %'
    return f'{100 * AnnotationCost().fraction(int(points)):.1f} %'


def _share(score: float, full: Optional[float]) -> str:
    return f'{100 * score / full:.1f} %' if full else '-'


def _models(root: Path, folders: Sequence[str]) -> List[dict]:
    return [model for folder in folders for model in read_metafile(
        Path(root) / 'configs' / folder / 'metafile.yml')['Models']]


def _recorded(root: Path, folders: Sequence[str], start: str) -> List[dict]:
    """Models with their scores from one start each."""
    rows = []
    for model in _models(root, folders):
        by_start: Dict[str, List[dict]] = {}
        for result in model.get('Results', ()):
            by_start.setdefault(result['Start'], []).append(result)
        for name, results in sorted(by_start.items()):
            if not name.startswith(start):
                continue
            row = {**model, **results[0], 'Metrics': {}, 'Spread': {}}
            for result in results:
                for key in ('Metrics', 'Spread'):
                    row[key].update(result.get(key, {}))
            rows.append(row)
    return rows


def _first_cells(row: dict) -> List[str]:
    points = f'{row["Metadata"]["Points per Cell"]}'
    return [f'[{row["Name"]}](../{row["Config"]})', points, _time(points)]


def _with_share(row: dict, rows: Sequence[dict], name: str) -> List[str]:
    """A score and its share of what full masks give, from the same start.

    Where single runs are on record, those of the same seed are compared, and
    the standard deviation of their shares is given.
    """
    full = next((other for other in rows
                 if other['Metadata']['Points per Cell'] == 'full'
                 and other['In Collection'] == row['In Collection']
                 and other['Start'] == row['Start']), None)
    cells = [_with_spread(row, name), '-']
    if full is None or name not in row['Metrics']:
        return cells
    scores, best = _by_seed(row, name), _by_seed(full, name)
    seeds = set(scores) & set(best)
    if seeds and all(best[seed] for seed in seeds):
        shares = [100 * scores[seed] / best[seed] for seed in sorted(seeds)]
        spread = (f' ± {statistics.stdev(shares):.1f}'
                  if len(shares) > 1 and row is not full else '')
        cells[1] = f'{statistics.mean(shares):.1f}{spread} %'
    elif not (scores and best):
        cells[1] = _share(row['Metrics'][name], full['Metrics'].get(name))
    return cells


def _by_seed(row: dict, name: str) -> Dict[int, float]:
    return {run['Seed']: run['Scores'][name] for run in row.get('Runs', ())
            if run['Start'] == row['Start'] and name in run['Scores']}


def _with_spread(row: dict, name: str) -> str:
    mean, spread = row['Metrics'].get(name), row['Spread'].get(name)
    if mean is None:
        return '-'
    return f'{mean:.2f}' if spread is None else f'{mean:.2f} ± {spread:.2f}'


_STARTS = dict(scratch='', imagenet=', from ImageNet weights of the backbone',
               coco=', from COCO weights',
               boxes=', from a model trained on boxes alone')


def _how_made(rows: List[dict]) -> str:
    """One line for each way in which runs were made."""
    ways: Dict[str, List[str]] = {}
    for row in rows:
        seeds = ', '.join(map(str, row['Seeds']))
        kind, _, digest = row['Start'].partition(' ')
        way = (f'{row["Dataset"]}; {row["Scored"]} after {row["Iterations"]} '
               f'iterations on {row["Hardware"]}')
        way += _STARTS.get(kind, f', from {kind}')
        way += f' ({digest}); ' if digest else '; '
        way += (f'mean ± standard deviation of seeds {seeds}'
                if len(row['Seeds']) > 1 else f'one run, seed {seeds}')
        ways.setdefault(way, []).append(row['Name'])
    if len(ways) == 1:
        return f'{next(iter(ways))}.'
    return '\n'.join(f'- {", ".join(names)}: {way}.'
                     for way, names in ways.items())
