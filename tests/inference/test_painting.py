import numpy as np
import pytest

from pace_mmdet.inference import painting
from pace_mmdet.inference.painting import LabelPlane

from .conftest import cells_of, random_masks


@pytest.mark.parametrize('block', [7, 16, 64])
@pytest.mark.parametrize('count', [0, 1, 30])
def test_blocks_are_those_of_the_label_image(monkeypatch, block, count):
    monkeypatch.setattr(painting, 'BLOCK', block)
    monkeypatch.setattr(painting, '_BAND', 4)
    masks = random_masks(count, 37, 50, seed=block)
    scores = np.random.default_rng(0).choice((0.5, 0.7), count)
    cells = cells_of(masks, scores, (37, 50))
    tops = cells.mask_boxes
    cells = cells[np.lexsort((tops[:, 0], tops[:, 1]))]
    plane = LabelPlane.of(cells)
    assert max(plane.sizes[-1]) <= block
    assert len(plane.sizes) == 1 or max(plane.sizes[-2]) > block
    whole = cells.label_image()
    for level, size in enumerate(plane.sizes):
        wanted = whole[::2**level, ::2**level]
        assert wanted.shape == size
        found = np.zeros_like(wanted)
        for row in range(-(-size[0] // block)):
            for column, part in plane.blocks(level, row, np.uint16).items():
                found[row * block:(row + 1) * block,
                      column * block:(column + 1) * block] = part
        assert np.array_equal(found, wanted)
