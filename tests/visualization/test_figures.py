"""The paper's figures from any cells."""
from string import ascii_lowercase

import cv2
import matplotlib
import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure

from pace_mmdet.images.saving import save_figure
from pace_mmdet.points import AnnotationCost
from pace_mmdet.structures import InstancePoints
from pace_mmdet.visualization import (artists, comparison_figure,
                                      supervision_figure)


def picture(figure, tmp_path):
    path = save_figure(figure, tmp_path / 'figure.png', dpi=60)
    return cv2.imread(str(path))


def titles(figure):
    return [ax.get_title() for ax in figure.axes]


def outlines(ax):
    """Number of cells in each collection of outlines."""
    return [
        len(c.get_paths()) for c in ax.collections
        if isinstance(c, PathCollection)
    ]


@pytest.mark.parametrize('count, height, width', [
    (0, 30, 40),
    (1, 30, 40),
    (1, 60, 1),
    (150, 90, 120),
])
def test_supervision(tmp_path, make_cells, count, height, width):
    cells = make_cells(count, height, width)
    figure = supervision_figure(cells.image, cells.bboxes, cells.points,
                                cells.codes)
    assert titles(figure) == [
        'Full mask: 46 s per cell', 'Box and 4 points: 10.6 s per cell'
    ]
    assert picture(figure, tmp_path).std() > 10


def test_supervision_tells_times_and_unused_points(make_cells):
    cells = make_cells(2, 30, 40, num_points=1)
    points = InstancePoints(cells.points.coords, [[1], [-1]], 30, 40)
    figure = supervision_figure(
        cells.image,
        cells.bboxes,
        points,
        cells.polygons,
        AnnotationCost(3, 1, 20),
        window=(0, 0, 20, 10))
    assert titles(figure) == [
        'Full mask: 20 s per cell', 'Box and 1 point: 4 s per cell'
    ]
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ['on the cell', 'outside', 'not used']
    assert figure.axes[0].get_xlim() == (0, 20)
    assert figure.axes[1].get_ylim() == (10, 0)


@pytest.mark.parametrize('count, height, width, zooms', [
    (0, 30, 40, 2),
    (1, 30, 40, 0),
    (1, 60, 1, 2),
    (3, 30, 40, 4),
    (150, 90, 120, 0),
])
def test_comparison(tmp_path, make_cells, count, height, width, zooms):
    cells = make_cells(count, height, width)
    models = dict(none=[], all=cells.codes, polygons=cells.polygons)
    figure = comparison_figure(
        cells.image, cells.codes, models, num_zooms=zooms)
    shown = min(zooms, count)
    assert len(figure.axes) == 3 * (1 + shown)
    assert [outlines(ax)
            for ax in figure.axes[::1 + shown]] == [[count, 0], [count, count],
                                                    [count, count]]
    assert picture(figure, tmp_path).std() > 10


def test_no_more_zooms_than_letters(make_cells):
    cells = make_cells(30, 30, 40)
    figure = comparison_figure(
        cells.image, cells.codes, dict(model=[]), num_zooms=99)
    assert titles(figure) == ['model', *ascii_lowercase]


def test_comparison_shows_scores_where_there_are_any(make_cells):
    cells = make_cells(3, 30, 40)
    figure = comparison_figure(
        cells.image,
        cells.codes, {
            'Point2Mask, 4 points': [],
            'PACE, 4 points': cells.codes
        },
        ap50={'PACE, 4 points': 0.9876})
    assert titles(figure) == [
        'Point2Mask, 4 points', 'PACE, 4 points   AP50 98.8'
    ]


def test_zooms_are_on_the_cells_that_differ_and_inside_the_window(make_cells):
    cells = make_cells(40, 80, 100)
    left = int(np.argmin(cells.bboxes[:, 0]))
    missed = [c for i, c in enumerate(cells.codes) if i != left]
    models = dict(good=cells.codes, bad=missed)
    figure = comparison_figure(cells.image, cells.codes, models, num_zooms=1)
    (x1, x2), (y2, y1) = (figure.axes[1].get_xlim(), figure.axes[1].get_ylim())
    box = cells.bboxes[left]
    assert x1 <= box[0] + 1 and x2 >= box[2] - 1
    assert y1 <= box[1] + 1 and y2 >= box[3] - 1
    figure = comparison_figure(
        cells.image, cells.codes, models, num_zooms=3, window=(50, 0, 100, 80))
    assert all(np.mean(ax.get_xlim()) > 40 for ax in figure.axes[1:4])


@pytest.mark.parametrize('predictions, ap50, message', [
    ({}, None, 'at least one model'),
    (dict(a=[]), dict(b=0.5), r"ap50 of \['b'\]"),
])
def test_comparison_of_nothing(predictions, ap50, message):
    with pytest.raises(ValueError, match=message):
        comparison_figure(np.zeros((5, 5)), [], predictions, ap50)


@pytest.mark.parametrize('image', [
    np.zeros((20, 30), np.uint16),
    np.linspace(0, 1, 600, dtype=np.float32).reshape(20, 30),
    np.full((20, 30), np.nan, np.float32),
    np.full((20, 30, 3), 90, np.uint8),
])
@pytest.mark.filterwarnings('ignore:All-NaN slice')
def test_images_of_all_types(tmp_path, image):
    figure = comparison_figure(image, [], dict(model=[]))
    assert picture(figure, tmp_path).ndim == 3


def test_no_global_state(make_cells):
    backend = matplotlib.get_backend()
    cells = make_cells(1, 20, 20)
    supervision_figure(cells.image, cells.bboxes, cells.points, cells.codes)
    assert matplotlib.get_backend() == backend
    from matplotlib import pyplot
    assert pyplot.get_fignums() == []


def test_answers_differ_in_shape_not_by_colour_alone():
    ax = Figure().add_subplot()
    artists.add_points(ax, np.zeros((3, 2)), np.array([1, 0, -1]))
    shapes = {c.get_paths()[0].vertices.tobytes() for c in ax.collections
              if len(c.get_offsets())}
    assert len(shapes) == 3
