"""Plots of costs and training curves."""
import json

import numpy as np
import pytest

from pace_mmdet.images.saving import save_figure
from pace_mmdet.points import AnnotationCost
from pace_mmdet.points.cost_figures import annotation_cost_figure
from pace_mmdet.visualization import (compared_losses_figure,
                                      points_and_score_figure,
                                      points_and_scores_figure, read_scalars,
                                      training_curve_figure)


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def test_annotation_cost_shows_the_papers_figures(tmp_path):
    figure = annotation_cost_figure()
    assert texts(figure)[0] == '17.2 %\n5.8x faster'
    assert texts(figure)[2] == '23.0 %\n4.3x faster'
    heights = [bar.get_height() for bar in figure.axes[0].patches]
    assert heights[:6] == [7] * 6 and heights[-1] == 46
    assert save_figure(figure, tmp_path / 'cost.png').stat().st_size > 5000


def test_annotation_cost_of_other_times():
    figure = annotation_cost_figure(AnnotationCost(1, 1, 10), (1, ))
    assert texts(figure) == ['20.0 %\n5.0x faster', '100 %']


ROWS = [
    dict(step=10, loss=2.0, loss_rpn_cls=1.0, lr=0.1),
    dict(step=20, loss=float('inf'), **{'s2.loss_mask': 0.5}),
    {
        'step': 20,
        'livecell/segm_AP': 0.5,
        'livecell/segm_AP/A172': 0.1
    },
    dict(step=30, loss=1.0),
    {
        'step': 40,
        'livecell/segm_AP': 0.7
    },
    {
        'step': 60,
        'livecell/segm_AP': float('nan'),
        'livecell/segm_AP50': 0.9
    },
]


def lines(ax):
    return {line.get_label(): line.get_xydata().tolist() for line in ax.lines}


def test_training_curve(tmp_path):
    figure = training_curve_figure(ROWS)
    losses, scores = map(lines, figure.axes)
    assert set(losses) == {'loss', 'loss_rpn_cls', 's2.loss_mask'}
    assert losses['loss'][::2] == [[10, 2], [30, 1]]
    assert np.isnan(losses['loss'][1][1])
    assert set(scores) == {'mask AP', 'mask AP50'}
    assert scores['mask AP'][:2] == [[20, 50], [40, 70]]
    assert figure.axes[1].texts[0].get_text() == '70.0'
    assert save_figure(figure, tmp_path / 'curve.png').stat().st_size > 5000


@pytest.mark.parametrize('rows, ylabels', [
    (ROWS[:2], ['loss']),
    (ROWS[2:3], ['AP (%)']),
    (ROWS[-1:], ['AP (%)']),
])
def test_training_curve_of_parts(tmp_path, rows, ylabels):
    figure = training_curve_figure(rows)
    assert [ax.get_ylabel() for ax in figure.axes] == ylabels
    save_figure(figure, tmp_path / 'curve.png')


@pytest.mark.parametrize('rows', [[], [dict(step=1, lr=0.1)], [dict(loss=1.)]])
def test_training_curve_of_nothing(rows):
    with pytest.raises(ValueError, match='nothing to plot'):
        training_curve_figure(rows)


def test_read_scalars_leaves_out_an_unfinished_line(tmp_path):
    path = tmp_path / 'scalars.json'
    path.write_text('{"step": 1, "loss": NaN}\n\n{"step": 2}\n{"ste')
    first, second = read_scalars(path)
    assert np.isnan(first['loss']) and second == dict(step=2)


@pytest.mark.parametrize('text, line', [
    ('{"step": 1}\n{"st\n{"step": 2}\n', 2),
    ('[1]\n', 1),
    (json.dumps(3), 1),
])
def test_read_scalars_names_the_broken_line(tmp_path, text, line):
    path = tmp_path / 'scalars.json'
    path.write_text(text)
    with pytest.raises(ValueError, match=f'line {line}: expected a JSON'):
        read_scalars(path)


def test_points_and_ap(tmp_path):
    """Places by number of points, full masks last; the paper's pale."""
    figure = points_and_score_figure({
        'PACE': {'10': [46.0, 48.0], '1': [45.0], 'full': [48.0], '4': []},
        'Point2Mask (paper, LIVECell)': {'2': [42.0]},
        'Other': {}
    })
    ax, = figure.axes
    assert [label.get_text() for label in ax.get_xticklabels()] == [
        '1', '2', '4', '10', 'full mask']
    (ours, _, bars), (paper, _, no_bars) = ax.containers
    heights = [segment[:, 1].tolist() for segment in bars[0].get_segments()]
    assert heights[1] == pytest.approx([47 - 2**0.5, 47 + 2**0.5])
    assert heights[0] == [45, 45] and not no_bars
    assert ours.get_xydata().tolist() == [[0, 45], [3, 47], [4, 48]]
    assert paper.get_xydata().tolist() == [[1, 42]]
    assert ours.get_alpha() == 1 and paper.get_alpha() == 0.5
    assert (ours.get_marker(), paper.get_marker()) == ('*', '^')
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        'PACE, 1 to 2 seeds', 'Point2Mask (paper, LIVECell)']
    low, high = ax.get_ylim()
    assert low <= 0.9 * high
    save_figure(figure, tmp_path / 'points.png')


def test_points_and_ap_of_nothing(tmp_path):
    save_figure(points_and_score_figure({}), tmp_path / 'points.png')
    save_figure(points_and_scores_figure({}), tmp_path / 'points.png')


def test_points_and_scores():
    """Data sets side by side, scores one below the other."""
    figure = points_and_scores_figure({
        'a': {'IoU': {'PACE': {'1': [50.0]}}, 'AP': {'PACE': {'1': [3.0]}}},
        'b': {'AP': {'PACE': {'full': [4.0, 5.0]}}}})
    assert [(ax.get_title(), ax.get_ylabel(), len(ax.containers))
            for ax in figure.axes] == [
        ('a', 'IoU', 1), ('', 'AP', 1), ('b', 'IoU', 0), ('', 'AP', 1)]
    assert figure.axes[3].get_legend().get_texts()[0].get_text() == (
        'PACE, 2 seeds')


@pytest.mark.parametrize('losses, expected', [
    ({}, []),
    (dict(a=[1., 3.]), [[[1, 1], [2, 3]]]),
    (dict(a=[1., 3.] * 40, b=[2.] * 80),
     [[[4 * i, 2] for i in range(1, 21)]] * 2),
])
def test_compared_losses(losses, expected):
    ax, = compared_losses_figure(losses).axes
    assert [line.get_xydata().tolist() for line in ax.get_lines()] == expected
