import copy

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

from pace_mmdet.structures import InstancePoints


def make(coords, labels, height=10, width=20):
    return InstancePoints(np.array(coords), np.array(labels), height, width)


@pytest.mark.parametrize('x, y, valid', [
    (0, 0, True),
    (19.99, 9.99, True),
    (20, 5, False),
    (5, 10, False),
    (-0.01, 5, False),
    (np.nan, 5, False),
])
def test_points_outside_the_image_are_not_used(x, y, valid):
    assert make([[[x, y]]], [[1]]).labels.tolist() == [[1 if valid else -1]]


@pytest.mark.parametrize('operation, x, y', [
    (lambda p: p.flip('horizontal'), 16.5, 2.5),
    (lambda p: p.flip('vertical'), 3.5, 7.5),
    (lambda p: p.flip('diagonal'), 16.5, 7.5),
    (lambda p: p.resize((20, 60)), 10.5, 5.0),
    (lambda p: p.rescale(2.0), 7.0, 5.0),
    (lambda p: p.rescale((40, 100)), 14.0, 10.0),
    (lambda p: p.pad((32, 32), pad_val=0), 3.5, 2.5),
    (lambda p: p.crop(np.array([1, 2, 9, 8])), 2.5, 0.5),
    (lambda p: p.expand(30, 40, 5, 7), 10.5, 7.5),
    (lambda p: p.translate((10, 20), 4), 7.5, 2.5),
    (lambda p: p.translate((10, 20), 4, 'vertical'), 3.5, 6.5),
    (lambda p: p.translate((10, 20), (4, 3), 'both'), 7.5, 5.5),
    # Pixel (3, 2) goes to (3 + 2 * 2, 2) and to (3, 2 + 2 * 3).
    (lambda p: p.shear((10, 20), 2, 'horizontal'), 7.5, 2.5),
    (lambda p: p.shear((10, 20), 2, 'vertical'), 3.5, 8.5),
    (lambda p: p.rotate((10, 20), 180), 16.5, 7.5),
    # A quarter turn clockwise around pixel (3, 5).
    (lambda p: p.rotate((10, 20), 90, center=(3, 5)), 6.5, 5.5),
])
def test_operations(operation, x, y):
    points = make([[[3.5, 2.5]]], [[1]])
    moved = operation(points)
    np.testing.assert_allclose(moved.coords, [[[x, y]]], atol=1e-5)
    assert moved.labels.tolist() == [[1]]
    assert points.coords.tolist() == [[[3.5, 2.5]]], 'not in place'


def test_a_point_that_left_does_not_come_back():
    points = make([[[3.5, 2.5], [15.5, 2.5]]], [[1, 0]])
    cropped = points.crop(np.array([0, 0, 10, 10]))
    assert cropped.labels.tolist() == [[1, -1]]
    assert cropped.pad((10, 20)).labels.tolist() == [[1, -1]]


@pytest.mark.parametrize('index, expected', [
    (slice(1, None), [1, 2]),
    ([2, 0], [2, 0]),
    ([], []),
    (np.array([True, False, True]), [0, 2]),
    (torch.tensor([1]), [1]),
    (torch.tensor([False, True, False]), [1]),
    (-1, [2]),
])
def test_indexing(index, expected):
    points = make([[[i, i]] for i in range(3)], [[1]] * 3)
    chosen = points[index]
    assert chosen.coords[:, 0, 0].tolist() == expected
    assert (chosen.height, chosen.width) == (10, 20)


def test_instance_data_selects_and_joins():
    data = InstanceData(
        bboxes=torch.arange(12.).reshape(3, 4),
        masks=make([[[i, i]] for i in range(3)], [[1], [0], [-1]]))
    chosen = data[torch.tensor([True, False, True])]
    assert chosen.masks.labels.tolist() == [[1], [-1]]
    assert len(data[torch.zeros(3, dtype=torch.bool)].masks) == 0
    assert len(InstanceData.cat([data, chosen]).masks) == 5


def test_cat_fills_up_with_unused_points():
    joined = InstancePoints.cat(
        [make([[[1, 1]]], [[1]]),
         make([[[2, 2], [3, 3]]], [[0, 1]])])
    assert joined.labels.tolist() == [[1, -1], [0, 1]]
    with pytest.raises(ValueError, match='different sizes'):
        joined.cat([joined, joined.pad((30, 30))])
    with pytest.raises(ValueError, match='at least one'):
        joined.cat([])
    with pytest.raises(TypeError, match='not with ndarray'):
        joined.cat([joined, np.zeros(3)])


def test_conversions():
    points = make([[[1.5, 2.5], [30, 1]]], [[1, 0]])
    expected = [[[1.5, 2.5, 1], [30, 1, -1]]]
    assert points.to_ndarray().tolist() == expected
    tensor = points.to_tensor(torch.float64, 'cpu')
    assert tensor.tolist() == expected and tensor.dtype == torch.float64
    assert copy.deepcopy(points).to_ndarray().tolist() == expected
    assert 'num_instances=1, num_points=2' in repr(points)


@pytest.mark.parametrize('num_points', [0, 3])
def test_nothing(num_points):
    points = InstancePoints(
        np.zeros((0, num_points, 2)), np.zeros((0, num_points)), 10, 20)
    for moved in (points.flip(), points.resize(
        (5, 5)), points.crop(np.array([0, 0, 3, 3])), points.rotate(
            (10, 20), 33), points.cat([points, points]), points[[]]):
        assert len(moved) == 0
        assert moved.to_tensor(torch.float32, 'cpu').shape == (0, num_points,
                                                               3)
    cells = InstancePoints(np.zeros((2, 0, 2)), np.zeros((2, 0)), 10, 20)
    assert cells.to_ndarray().shape == (2, 0, 3)
    assert len(cells[[1]].flip()) == 1


@pytest.mark.parametrize('coords, labels, message', [
    ([[[1, 1]]], [[2]], 'must be 1, 0 or -1, got 2'),
    ([[[1, 1]]], [[1, 0]], 'expected coords of shape'),
    ([[1, 1]], [[1]], 'expected coords of shape'),
    ([[[1, 1]]], [[0.5]], 'must be 1, 0 or -1, got 0.5'),
])
def test_bad_input(coords, labels, message):
    with pytest.raises(ValueError, match=message):
        make(coords, labels)


@pytest.mark.parametrize('use, alternative', [
    (lambda p: p.masks, 'coords and .labels'),
    (lambda p: p.areas, 'areas of gt_bboxes'),
    (lambda p: p.get_bboxes(), 'gt_bboxes'),
    (lambda p: p.crop_and_resize(np.zeros((1, 4)), (28, 28), [0]),
     'PointMaskHead'),
])
def test_what_points_do_not_have(use, alternative):
    with pytest.raises(TypeError, match=alternative):
        use(make([[[1, 1]]], [[1]]))


@pytest.mark.parametrize('operation', [
    lambda p: p.flip('sideways'), lambda p: p.translate(
        (10, 20), 1, 'up'), lambda p: p.shear((10, 20), 1, 'both')
])
def test_unknown_directions(operation):
    with pytest.raises(ValueError, match='direction'):
        operation(make([[[1, 1]]], [[1]]))
