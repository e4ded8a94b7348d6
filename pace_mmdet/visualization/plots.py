"""Plots of numbers: what annotation costs, how training went."""
import json
import math
import statistics
from pathlib import Path
from typing import Dict, List, Mapping, Sequence, Tuple, Union

from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Scores of the runs by number of points, by curve.
Curves = Mapping[str, Mapping[str, Sequence[float]]]

_POINTS, _BASELINE = '#2b6cb0', '#e08214'
_THIN = ('#1f77b4', '#2ca02c', '#9467bd', '#8c564b', '#e377c2', '#7f7f7f',
         '#bcbd22', '#17becf', '#ff7f0e')
_SCORES = {
    'livecell/segm_AP': 'mask AP',
    'livecell/segm_AP50': 'mask AP50',
    'livecell/segm_AP75': 'mask AP75',
    'livecell/bbox_AP': 'box AP'
}


def points_and_score_figure(
        curves: Curves, score: str = 'mask AP (%)') -> Figure:
    """A score over the points per cell that were trained from (Fig. 5).

    Args:
        curves (Mapping[str, Mapping[str, Sequence[float]]]): Scores of the
            runs by number of points ('1', '2', ... or 'full') for each curve:
            their mean is drawn, with their standard deviation as a bar, and
            the legend says how many they are. A name with '(paper' in it is
            drawn pale; as in the paper, Point2Mask has triangles and PACE
            stars; where all curves are of one data set, the one is orange
            and the other blue. The axis of scores covers a tenth of the best
            one at least: noise must not look like a difference.
        score (str): What it is.
    """
    figure = Figure(figsize=(6.4, 3.6), layout='constrained')
    _plot_points_and_score(figure.add_subplot(), curves, score)
    return figure


def points_and_scores_figure(
        panels: Mapping[str, Mapping[str, Curves]]) -> Figure:
    """Fig. 5 for several data sets and scores, one panel each.

    Args:
        panels (Mapping): By data set, then by score, the curves as
            :func:`points_and_score_figure` takes them.
    """
    scores = list(dict.fromkeys(name for part in panels.values()
                                for name in part))
    figure = Figure(figsize=(4 * max(len(panels), 1),
                             3 * max(len(scores), 1)), layout='constrained')
    for column, (cells, part) in enumerate(panels.items()):
        for row, score in enumerate(scores):
            ax = figure.add_subplot(len(scores), len(panels),
                                    row * len(panels) + column + 1)
            _plot_points_and_score(ax, part.get(score, {}), score)
            if not row:
                ax.set_title(cells, fontsize=10)
    return figure


def _plot_points_and_score(ax: Axes, curves: Curves, score: str) -> None:
    counts = sorted({int(points) for curve in curves.values()
                     for points in curve if points != 'full'})
    places = [*map(str, counts), 'full']
    cells = {name.partition(' on ')[2] for name in curves} - {''}
    colours = dict(zip(sorted(cells), _THIN))
    for name, curve in curves.items():
        baseline, pale = 'Point2Mask' in name, '(paper' in name
        own = (colours.get(name.partition(' on ')[2])
               if len(cells) > 1 else None)
        given = [p for p in places if len(curve.get(p, ()))]
        if not given:
            continue
        means = [statistics.mean(curve[p]) for p in given]
        spread = [statistics.stdev(curve[p]) if len(curve[p]) > 1 else 0
                  for p in given]
        ax.errorbar(
            [places.index(p) for p in given],
            means,
            yerr=spread if any(spread) else None,
            label=name if pale else f'{name}, {_seeds(curve, given)}',
            capsize=3,
            color=own or (_BASELINE if baseline else _POINTS),
            marker='^' if baseline else '*',
            markersize=8 if baseline else 11,
            linestyle=':' if pale or own and baseline else '-',
            alpha=0.5 if pale else 1)
    ax.set_xticks(range(len(places)), [*places[:-1], 'full mask'])
    ax.set_xlabel('points per cell')
    ax.set_ylabel(score)
    ax.grid(alpha=0.3)
    ax.spines[['top', 'right']].set_visible(False)
    if ax.get_lines():
        low, high = ax.get_ylim()
        low = min(low, 0.9 * high)
        ax.set_ylim(low, high + 0.05 * (high - low))
        ax.legend(frameon=False, fontsize=8)


def _seeds(curve: Mapping[str, Sequence[float]], given: List[str]) -> str:
    """How many runs a curve's points are the means of."""
    numbers = [len(curve[p]) for p in given]
    least, most = min(numbers), max(numbers)
    if least == most == 1:
        return '1 seed'
    return f'{most if least == most else f"{least} to {most}"} seeds'


