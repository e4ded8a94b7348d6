import numpy as np
import pytest

from pace_mmdet.points import draw_points

BOXES = np.array([[3.2, 4.0, 9.9, 12.5], [0, 0, 1, 1], [20, 5, 30, 6]])


def test_points_are_pixels_of_the_box():
    points = draw_points(
        BOXES, [7, 8, 9], num_points=500, height=40, width=50)
    assert points.shape == (3, 500, 2) and points.dtype == np.int32
    for cell, (x1, y1, x2, y2) in zip(points, BOXES):
        assert (cell >= np.floor([x1, y1])).all()
        assert (cell < np.ceil([x2, y2])).all()
    # Uniform: each of the ten columns of the last box gets its share.
    counts = np.bincount(points[2, :, 0] - 20, minlength=10)
    assert counts.min() > 25 and counts.max() < 80


def test_the_first_n_points_are_the_n_point_labels():
    ten = draw_points(BOXES, [7, 8, 9], 10, 40, 50)
    for n in (1, 2, 4, 6, 8):
        assert np.array_equal(draw_points(BOXES, [7, 8, 9], n, 40, 50),
                              ten[:, :n])


def test_points_depend_on_seed_and_id_only():
    together = draw_points(BOXES, [7, 8, 9], 4, 40, 50)
    reversed_ = draw_points(BOXES[::-1], [9, 8, 7], 4, 40, 50)
    assert np.array_equal(together, reversed_[::-1])
    alone = draw_points(BOXES[2:], [9], 4, 40, 50)
    assert np.array_equal(together[2:], alone)
    assert not np.array_equal(together,
                              draw_points(BOXES, [7, 8, 9], 4, 40, 50, seed=1))
    other_ids = draw_points(BOXES, [17, 18, 19], 4, 40, 50)
    assert not np.array_equal(together[2], other_ids[2])


@pytest.mark.parametrize('bbox, expected', [
    ([5.5, 6.5, 5.5, 6.5], {(5, 6)}),
    ([-4, -4, -1, -1], {(0, 0)}),
    ([60, 45, 70, 50], {(49, 39)}),
    ([49.2, 39.1, 50, 40], {(49, 39)}),
])
def test_boxes_without_area_or_beyond_the_border(bbox, expected):
    points = draw_points([bbox], [1], 20, height=40, width=50)
    assert set(map(tuple, points[0].tolist())) == expected


def test_no_cells():
    assert draw_points(np.zeros((0, 4)), [], 3, 8, 8).shape == (0, 3, 2)


@pytest.mark.parametrize('bboxes, ids, num_points, message', [
    (BOXES, [1, 2, 3], 0, 'at least 1'),
    (BOXES, [1, 2], 4, '2 ids for 3 boxes'),
    ([[0, 0, np.nan, 1]], [5], 4, 'annotation 5 is not finite'),
])
def test_bad_input(bboxes, ids, num_points, message):
    with pytest.raises(ValueError, match=message):
        draw_points(bboxes, ids, num_points, 40, 50)
