"""What an annotator says of the cells that a model finds."""
import itertools

import numpy as np
import pytest

from pace_mmdet.masks.corrections import (Corrections, correct, free_places,
                                          overlaps, shared_area)

CELL, BESIDE = (10, 10, 20, 20), (30, 10, 20, 20)
MOVED = (12, 11, 20, 20)  # the same cell, seen a little differently
HALF = (10, 10, 20, 10)


def test_shared_area_and_overlap():
    boxes = np.array([CELL, BESIDE, HALF, (0, 0, 100, 100)], float)
    assert shared_area(CELL, boxes).tolist() == [400, 0, 200, 400]
    assert overlaps(CELL, boxes).tolist() == [1, 0, 0.5, 0.04]


def test_overlaps_of_random_boxes():
    """Pixel by pixel."""
    random = np.random.default_rng(0)
    boxes = random.integers(1, 12, (40, 4))

    def pixels(box):
        x, y, width, height = box
        return set(itertools.product(range(x, x + width),
                                     range(y, y + height)))

    for box in boxes:
        shared = [len(pixels(box) & pixels(other)) for other in boxes]
        union = [len(pixels(box) | pixels(other)) for other in boxes]
        assert shared_area(box, boxes.astype(float)).tolist() == shared
        assert np.allclose(overlaps(box, boxes.astype(float)),
                           np.divide(shared, union))


@pytest.mark.parametrize(('proposed', 'taken', 'free'), [
    ([], [CELL], []), ([CELL], [], [True]),
    ([CELL, BESIDE], [MOVED], [False, True]),
    # Half of the smaller one is the same place, whichever that is.
    ([HALF], [CELL], [False]), ([CELL], [HALF], [False]),
    ([(10, 10, 20, 20)], [(10, 21, 20, 20)], [True]),
])
def test_free_places(proposed, taken, free):
    assert free_places(proposed, taken).tolist() == free


@pytest.mark.parametrize(('cells', 'boxes', 'rejected', 'kept', 'dropped',
                          'without'), [
    ([], [CELL], [], [], [], 1),
    ([CELL, BESIDE], [], [], [0, 0], [0, 0], 0),
    ([CELL, BESIDE], [], [MOVED], [0, 0], [1, 0], 0),
    ([MOVED, BESIDE], [CELL], [], [1, 0], [0, 0], 0),
    # Of two at one box the better fitting one, also if the other is there.
    ([HALF, MOVED], [CELL], [], [0, 1], [1, 0], 0),
    # A box outdoes a rejection of the same place.
    ([CELL], [CELL], [MOVED], [1], [0], 0),
    # Each box has a cell of its own.
    ([CELL, MOVED], [CELL, MOVED], [], [1, 1], [0, 0], 0),
    ([CELL], [CELL, MOVED], [], [1], [0], 1),
    # A cell that is much larger than a box at its place is none.
    ([(0, 0, 60, 60)], [CELL], [], [0], [1], 1),
    ([CELL], [(60, 60, 9, 9)], [], [0], [0], 1),
])
def test_correct(cells, boxes, rejected, kept, dropped, without):
    found = correct(cells, Corrections(boxes, rejected))
    assert found.kept.tolist() == [bool(flag) for flag in kept]
    assert found.dropped.tolist() == [bool(flag) for flag in dropped]
    assert found.without == without


def test_what_is_shown():
    found = correct([CELL, BESIDE, (60, 0, 9, 9), (60, 40, 9, 9)],
                    Corrections([CELL], [BESIDE]))
    assert found.shown(np.array([0.1, 0.9, 0.3, 0.2]), 0.25).tolist() == [
        True, False, True, False]