def read_scalars(path: Union[str, Path]) -> List[dict]:
    """Read the log of a run that mmengine's ``LocalVisBackend`` writes.

    Args:
        path (str | Path): ``WORK_DIR/<time>/vis_data/scalars.json``, a JSON
            object a line. A last line that a killed run left unfinished is
            left out.

    Raises:
        ValueError: If another line is no JSON object.
    """
    lines = Path(path).read_text(encoding='utf-8').split('\n')
    rows = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            if number == len(lines):  # not ended by a line break
                break
            row = None
        if not isinstance(row, dict):
            raise ValueError(f'{path}, line {number}: expected a JSON object, '
                             f'got {line[:60]!r}')
        rows.append(row)
    return rows


def training_curve_figure(rows: Sequence[Mapping[str, float]]) -> Figure:
    """Losses and scores over the iterations of a run.

    Args:
        rows (Sequence[Mapping]): What was logged, as :func:`read_scalars`
            gives it: ``step`` and any of ``loss``, ``loss_*``, ``s0.loss_*``
            and ``livecell/*``. Values that are not finite leave a gap.

    Raises:
        ValueError: If there is neither a loss nor a score.
    """
    losses = _series(rows, lambda key: 'loss' in key)
    scores = _series(rows, lambda key: key in _SCORES)
    if not losses and not scores:
        raise ValueError('nothing to plot: expected rows with a "step" and a '
                         '"loss" or one of ' + ', '.join(_SCORES))
    parts = [part for part in (losses, scores) if part]
    figure = Figure(figsize=(5.2 * len(parts), 3.6), layout='constrained')
    axes = list(figure.subplots(1, len(parts), squeeze=False)[0])
    if losses:
        _plot_losses(axes.pop(0), losses)
    if scores:
        _plot_scores(axes.pop(0), scores)
    return figure


def compared_losses_figure(losses: Mapping[str, Sequence[float]]) -> Figure:
    """Losses of several runs on the same data, one line of 20 means each.

    Args:
        losses (Mapping[str, Sequence[float]]): Loss of every step by run.
    """
    window = max(max(map(len, losses.values()), default=0) // 20, 1)
    figure = Figure(figsize=(6.4, 3.6), layout='constrained')
    ax = figure.add_subplot()
    for name, values in losses.items():
        steps = range(window, len(values) + 1, window)
        means = [sum(values[s - window:s]) / window for s in steps]
        ax.plot(steps, means, label=name)
    ax.set_ylabel(f'loss, mean of {window} steps')
    _finish(ax)
    return figure


def _series(rows: Sequence[Mapping[str, float]],
            wanted) -> Dict[str, Tuple[List[float], List[float]]]:
    """Steps and values of each wanted key, in the order of first sight."""
    series: Dict[str, Tuple[List[float], List[float]]] = {}
    for row in rows:
        for key, value in row.items():
            if 'step' in row and wanted(key):
                steps, values = series.setdefault(key, ([], []))
                steps.append(row['step'])
                values.append(value if math.isfinite(value) else math.nan)
    return series


def _plot_losses(ax: Axes, losses: dict) -> None:
    """The sum in black, the mask loss in colour, its other parts thin."""
    ax.set_prop_cycle(color=_THIN)
    for key, (steps, values) in losses.items():
        if key == 'loss':
            style = dict(color='black', linewidth=1.8, zorder=3)
        elif key.endswith('loss_mask'):
            style = dict(color='#d62728', linewidth=1.8, zorder=3)
        else:
            style = dict(linewidth=0.8)
        ax.plot(steps, values, label=key, **style)
    ax.set_ylabel('loss')
    _finish(ax)


def _plot_scores(ax: Axes, scores: dict) -> None:
    """Scores in percent, the best mask AP marked."""
    for key, name in _SCORES.items():
        if key in scores:
            steps, values = scores[key]
            percent = [100 * value for value in values]
            ax.plot(steps, percent, '.-', label=name)
    steps, values = scores.get('livecell/segm_AP', ([], []))
    finite = [(v, s) for s, v in zip(steps, values) if math.isfinite(v)]
    if finite:
        best, step = max(finite, key=lambda pair: pair[0])
        ax.annotate(
            f'{100 * best:.1f}', (step, 100 * best),
            xytext=(0, 5),
            textcoords='offset points',
            ha='center',
            fontweight='bold')
    ax.set_ylabel('AP (%)')
    _finish(ax)


def _finish(ax: Axes) -> None:
    """What all curves have in common."""
    ax.set_xlabel('iteration')
    ax.set_ylim(bottom=0)
    ax.grid(alpha=0.3)
    if ax.get_lines():
        ax.legend(frameon=False, fontsize=7)
    ax.spines[['top', 'right']].set_visible(False)
