"""Curves of the arena: AP over label hours, AP over CPU minutes."""
from pathlib import Path
from statistics import fmean, stdev
from typing import Dict, List, Sequence, Tuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pace_mmdet.reporting.arena import TITLES, grouped

_COLORS = dict(ours='#2b6cb0', Cellpose='#e08214')
# What varies along a curve: the labels, or the time.
_BY_HOURS = ('ours, 4 points, a quarter of the hours', 'ours, 1 point',
             'ours, 4 points', 'ours, 8 points', 'ours, full masks',
             'Cellpose 3, equal hours', 'Cellpose 3, all masks')
_BY_TIME = ('ours, 4 points, a third of the time', 'ours, 4 points',
            'ours, 4 points, twice the time',
            'Cellpose 3, equal hours, a third of the time',
            'Cellpose 3, equal hours',
            'Cellpose 3, equal hours, twice the time')


def arena_figure(runs: Sequence[dict]) -> Figure:
    """One column a data set: over label hours above, over CPU time below.

    Means over seeds, with their standard deviations as bars.

    Args:
        runs (Sequence[dict]): As of docs/arena.json.
    """
    groups = {key[:2]: some for key, some in grouped(runs).items()
              if not key[2]}
    names = [name for name in TITLES if any(key[0] == name for key in groups)]
    figure = Figure(figsize=(4 * max(len(names), 1), 6.4),
                    layout='constrained')
    axes = figure.subplots(2, max(len(names), 1), squeeze=False)
    for (above, below), name in zip(axes.T, names):
        own = {key[1]: some for key, some in groups.items() if key[0] == name}
        _draw(above, own, _BY_HOURS, lambda run: run['hours'])
        _draw(below, own, _BY_TIME, lambda run: run['train_seconds'] / 60)
        above.set_title(TITLES[name])
        above.set_xlabel('label hours')
        below.set_xlabel('minutes of one CPU core to train')
        for ax in (above, below):
            ax.set_ylabel('mask AP (%)')
            places = [line.get_data() for line in ax.get_lines()]
            for axis, limit in enumerate((ax.set_xlim, ax.set_ylim)):
                limit(0, 1.3 * max((max(place[axis]) for place in places),
                                   default=1))
            ax.grid(alpha=0.3)
            ax.spines[['top', 'right']].set_visible(False)
    if names:
        axes[1, 0].legend(frameon=False, loc='lower left')
    return figure


def _draw(ax: Axes, groups: Dict[str, List[dict]], methods: Sequence[str],
          place) -> None:
    curves: Dict[str, List[Tuple[float, float, float]]] = {}
    for method in methods:
        if method in groups:
            runs = groups[method]
            maker = method.replace(',', ' ').split()[0]
            scores = [run['AP'] for run in runs]
            point = fmean(map(place, runs)), fmean(scores)
            spread = stdev(scores) if len(scores) > 1 else 0.0
            own = curves.setdefault(maker, [])
            own.append((*point, spread))
            if ax.get_subplotspec().is_first_row():
                # To both sides in turn, or neighbours overlap.
                offset, side = (((4, -10), 'left') if len(own) % 2 else
                                ((-4, 5), 'right'))
                ax.annotate(
                    method.split(', ', 1)[1], point, fontsize=6, ha=side,
                    textcoords='offset points', xytext=offset)
    for maker, points in curves.items():
        ax.errorbar(*zip(*sorted(points)), label=maker, marker='o',
                    color=_COLORS[maker],
                    linestyle='none' if ax.get_subplotspec().is_first_row()
                    else '-')


def write_figure(runs: Sequence[dict], path: Path) -> None:
    """Save :func:`arena_figure` as PNG."""
    arena_figure(runs).savefig(path, dpi=110)
