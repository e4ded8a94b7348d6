"""Losses of the foreground and the flow, against plain loops."""
import math

import numpy as np
import pytest
import torch

from pace_mmdet.models import center_flow
from pace_mmdet.models.center_flow import (FLOW_LENGTH, candidate_boxes,
                                           directions, mask_losses,
                                           owned_directions, pixel_centers,
                                           point_losses, region_losses)

BOXES = torch.tensor([[2., 2, 14, 10], [8, 4, 20, 12], [24, 2, 30, 14]])


def softplus(x):
    return math.log1p(math.exp(x))


def toward(place, box):
    """Unit vector to a box's middle; shorter within a pixel of it."""
    x = (box[0] + box[2]) / 2 - place[0]
    y = (box[1] + box[3]) / 2 - place[1]
    return x / max(math.hypot(x, y), 1), y / max(math.hypot(x, y), 1)


def boxes_around(place, boxes):
    return [i for i, (x1, y1, x2, y2) in enumerate(boxes)
            if x1 < place[0] < x2 and y1 < place[1] < y2]


def squared(place, box):
    x = (place[0] - (box[0] + box[2]) / 2) / ((box[2] - box[0]) / 2)
    y = (place[1] - (box[1] + box[3]) / 2) / ((box[3] - box[1]) / 2)
    return x * x + y * y


def maps(height=8, width=16, seed=0):
    torch.manual_seed(seed)
    return torch.randn(height, width), 3 * torch.randn(2, height, width)


def test_pixel_centers():
    centers = pixel_centers(2, 3, 2, torch.device('cpu'))
    assert centers.shape == (2, 3, 2)
    assert centers[1, 2].tolist() == [5, 3]


def test_directions_shrink_at_the_middle():
    found = directions(
        torch.tensor([[0., 0], [4.5, 3], [5, 3]]), torch.tensor([5., 3]))
    assert found[0].norm() == pytest.approx(1)
    assert found[1].tolist() == [0.5, 0]
    assert found[2].tolist() == [0, 0]


@pytest.mark.parametrize('most', [1, 2, 9])
@pytest.mark.parametrize('at_once', [1, 10_000])
def test_candidate_boxes(monkeypatch, most, at_once):
    monkeypatch.setattr(center_flow, '_PAIRS_AT_ONCE', at_once)
    places = pixel_centers(8, 16, 2, torch.device('cpu')).view(-1, 2)
    index, square, count = candidate_boxes(*places.T, BOXES, most)
    boxes = BOXES.tolist()
    for place, row, values, number in zip(places.tolist(), index.tolist(),
                                          square.tolist(), count.tolist()):
        around = sorted(boxes_around(place, boxes),
                        key=lambda i: squared(place, boxes[i]))
        assert number == len(around)
        assert len(row) == min(most, 3)
        kept = [i for i, value in zip(row, values) if value < math.inf]
        assert kept == around[:most]
        assert values[:len(kept)] == pytest.approx(
            [squared(place, boxes[i]) for i in kept])


@pytest.mark.parametrize('at_once', [1, 100])
def test_a_grid_is_its_places(monkeypatch, at_once):
    grid = pixel_centers(8, 16, 2, torch.device('cpu'))
    flow = torch.randn(8, 16, 2, generator=torch.Generator().manual_seed(0))
    expected = owned_directions(
        *grid.view(-1, 2).T, BOXES, flow.view(-1, 2))
    monkeypatch.setattr(center_flow, '_PAIRS_AT_ONCE', at_once)
    found = owned_directions(grid[:1, :, 0], grid[:, :1, 1], BOXES, flow)
    assert torch.equal(found[0], expected[0].view(8, 16, 2))
    assert torch.equal(found[1], expected[1].view(8, 16))


def test_a_box_without_area_holds_no_pixel():
    places = pixel_centers(4, 4, 2, torch.device('cpu')).view(-1, 2)
    _, square, count = candidate_boxes(
        *places.T, torch.tensor([[3., 1, 3, 7], [8., 8, 8, 8]]), 3)
    assert torch.isfinite(square).sum() == count.sum()
    assert not torch.isnan(square).any()


def test_the_flow_decides_where_boxes_overlap():
    place = torch.tensor([[11., 7]])  # as central in both
    left, right = ((BOXES[i, :2] + BOXES[i, 2:]) / 2 for i in (0, 1))
    for center in (left, right):
        flow = directions(place, center)
        found, count = owned_directions(*place.T, BOXES, flow)
        assert count.item() == 2
        assert torch.allclose(found, directions(place, center))


def test_region_losses():
    logits, flow = maps()
    valid = torch.ones(8, 16, dtype=torch.bool)
    valid[:, 13:] = False
    outside, error = region_losses(logits, flow, BOXES, valid, 2)
    boxes, off, errors = BOXES.tolist(), [], []
    for row in range(8):
        for column in range(13):
            place = 2 * column + 1, 2 * row + 1
            around = boxes_around(place, boxes)
            now = (flow[:, row, column] / FLOW_LENGTH).tolist()
            target = 0, 0
            if around:
                def fits(i):
                    to = toward(place, boxes[i])
                    cosine = to[0] * now[0] + to[1] * now[1]
                    return 2 * min(max(cosine, -1), 1) - squared(
                        place, boxes[i])
                to = toward(place, boxes[max(around, key=fits)])
                prob = 1 / (1 + math.exp(-logits[row, column]))
                target = to[0] * prob, to[1] * prob
            else:
                off.append(softplus(logits[row, column].item()))
            errors.append(np.mean([
                (FLOW_LENGTH * (a - b))**2 for a, b in zip(now, target)]))
    assert outside.item() == pytest.approx(np.mean(off), rel=1e-5)
    assert error.item() == pytest.approx(np.mean(errors), rel=1e-4)


