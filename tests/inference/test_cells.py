import numpy as np
import pytest
from pycocotools import mask as mask_utils

from pace_mmdet.inference.cells import cells_from_codes, join_cells

from .conftest import bitmaps_of, cells_of, random_masks


def test_codes_and_back():
    masks = random_masks(40, 9, 12)
    cells = cells_of(masks)
    codes = cells.codes()
    for mask, code in zip(masks, codes):
        assert code['size'] == [9, 12]
        assert np.array_equal(mask_utils.decode(code), mask)
    again = cells_from_codes(codes, cells.bboxes, cells.scores, cells.labels,
                             9, 12)
    assert np.array_equal(bitmaps_of(again), masks)
    assert np.array_equal(again.mask_boxes, cells.mask_boxes)
    assert np.array_equal(again.areas, [mask.sum() for mask in masks])


def test_masks_without_a_pixel_are_left_out():
    empty = mask_utils.encode(np.zeros((4, 5), np.uint8, order='F'))
    full = mask_utils.encode(np.ones((4, 5), np.uint8, order='F'))
    cells = cells_from_codes([empty, full], np.arange(8).reshape(2, 4),
                             [0.5, 0.25], [0, 1], 4, 5)
    assert len(cells) == 1
    assert cells.scores.tolist() == [0.25] and cells.labels.tolist() == [1]
    assert cells.bboxes.tolist() == [[4, 5, 6, 7]]


def test_the_better_cell_is_above_in_a_label_image():
    one, other = np.zeros((2, 4, 6), bool)
    one[1:3, :4], other[:, 3:5] = True, True
    labels = cells_of([one, other], [0.5, 0.75]).label_image(np.uint16)
    assert labels.dtype == np.uint16
    assert labels.tolist() == [[0, 0, 0, 2, 2, 0], [1, 1, 1, 2, 2, 0],
                               [1, 1, 1, 2, 2, 0], [0, 0, 0, 2, 2, 0]]
    alike = cells_of([one, other], [0.5, 0.5]).label_image()
    assert alike[1, 3] == 1


@pytest.mark.parametrize('index', [
    slice(1, None), np.array([2, 0]), np.array([True, False, True]), []
])
def test_some_of_them(index):
    masks = np.array(random_masks(3, 5, 5))
    cells = cells_of(masks)
    some = cells[index]
    assert np.array_equal(bitmaps_of(some), masks[np.arange(3)[index]
                                                  if len(cells[index]) else
                                                  []])
    assert some.scores.tolist() == cells.scores[np.arange(3)[index]
                                                if len(some) else
                                                []].tolist()


def test_moved_and_joined():
    masks = random_masks(3, 5, 6)
    moved = cells_of(masks).shifted(2, 1, 8, 10)
    expected = np.zeros((3, 8, 10), bool)
    expected[:, 1:6, 2:8] = masks
    assert np.array_equal(bitmaps_of(moved), expected)
    both = join_cells([cells_of([], shape=(8, 10)), moved, moved[:1]])
    assert len(both) == 4 and (both.height, both.width) == (8, 10)


def test_no_cells():
    cells = cells_from_codes([], [], [], [], 3, 4)
    assert len(cells) == 0 and cells.codes() == []
    assert cells.mask_boxes.shape == (0, 4)
    assert not cells.label_image().any()
