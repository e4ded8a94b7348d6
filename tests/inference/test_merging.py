import numpy as np
import pytest
from scipy import ndimage

from pace_mmdet.inference.merging import (drop_duplicates, drop_hidden,
                                          merge_tiles, shared_pixels,
                                          touching_pairs)
from pace_mmdet.inference.thresholding import ThresholdDetector
from pace_mmdet.inference.tiling import Layout, plan_tiles
from pace_mmdet.testing import synthetic_cells

from .conftest import bitmaps_of, cells_of, random_masks

TWO_TILES = Layout([(0, 70), (30, 100)], [(0, 20)])


def find_in_tiles(img, layout, detector=ThresholdDetector(0)):
    tiles = layout.tiles()
    found = detector([tile.cut(img) for tile in tiles], 1.0)
    return [cells.shifted(tile.x1, tile.y1, *img.shape)
            for tile, cells in zip(tiles, found)]


def assert_same_masks(cells, img):
    """As many cells as connected parts, each the same pixels."""
    expected, count = ndimage.label(img > 0)
    assert len(cells) == count
    labels = cells.label_image()
    assert np.array_equal(labels > 0, expected > 0)
    pairs = np.unique(np.stack([labels, expected]).reshape(2, -1), axis=1)
    assert pairs.shape[1] == count + 1


@pytest.mark.parametrize(('size', 'overlap', 'step'), [
    (64, 40, 1), (64, 32, 8), (100, 40, 16), (150, 50, 1), (63, 34, 5)
])
def test_cells_come_out_once_and_whole(size, overlap, step):
    img = np.where(synthetic_cells(90, 300, 260, seed=1).image > 100, 1, 0)
    layout = plan_tiles(*img.shape, size, overlap, step)
    assert len(layout.tiles()) > 3
    cells, joined = merge_tiles(find_in_tiles(img, layout), layout)
    assert_same_masks(cells, img)
    assert joined == 0


def test_cells_larger_than_the_overlap_are_put_together():
    img = np.zeros((200, 230), np.uint8)
    img[10:190, 20:30] = 1  # through all rows
    img[90:110, 50:220] = 1  # through all columns
    img[:80, 60:200] = 1  # in both directions
    img[20:60, 90:150] = 0  # with a hole
    img[130:140, 150:160] = 1  # a small one
    layout = plan_tiles(200, 230, 64, 16)
    cells, joined = merge_tiles(find_in_tiles(img, layout), layout)
    assert_same_masks(cells, img)
    assert joined == 3


def test_a_cell_that_two_tiles_place_differently_is_not_lost():
    """Each tile thinks that it is on the other's side of the middle."""
    parts = []
    for left in (46, 44):
        mask = np.zeros((20, 100), bool)
        mask[5:15, left:left + 10] = True
        parts.append(cells_of([mask], [0.5 + left / 1000]))
    cells, _ = merge_tiles(parts, TWO_TILES)
    assert len(cells) == 1 and cells.corners[0, 0] == 46


def test_what_a_tile_sees_at_its_rim_does_not_count():
    mask = np.zeros((20, 100), bool)
    mask[5:15, 56:70] = True
    cells, _ = merge_tiles([cells_of([mask]), cells_of([], shape=(20, 100))],
                           TWO_TILES)
    assert len(cells) == 0
    cells, _ = merge_tiles([cells_of([], shape=(20, 100)), cells_of([mask])],
                           TWO_TILES)
    assert len(cells) == 1


def test_one_tile_and_no_cells():
    layout = plan_tiles(10, 10, 64, 16)
    cells, joined = merge_tiles([cells_of([], shape=(10, 10))], layout)
    assert len(cells) == joined == 0


@pytest.mark.parametrize(('shift', 'left'), [(3, 1), (4, 2), (10, 2)])
def test_duplicates(shift, left):
    one, other = np.zeros((2, 10, 30), bool)
    one[:, 5:15] = True
    other[:, 5 + shift:15 + shift] = True
    cells = drop_duplicates(cells_of([one, other], [0.6, 0.9]))
    assert len(cells) == left
    assert cells.scores.max() == 0.9


def test_a_dropped_cell_drops_no_other():
    """The second loses to the first, so the third stays."""
    masks = np.zeros((3, 10, 40), bool)
    for mask, start in zip(masks, (0, 3, 6)):
        mask[:, start:start + 10] = True
    cells = drop_duplicates(cells_of(masks, [0.9, 0.8, 0.7]))
    assert cells.scores.tolist() == [0.9, 0.7]


def test_hidden_cells():
    masks = np.zeros((4, 6, 20), bool)
    masks[0, :, :10] = True
    masks[1, :, 10:] = True
    masks[2, 2:4, 5:15] = True  # half under each
    masks[3, 4:, 9:] = True
    masks[3, 5, 19] = True
    cells = cells_of(masks, [0.9, 0.8, 0.7, 0.8])
    # The last scores like the second, which comes before it.
    assert drop_hidden(cells).scores.tolist() == [0.9, 0.8]
    cells = cells_of(masks, [0.9, 0.8, 0.85, 0.81])
    assert len(drop_hidden(cells)) == 4


def test_shown_is_what_a_label_image_shows():
    masks = random_masks(60, 12, 12)
    scores = np.random.default_rng(0).integers(0, 9, 60) / 10
    cells = cells_of(masks, scores)
    labels = cells.label_image()
    shown = np.unique(labels[labels > 0]) - 1
    assert drop_hidden(cells).scores.tolist() == scores[shown].tolist()
    assert len(shown) < 60


def test_shared_pixels_against_bitmaps():
    cells = cells_of(random_masks(30, 15, 20))
    masks = bitmaps_of(cells).reshape(30, -1).astype(int)
    shared = masks @ masks.T
    pairs = touching_pairs(cells)
    assert np.array_equal(shared_pixels(cells, pairs), shared[tuple(pairs.T)])
    listed = set(map(tuple, pairs.tolist()))
    assert {(i, j) for i in range(30) for j in range(i + 1, 30)
            if shared[i, j]} <= listed
