"""Curves of the annotation loop: mask AP over simulated minutes."""
from pathlib import Path
from typing import List, Sequence, Tuple

from matplotlib.figure import Figure

from pace_mmdet.reporting.annotation_loop import (BY_HAND, FIRST, PROPOSED,
                                                  comparisons)
from pace_mmdet.reporting.arena import TITLES

_STYLES = {BY_HAND: ('#e08214', 'the second half by hand'),
           PROPOSED: ('#2b6cb0', 'the second half with proposals')}


def loop_figure(records: Sequence[dict]) -> Figure:
    """One panel a comparison: a thin line for each seed, and their mean.

    Args:
        records (Sequence[dict]): As of docs/annotation_loop.json.
    """
    groups = comparisons(records)
    keys = [key for name in TITLES for key in groups if key[0] == name]
    figure = Figure(figsize=(4.6 * max(len(keys), 1), 3.8),
                    layout='constrained')
    axes = figure.subplots(1, max(len(keys), 1), squeeze=False)[0]
    for ax, key in zip(axes, keys):
        for arm, (color, label) in _STYLES.items():
            lines = [_line(arms[FIRST] + arms[arm]) for arms in groups[key]]
            for line in lines:
                ax.plot(*zip(*line), color=color, alpha=0.35, linewidth=0.8)
            ax.plot(*zip(*map(_mean, zip(*lines))), color=color, label=label,
                    marker='o')
        ax.set_title(f'{TITLES[key[0]]}, {key[1]} images, seeds: '
                     f'{len(groups[key])}', fontsize=10)
        ax.set_xlabel('simulated minutes of annotation')
        ax.set_ylabel('mask AP (%)')
        ax.set_xlim(left=0)
        ax.set_ylim(bottom=0)
        ax.grid(alpha=0.3)
        ax.spines[['top', 'right']].set_visible(False)
        ax.legend(frameon=False, loc='lower right')
    return figure


def _line(records: Sequence[dict]) -> List[Tuple[float, float]]:
    """Minutes so far, and the AP of the model that came of it."""
    minutes, line = 0.0, [(0.0, 0.0)]
    for record in records:
        minutes += record['seconds'] / 60
        line.append((minutes, record['AP']))
    return line


def _mean(points: Sequence[Tuple[float, float]]) -> Tuple[float, float]:
    return tuple(sum(values) / len(points) for values in zip(*points))


def write_figure(records: Sequence[dict], path: Path) -> None:
    """Save :func:`loop_figure` as PNG."""
    loop_figure(records).savefig(path, dpi=110)
