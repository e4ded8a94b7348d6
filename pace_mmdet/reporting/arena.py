"""The table of ours beside the tools that people use.

docs/arena.json holds what tools/benchmarks/arena/arena.py measured: a
list of runs, each with ``data``, ``method``, ``variant``, ``seed``, what was
labelled (``images``, ``cells``, ``hours``), what it took (``steps``,
``train_seconds`` and ``predict_seconds`` of CPU) and scores in per cent.
"""
import json
import statistics
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

from .tables import markdown_table

ARENA_JSON = 'docs/arena.json'
SCORES = ('AP', 'AP50', 'AP75', 'APs', 'APm', 'APl', 'F1@0.5', 'F1@0.75',
          'F1@0.9')
TITLES = dict(
    hela='HeLa nuclei', livecell='LIVECell sample', usiigaci='Usiigaci')
# Whose AP the others' is given as a share of.
FULL_MASKS = 'ours, full masks'
NO_RUNS = '*No run has been recorded yet.*'


def read_arena(root: Path) -> List[dict]:
    """The recorded runs; none without the file."""
    path = root / ARENA_JSON
    return json.loads(path.read_text('utf-8')) if path.is_file() else []


def grouped(runs: Sequence[dict]) -> Dict[Tuple[str, str, str], List[dict]]:
    """Runs that differ by their seeds only, in the order of first sight.

    Returns:
        dict: Runs by data set, method and variant.
    """
    groups: Dict[Tuple[str, str, str], List[dict]] = {}
    for run in runs:
        key = run['data'], run['method'], run['variant']
        groups.setdefault(key, []).append(run)
    return groups


def arena_table(root: Path) -> str:
    """Markdown tables of all runs, one for each data set."""
    groups = grouped(read_arena(root))
    if not groups:
        return NO_RUNS
    header = ['method', 'masks or boxes', 'label hours', 'steps',
              'training, CPU s',
              'prediction, CPU s an image', *SCORES[:3], '% of full masks',
              *SCORES[3:], 'seeds']
    parts = []
    for data, title in TITLES.items():
        full = groups.get((data, FULL_MASKS, ''))
        rows = [_row(method, variant, runs, full)
                for (name, method, variant), runs in groups.items()
                if name == data]
        if rows:
            parts.append(f'**{title}**\n\n{markdown_table(header, rows)}')
    return '\n\n'.join(parts)


def mean_and_spread(values: Sequence[float], digits: int = 1) -> str:
    """Mean, and standard deviation if there is more than one value."""
    text = f'{statistics.fmean(values):.{digits}f}'
    if len(values) > 1:
        text += f' ± {statistics.stdev(values):.{digits}f}'
    return text


def _row(method: str, variant: str, runs: List[dict],
         full: Optional[List[dict]]) -> List[str]:
    name = f'{method}, {variant}' if variant else method
    share = ''
    # Only of models that were trained as long.
    if full and method.startswith('ours') and len(
            {run['steps'] for run in (*runs, *full)}) == 1:
        means = [statistics.fmean(run['AP'] for run in some)
                 for some in (runs, full)]
        share = f'{100 * means[0] / means[1]:.1f}'
    scores = [mean_and_spread([run[score] for run in runs])
              for score in SCORES]
    return [
        name, str(runs[0]['cells']), f'{runs[0]["hours"]:.2f}',
        mean_and_spread([run['steps'] for run in runs], 0),
        mean_and_spread([run['train_seconds'] for run in runs], 0),
        mean_and_spread([run['predict_seconds'] for run in runs], 2),
        *scores[:3], share, *scores[3:],
        ', '.join(str(run['seed']) for run in runs)
    ]
