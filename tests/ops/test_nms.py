"""The boxes kept, against the rule written plainly."""
import math
import tracemalloc

import pytest
import torch

from pace_mmdet.ops import nms as module
from pace_mmdet.ops.nms import nms

from . import oracles
from .conftest import needs_torchvision

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize('boxes, scores, threshold, offset, kept', [
    # Nothing, and one.
    ([], [], 0.5, 0, []),
    ([[0, 0, 4, 4]], [0.1], 0.5, 0, [0]),
    # IoU 0.5 is not more than 0.5; 0.49 is less than that.
    ([[0, 0, 4, 4], [0, 0, 4, 2]], [0.1, 0.2], 0.5, 0, [1, 0]),
    ([[0, 0, 4, 4], [0, 0, 4, 2]], [0.1, 0.2], 0.49, 0, [1]),
    # The second is suppressed, so it does not suppress the third.
    ([[0, 0, 4, 4], [2, 0, 6, 4], [4, 0, 8, 4]], [3, 2, 1], 0.3, 0, [0, 2]),
    # Equal scores: the first of them.
    ([[0, 0, 4, 4]] * 3 + [[9, 0, 13, 4]], [1, 1, 1, 1], 0.5, 0, [0, 3]),
    ([[0, 0, 4, 4]] * 2, [0.0, -0.0], 0.5, 0, [0]),
    # Negative scores are in order, too.
    ([[0, 0, 1, 1], [2, 0, 3, 1], [4, 0, 5, 1]], [-1, -3, -2], 0.5, 0,
     [0, 2, 1]),
    # Boxes without area meet no box, nor each other.
    ([[1, 1, 1, 1]] * 2 + [[0, 0, 2, 2]], [1, 2, 3], 0.0, 0, [2, 1, 0]),
    # With whole pixels they are one pixel.
    ([[1, 1, 1, 1]] * 2, [1, 2], 0.5, 1, [1]),
    # Touching is no overlap, and one pixel shared is one.
    ([[0, 0, 2, 2], [2, 0, 4, 2]], [1, 2], 0.0, 0, [1, 0]),
    ([[0, 0, 2, 2], [2, 0, 4, 2]], [1, 2], 0.0, 1, [1]),
    # Corners the wrong way round.
    ([[4, 4, 0, 0], [0, 0, 4, 4]], [1, 2], 0.1, 0, [1, 0]),
    # What is not finite is kept and suppresses nothing.
    ([[NAN] * 4, [0, 0, INF, INF], [0, 0, 4, 4], [-INF, 0, 4, 4],
      [0, 0, 4, 4]], [5, 4, 3, 2, 1], 0.1, 0, [0, 1, 2, 3]),
    # Far from the origin.
    ([[1e6, 1e6, 1e6 + 4, 1e6 + 4], [1e6 + 1, 1e6, 1e6 + 5, 1e6 + 4]],
     [1, 2], 0.5, 0, [1]),
    # A threshold of 1 or more: nothing overlaps more.
    ([[0, 0, 4, 4]] * 2, [1, 2], 1.0, 0, [1, 0]),
    ([[0, 0, 4, 4]] * 2, [1, 2], 1.5, 0, [1, 0]),
])
@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_small_cases(boxes, scores, threshold, offset, kept, dtype):
    found = nms(torch.tensor(boxes, dtype=dtype).reshape(-1, 4),
                torch.tensor(scores, dtype=dtype), threshold, offset)
    assert found.dtype == torch.int64 and found.tolist() == kept


@pytest.mark.parametrize('threshold', [-0.1, NAN])
def test_no_threshold(threshold):
    with pytest.raises(ValueError, match='iou_threshold'):
        nms(torch.rand(3, 4), torch.rand(3), threshold)


def random_boxes(count, places, ties=False):
    """Boxes in so many heaps on 500 x 300 pixels, and their scores.

    In quarters of a pixel and of a power of two, so that float32 rounds
    nothing away that float64 keeps.
    """
    torch.manual_seed(count + places)
    centres = torch.rand(places, 2) * torch.tensor([500., 300.])
    sizes = 10 + torch.rand(places, 2) * 20
    pick = torch.randint(places, (count, ))
    centres = centres[pick] + torch.randn(count, 2) * sizes[pick] * 0.15
    sizes = sizes[pick] * torch.exp(torch.randn(count, 2) * 0.15)
    boxes = torch.cat([centres - sizes / 2, centres + sizes / 2], 1)
    scores = (torch.randint(5, (count, )).float() if ties else
              torch.randperm(count) / count)
    return (boxes * 4).round() / 4, scores


@pytest.mark.parametrize('offset', [0, 1])
@pytest.mark.parametrize('threshold', [0.0, 0.3, 0.7])
@pytest.mark.parametrize('count, places, ties', [
    (400, 400, False), (400, 20, True), (500, 2, False)])
def test_many_boxes(count, places, ties, threshold, offset):
    """Several blocks, and chunks of pairs in them."""
    boxes, scores = random_boxes(count, places, ties)
    expected = oracles.nms(boxes.tolist(), scores.tolist(), threshold, offset)
    assert nms(boxes, scores, threshold, offset).tolist() == expected


def test_small_blocks_and_chunks(monkeypatch):
    monkeypatch.setattr(module, '_BLOCK', 1)
    monkeypatch.setattr(module, '_GROWTH', 1)
    monkeypatch.setattr(module, '_CHUNK', 3)
    boxes, scores = random_boxes(200, 10)
    expected = oracles.nms(boxes.tolist(), scores.tolist(), 0.4)
    assert nms(boxes, scores, 0.4).tolist() == expected


def test_a_chain_of_suppressions():
    """Each box overlaps its neighbours, scores from one end to the other."""
    left = torch.arange(1000.)
    boxes = torch.stack(
        [left, torch.zeros(1000), left + 3, torch.ones(1000)], 1)
    assert nms(boxes, -left, 0.45).tolist() == list(range(0, 1000, 2))


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_types_of_16_bits(dtype):
    boxes, scores = random_boxes(100, 5)
    boxes, scores = boxes.to(dtype), scores.to(dtype)
    expected = oracles.nms(boxes.tolist(), scores.tolist(), 0.5)
    assert nms(boxes, scores, 0.5).tolist() == expected


def test_memory_is_bounded():
    """Three columns of 4,000 boxes: 24 million pairs meet along x."""
    top = torch.arange(12000.) // 3 * 10
    left = torch.arange(12000.) % 3 * 10
    boxes = torch.stack([left, top, left + 9, top + 9], 1)
    scores = -torch.arange(12000.)
    nms(boxes[:500], scores[:500], 0.5)
    tracemalloc.start()
    kept = nms(boxes, scores, 0.5)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert torch.equal(kept, torch.arange(12000))
    assert peak < 10e6


@needs_torchvision
@pytest.mark.parametrize('threshold', [0.3, 0.7])
def test_torchvision_keeps_the_same(threshold):
    boxes, scores = random_boxes(500, 20)
    assert torch.equal(module._torchvision(boxes, scores, threshold),
                       nms(boxes, scores, threshold))