def test_region_losses_without_a_cell_and_without_background():
    logits, flow = maps()
    valid = torch.ones(8, 16, dtype=torch.bool)
    outside, error = region_losses(logits, flow, BOXES[:0], valid, 2)
    assert outside == pytest.approx(
        torch.nn.functional.softplus(logits).mean().item())
    assert error == pytest.approx(flow.square().mean().item())
    everything = torch.tensor([[-1., -1, 40, 40]])
    outside, _ = region_losses(logits, flow, everything, valid, 2)
    assert outside == 0
    outside, error = region_losses(logits, flow, BOXES, ~valid, 2)
    assert outside == 0 and error == 0


def test_point_losses():
    logits, flow = maps()
    points = torch.tensor([
        # At pixels' middles: yes, no in one box, not to be used
        [[5., 5, 1], [3, 3, 0], [5, 7, -1]],
        # no where the first cell might be, yes where both are
        [[11, 7, 0], [13, 7, 1], [0, 0, -1]],
        [[0, 0, -1], [0, 0, -1], [0, 0, -1]],
    ])
    answers, error = point_losses(logits, flow, points, BOXES, 2)

    def at(x, y):
        return logits[(y - 1) // 2, (x - 1) // 2].item()

    expected = [softplus(-at(5, 5)), softplus(at(3, 3)), softplus(-at(13, 7))]
    assert answers.item() == pytest.approx(np.mean(expected), rel=1e-5)
    errors = []
    for (x, y), box in (((5, 5), 0), ((13, 7), 1)):
        to = toward((x, y), BOXES[box].tolist())
        now = flow[:, (y - 1) // 2, (x - 1) // 2].tolist()
        errors.append(np.mean([(FLOW_LENGTH * a - b)**2
                               for a, b in zip(to, now)]))
    assert error.item() == pytest.approx(np.mean(errors), rel=1e-5)


@pytest.mark.parametrize('points', [
    torch.zeros(0, 4, 3),
    torch.zeros(3, 0, 3),
    torch.full((3, 4, 3), -1.),
])
def test_no_point_to_learn_from(points):
    logits, flow = (values.requires_grad_() for values in maps())
    losses = point_losses(logits, flow, points, BOXES[:len(points)], 2)
    assert [loss.item() for loss in losses] == [0, 0]
    sum(losses).backward()
    assert not logits.grad.any()


def test_mask_losses():
    logits, flow = maps()
    masks = torch.zeros(2, 16, 32, dtype=torch.bool)
    masks[0, 2:10, 2:14] = True
    masks[0, 10, 2:14] = True  # half of a row of the maps
    masks[1, 4:8, 8:14] = True  # on the first, and smaller
    valid = torch.ones(8, 16, dtype=torch.bool)
    loss, error = mask_losses(logits, flow, masks, BOXES[:2], valid, 2)
    losses, errors = [], []
    for row in range(8):
        for column in range(16):
            y, x = 2 * row, 2 * column
            shares = masks[:, y:y + 2, x:x + 2].float().mean((1, 2)).tolist()
            owner = 1 if shares[1] else 0
            share = min(sum(shares), 1)
            logit = logits[row, column].item()
            losses.append(share * softplus(-logit) +
                          (1 - share) * softplus(logit))
            to = toward((x + 1, y + 1), BOXES[owner].tolist())
            errors.append(np.mean([
                (FLOW_LENGTH * share * a - b)**2
                for a, b in zip(to, flow[:, row, column].tolist())]))
    assert loss.item() == pytest.approx(np.mean(losses), rel=1e-5)
    assert error.item() == pytest.approx(np.mean(errors), rel=1e-5)


def test_mask_losses_of_odd_sizes_and_of_nothing():
    logits, flow = maps()
    valid = torch.ones(8, 16, dtype=torch.bool)
    smaller = torch.ones(1, 13, 31, dtype=torch.bool)
    loss, _ = mask_losses(logits, flow, smaller, BOXES[:1], valid, 2)
    assert torch.isfinite(loss)
    loss, error = mask_losses(logits, flow, smaller[:0], BOXES[:0], valid, 2)
    assert loss == pytest.approx(
        torch.nn.functional.softplus(logits).mean().item())
    assert error == pytest.approx(flow.square().mean().item())


def test_what_is_learned_is_the_box_that_owns_the_pixel():
    """From points and boxes alone, two touching cells come apart."""
    torch.manual_seed(0)
    boxes = torch.tensor([[2., 2, 18, 30], [16., 2, 30, 30]])
    points = torch.tensor([[[9., 15, 1], [17, 15, 1]],
                           [[25., 15, 1], [3, 3, 0]]])
    logits = torch.zeros(16, 16, requires_grad=True)
    flow = torch.zeros(2, 16, 16, requires_grad=True)
    valid = torch.ones(16, 16, dtype=torch.bool)
    optimizer = torch.optim.Adam([logits, flow], lr=0.3)
    for _ in range(60):
        losses = [*region_losses(logits, flow, boxes, valid, 2),
                  *point_losses(logits, flow, points, boxes, 2)]
        optimizer.zero_grad()
        sum(losses).backward()
        optimizer.step()
    assert (logits[0] < 0).all() and logits[7, 4] > 0
    assert flow[0, 7, 2] > 0 and flow[0, 7, 7] < 0  # to the first's middle
    assert flow[0, 7, 9] > 0 and flow[0, 7, 14] < 0  # to the second's
