"""Finding the cells that tell models apart."""
import numpy as np
import pytest
from pycocotools import mask as mask_utils

from pace_mmdet.visualization.matching import (best_ious, most_different,
                                               run_length_codes)


def square(x, y, side):
    return [[x, y, x + side, y, x + side, y + side, x, y + side]]


def codes(*squares):
    return run_length_codes([square(*s) for s in squares], 40, 60)


def test_codes_of_all_forms_are_the_same():
    expected = codes((3, 4, 5))
    bitmap = mask_utils.decode(expected[0])
    runs = mask_utils.decode(expected[0]).T.reshape(-1)
    ends = np.flatnonzero(np.diff(runs)) + 1
    counts = np.diff(np.r_[0, ends, len(runs)]).tolist()
    assert run_length_codes(bitmap[None], 40, 60) == expected
    assert run_length_codes(expected, 40, 60) == expected
    assert run_length_codes([dict(size=[40, 60], counts=counts)], 40,
                            60) == expected
    assert run_length_codes([], 40, 60) == []
    assert run_length_codes(np.zeros((0, 40, 60), bool), 40, 60) == []


def test_cells_without_a_mask_have_no_pixel():
    assert best_ious(run_length_codes([[[1, 1, 5, 5]], square(3, 4, 5)], 40,
                                      60), codes((3, 4, 5))).tolist() == [0, 1]


@pytest.mark.parametrize('masks', [
    np.zeros((1, 40, 61), bool),
    [dict(size=[40, 61], counts=[40 * 61])],
    [dict(size=[40, 60], counts='P')],
])
def test_what_is_no_mask_of_the_image_is_refused(masks):
    with pytest.raises(ValueError, match='size|cut off'):
        run_length_codes(masks, 40, 60)


def test_best_iou_of_each_cell():
    truth = codes((0, 0, 10), (20, 20, 10), (40, 20, 10))
    predictions = codes((0, 0, 10), (20, 20, 5), (20, 20, 8))
    assert best_ious(truth, predictions) == pytest.approx([1, 0.64, 0])
    assert best_ious(truth, []).tolist() == [0, 0, 0]
    assert best_ious([], predictions).tolist() == []


def test_best_iou_of_more_cells_than_are_matched_at_once():
    truth = codes(*[(i % 50, i % 30, 5) for i in range(300)])
    assert (best_ious(truth, truth) == 1).all()


def test_order_of_difference():
    truth = codes((0, 0, 10), (20, 20, 10), (40, 20, 10))
    good, bad = truth, codes((0, 0, 10), (20, 20, 8))
    assert most_different(truth, [good, bad]).tolist() == [2, 1, 0]
    assert most_different(truth, [bad]).tolist() == [2, 1, 0]
    assert most_different(truth, [bad, bad]).tolist() == [0, 1, 2]
    assert most_different([], [bad]).tolist() == []
