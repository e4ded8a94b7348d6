"""The paper's Fig. 5 from the results on record, for docs/results.md.

The picture holds the figures that it was drawn from as text, so that one
that is older than the metafiles can be told.
"""
import json
from pathlib import Path
from typing import Dict, List

from PIL import Image

from pace_mmdet.images.saving import save_figure
from pace_mmdet.visualization.plots import points_and_scores_figure

from .metafile import read_metafile, recorded_runs

FIGURE = 'images/points.png'
"""Beside the page."""
_CELLS = dict(livecell_small='LIVECell sample', usiigaci='Usiigaci',
              hela='HeLa nuclei')
_SCORES = dict(quality_IoU='mask IoU in true boxes (%)', segm_AP='mask AP (%)')

Panels = Dict[str, Dict[str, Dict[str, Dict[str, List[float]]]]]


def supervision_panels(root: Path) -> Panels:
    """Scores of the recorded runs that began from a model of boxes alone.

    Args:
        root (Path): The repository.

    Returns:
        dict: By cells, score, curve and points per cell, in percent, a value
        for each seed; only cells with runs. Runs from different starts are
        curves of their own.
    """
    runs = {name: _runs(root, folder) for folder, name in _CELLS.items()}
    return {name: _curves(found) for name, found in runs.items() if found}


def _runs(root: Path, folder: str) -> List[tuple]:
    """(method, start, points, run) of each."""
    models = read_metafile(Path(root) / 'configs' / folder /
                           'metafile.yml')['Models']
    return [(model['In Collection'].split()[0], str(run.start),
             str(model['Metadata']['Points per Cell']), run)
            for model in models for run in recorded_runs(model)
            if run.start.kind == 'boxes']


def _curves(runs: List[tuple]) -> Dict[str, Dict[str, Dict[str, list]]]:
    starts = sorted({start for _, start, *_ in runs})
    panels: Dict[str, Dict[str, Dict[str, list]]] = {
        label: {} for label in _SCORES.values()}
    for method, start, points, run in sorted(runs, key=lambda r: r[:2]):
        # No curve goes from one start to another.
        name = method + (f', start {start.split()[-1][:4]}'
                         if len(starts) > 1 else '')
        for key, label in _SCORES.items():
            value = run.scores.get(key, float('nan'))
            if value == value:
                panels[label].setdefault(name, {}).setdefault(
                    points, []).append(round(100 * value, 3))
    return panels


def figure_is_current(path: Path, panels: Panels) -> bool:
    """Whether a picture is there and shows these figures."""
    if not path.is_file():
        return False
    with Image.open(path) as picture:
        return picture.info.get('Description') == _described(panels)


def draw_figure(path: Path, panels: Panels) -> None:
    """Draw the picture."""
    save_figure(points_and_scores_figure(panels), path, 110,
                _described(panels))


def _described(panels: Panels) -> str:
    return json.dumps(panels, sort_keys=True)
