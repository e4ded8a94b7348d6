"""Pictures of what annotating takes."""
from typing import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .cost import AnnotationCost

_PAPER_COUNTS = (1, 2, 4, 6, 8, 10)
_BOX, _POINT, _MASK = '#9db7d5', '#2b6cb0', '#8a8a8a'


def annotation_cost_figure(cost: AnnotationCost = AnnotationCost(),
                           point_counts: Sequence[int] = _PAPER_COUNTS
                           ) -> Figure:
    """Seconds per cell for points and for a full mask (Fig. 2).

    Args:
        cost (AnnotationCost): The times.
        point_counts (Sequence[int]): Numbers of points to show.
    """
    figure = Figure(figsize=(6.4, 3.6), layout='constrained')
    _plot_cost(figure.add_subplot(), cost, point_counts)
    return figure


def compared_cost_figure(costs: Mapping[str, AnnotationCost],
                         point_counts: Sequence[int] = _PAPER_COUNTS
                         ) -> Figure:
    """Several times side by side, each as in Fig. 2, on one scale.

    Args:
        costs (Mapping[str, AnnotationCost]): The times by whose they are.
        point_counts (Sequence[int]): Numbers of points to show.
    """
    figure = Figure(figsize=(6.4 * len(costs), 3.6), layout='constrained')
    axes = figure.subplots(1, len(costs), sharey=True, squeeze=False)[0]
    for ax, (name, cost) in zip(axes, costs.items()):
        _plot_cost(ax, cost, point_counts)
        ax.set_title(f'{name}: {cost.seconds_per_box:.2g} s a box, '
                     f'{cost.seconds_per_point:.2g} s a point, '
                     f'{cost.seconds_per_mask:.2g} s a mask', fontsize=10)
    return figure


def _plot_cost(ax: Axes, cost: AnnotationCost,
               point_counts: Sequence[int]) -> None:
    """One panel of Fig. 2."""
    names = [str(count) for count in point_counts] + ['full mask']
    points = [count * cost.seconds_per_point for count in point_counts]
    boxes = [cost.seconds_per_box] * len(points)
    ax.bar(names[:-1], boxes, color=_BOX, label='box')
    ax.bar(names[:-1], points, bottom=boxes, color=_POINT, label='points')
    ax.bar(names[-1:], [cost.seconds_per_mask], color=_MASK)
    for name, count in zip(names, point_counts):
        ax.annotate(
            f'{100 * cost.fraction(count):.1f} %\n{cost.speedup(count):.1f}x '
            'faster', (name, cost.seconds(count)),
            xytext=(0, 3),
            textcoords='offset points',
            ha='center',
            fontsize=8)
    ax.annotate(
        '100 %', (names[-1], cost.seconds_per_mask),
        xytext=(0, 3),
        textcoords='offset points',
        ha='center',
        fontsize=8)
    ax.set_xlabel('points per cell')
    ax.set_ylabel('annotation time per cell (s)')
    ax.margins(y=0.15)
    ax.legend(frameon=False, loc='upper left')
    ax.spines[['top', 'right']].set_visible(False)
