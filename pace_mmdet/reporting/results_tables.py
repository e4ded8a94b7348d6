"""Tables of results for docs/results.md: the paper's and ours, never mixed.

The paper's stand in one CSV, ours in the metafiles; the page repeats them
between the marks ``<!-- begin: NAME -->`` and ``<!-- end: NAME -->``, where
:func:`fill_blocks` writes them.
"""
import csv
import re
from pathlib import Path
from typing import Callable, Dict, List, Sequence, Tuple

from pace_mmdet.errors import UserError
from pace_mmdet.points import AnnotationCost

from .metafile import read_metafile

PAPER_CSV = 'docs/results/table1_paper.csv'
COLUMNS = ('AP', 'AP50', 'AP75', 'APs', 'APm', 'APl')
NO_RUNS = '*No run of these configs has been recorded yet.*'

_BLOCK = re.compile(
    r'(<!-- begin: (?P<name>[\w-]+) -->\n)(?P<old>.*?)'
    r'(<!-- end: (?P=name) -->)', re.DOTALL)
_MARK = re.compile(r'<!-- (?:begin|end): ')


def paper_table(root: Path) -> str:
    """Table 1 of the paper, its mask columns and box AP, as Markdown."""
    with open(Path(root) / PAPER_CSV, encoding='utf-8', newline='') as file:
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
        f'columns are in [{PAPER_CSV}](../{PAPER_CSV}).')


def results_table(root: Path, folders: Sequence[str]) -> str:
    """Our recorded results as Markdown.

    Args:
        root (Path): The repository.
        folders (Sequence[str]): Folders of ``configs`` whose metafiles are
            read.

    Returns:
        str: A table, and below it how the runs were made; or a sentence if
        there is no run.
    """
    models = [
        dict(model, folder=folder) for folder in folders for model in
        read_metafile(Path(root) / 'configs' / folder / 'metafile.yml'
                      )['Models'] if model.get('Results')
    ]
    if not models:
        return NO_RUNS
    full = {
        model['In Collection']: _metric(model, 'mask AP')[0]
        for model in models if model['Metadata']['Points per Cell'] == 'full'
    }
    cells = [[
        f'[{model["Name"]}](../{model["Config"]})',
        f'{model["Metadata"]["Points per Cell"]}',
        _time(f'{model["Metadata"]["Points per Cell"]}'),
        _with_spread(model, 'mask AP'),
        _share(_metric(model, 'mask AP')[0], full.get(model['In Collection'])),
        *(_with_spread(model, f'mask {name}') for name in COLUMNS[1:]),
        _with_spread(model, 'box AP')
    ] for model in models]
    return f'{markdown_table(_header(), cells)}\n\n{_how_made(models)}'


BLOCKS: Dict[str, Callable[[Path], str]] = {
    'paper-table': paper_table,
    'results-hela': lambda root: results_table(root, ['hela']),
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


def markdown_table(header: Sequence[str], rows: List[List[str]]) -> str:
    """A Markdown table, the first column left, the others right aligned."""
    lines = [header, ['---', *['---:'] * (len(header) - 1)], *rows]
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines)


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


def _share(score: float, full: float) -> str:
    return f'{100 * score / full:.1f} %' if full else '-'


def _metric(model: dict, name: str) -> Tuple[float, float]:
    """Mean and spread; NaN where there is none."""
    for result in model['Results']:
        if name in result['Metrics']:
            return (result['Metrics'][name],
                    result.get('Spread', {}).get(name, float('nan')))
    return float('nan'), float('nan')


def _with_spread(model: dict, name: str) -> str:
    mean, spread = _metric(model, name)
    if mean != mean:
        return '-'
    return f'{mean:.2f}' if spread != spread else f'{mean:.2f} ± {spread:.2f}'


def _how_made(models: List[dict]) -> str:
    """One line for each way in which runs were made."""
    ways: Dict[str, List[str]] = {}
    for model in models:
        data = model['Metadata']
        seeds = ', '.join(map(str, data['Seeds']))
        way = (f'{model["Results"][0]["Dataset"]}; {data["Scored"]} after '
               f'{data["Iterations"]} iterations on {data["Hardware"]}; ')
        way += (f'mean ± standard deviation of seeds {seeds}'
                if len(data['Seeds']) > 1 else f'one run, seed {seeds}')
        ways.setdefault(way, []).append(model['Name'])
    if len(ways) == 1:
        return f'{next(iter(ways))}.'
    return '\n'.join(f'- {", ".join(names)}: {way}.'
                     for way, names in ways.items())
