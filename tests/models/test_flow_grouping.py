"""Pixels grouped by where their flow takes them."""
import numpy as np
import pytest
import torch

from pace_mmdet.masks.codes import to_rles
from pace_mmdet.models.flow_grouping import (flow_scores, group_pixels,
                                             label_codes, walk)
from faster_coco_eval.core import mask as mask_api


def discs(height, width, circles):
    """Labels and the flow to the middle of discs (x, y, radius)."""
    y, x = np.mgrid[:height, :width]
    labels = np.zeros((height, width), np.int32)
    flow = np.zeros((2, height, width), np.float32)
    for cell, (cx, cy, radius) in enumerate(circles, 1):
        away = np.hypot(x - cx, y - cy)
        on = (away <= radius) & (labels == 0)
        labels[on] = cell
        to_middle = np.stack([cx - x, cy - y]) / np.maximum(away, 1)
        flow[:, on] = to_middle[:, on]
    return labels, flow


def group(labels, flow, steps=20):
    return group_pixels(
        torch.from_numpy(labels > 0), torch.from_numpy(flow), steps)


def same_parts(found, truth):
    pairs = set(zip(found.ravel().tolist(), truth.ravel().tolist()))
    return len(pairs) == len(np.unique(truth)) == len(np.unique(found))


@pytest.mark.parametrize('circles', [
    [],
    [(10, 10, 6)],
    [(10, 12, 7), (24, 12, 7)],  # they touch
    [(2, 2, 5), (37, 28, 6)],  # at the border
    [(5 + 8 * i, 5 + 8 * j, 3) for i in range(4) for j in range(3)],
])
def test_each_disc_is_a_cell(circles):
    labels, flow = discs(30, 40, circles)
    found = group(labels, flow)
    assert same_parts(found, labels)
    assert found.max(initial=0) == len(circles)
    assert ((found > 0) == (labels > 0)).all()


def test_a_map_without_background():
    labels, flow = discs(12, 12, [(6, 6, 20)])
    assert (labels > 0).all()
    assert (group(labels, flow) == 1).all()


def test_more_than_a_hundred_cells():
    circles = [(4 + 8 * i, 4 + 8 * j, 3) for i in range(16) for j in range(9)]
    labels, flow = discs(72, 128, circles)
    assert group(labels, flow).max() == 144


def test_walks_stay_in_the_map():
    flow = torch.full((2, 4, 6), 3.)
    ends = walk(flow, torch.tensor([[0, 0], [5, 3]]), 9)
    assert ends.tolist() == [[5, 3], [5, 3]]


def test_walk_interpolates():
    flow = torch.zeros(2, 1, 3)
    flow[0, 0] = torch.tensor([0.5, 0.25, 0])
    # From 0 to 0.5; there the step is the mean of 0.5 and 0.25.
    ends = walk(flow, torch.tensor([[0, 0]]), 2)
    assert ends[0].tolist() == pytest.approx([0.875, 0])


def test_a_cell_of_two_halves_scores_less():
    labels, flow = discs(30, 50, [(12, 14, 8), (36, 14, 8)])
    probs = np.full(labels.shape, 0.9)
    whole = flow_scores(labels, probs, flow)
    # The first disc is taken for two cells, left and right of its middle.
    halves = labels.copy()
    halves[(labels == 1) & (np.arange(50) < 12)] = 3
    cut = flow_scores(halves, probs, flow)
    assert whole.shape == (2, ) and cut.shape == (3, )
    assert whole[0] == pytest.approx(whole[1])
    assert (cut[[0, 2]] < 0.8 * whole[0]).all()
    assert cut[1] == pytest.approx(whole[1])
    assert (whole <= 0.9).all()


def test_scores_of_nothing():
    empty = np.zeros((4, 5), np.int32)
    assert flow_scores(empty, empty, np.zeros((2, 4, 5))).shape == (0, )
    codes, bboxes = label_codes(empty, empty, (2, 2), 8, 10, 0.5)
    assert codes == [] and bboxes.shape == (0, 4)


def decoded(codes, height, width):
    return np.stack([
        mask_api.decode(rle) for rle in to_rles(codes, height, width)
    ]).astype(bool)


def test_at_stride_1_masks_are_the_labels():
    labels, _ = discs(20, 30, [(3, 3, 5), (20, 10, 6)])
    codes, bboxes = label_codes(labels, np.ones((20, 30)), (1, 1), 20, 30, 0.5)
    masks = decoded(codes, 20, 30)
    assert (masks[0] == (labels == 1)).all()
    assert (masks[1] == (labels == 2)).all()
    assert bboxes.tolist() == [[0, 0, 9, 9], [14, 4, 27, 17]]


@pytest.mark.parametrize('stride', [(2, 2), (3.5, 2.5), (0.5, 0.5)])
def test_masks_are_enlarged_about_their_places(stride):
    labels, _ = discs(24, 32, [(8, 9, 6)])
    height, width = int(24 * stride[1]), int(32 * stride[0])
    codes, bboxes = label_codes(labels, np.ones((24, 32)), stride, height,
                                width, 0.5)
    y, x = np.nonzero(decoded(codes, height, width)[0])
    assert (x.mean() + 0.5) / stride[0] == pytest.approx(8.5, abs=0.2)
    assert (y.mean() + 0.5) / stride[1] == pytest.approx(9.5, abs=0.2)
    assert len(x) == pytest.approx(
        (labels == 1).sum() * stride[0] * stride[1], rel=0.1)
    assert bboxes[0].tolist() == [x.min(), y.min(), x.max() + 1, y.max() + 1]


def test_improbable_pixels_are_left_out():
    labels = np.ones((1, 4), np.int32)
    probs = np.array([[0.9, 0.9, 0.3, 0.3]])
    codes, bboxes = label_codes(labels, probs, (1, 1), 1, 4, 0.5)
    assert decoded(codes, 1, 4)[0].tolist() == [[True, True, False, False]]
    codes, bboxes = label_codes(labels, probs, (1, 1), 1, 4, 0.95)
    assert not decoded(codes, 1, 4).any()
    assert bboxes.tolist() == [[0, 0, 0, 0]]
