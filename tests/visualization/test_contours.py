"""Outlines of masks in all forms."""
import numpy as np
import pytest
import torch
from mmdet.structures.mask import BitmapMasks, PolygonMasks
from pycocotools import mask as mask_utils

from pace_mmdet.visualization.contours import mask_outlines


def bitmap(height, width, *boxes):
    """Boxes (x1, y1, x2, y2) of pixels set in an empty image."""
    mask = np.zeros((height, width), bool)
    for x1, y1, x2, y2 in boxes:
        mask[y1:y2, x1:x2] = True
    return mask


def compressed(mask):
    return mask_utils.encode(np.asfortranarray(mask, dtype=np.uint8))


def as_text(mask):
    code = compressed(mask)
    return dict(size=code['size'], counts=code['counts'].decode())


def uncompressed(mask):
    pixels = mask.T.reshape(-1)
    ends = np.r_[np.flatnonzero(np.diff(pixels)) + 1, len(pixels)]
    counts = np.diff(np.r_[0, ends]).tolist()
    return dict(
        size=list(mask.shape), counts=([0] if pixels[0] else []) + counts)


def extent(outline):
    rings = np.concatenate(outline)
    return [*rings.min(0), *rings.max(0)]


FORMS = {
    'bitmaps':
    lambda masks: np.stack(masks),
    'uint8':
    lambda masks: np.stack(masks).astype(np.uint8),
    'tensor':
    lambda masks: torch.from_numpy(np.stack(masks)),
    'BitmapMasks':
    lambda masks: BitmapMasks(
        np.stack(masks).astype(np.uint8), *masks[0].shape),
    'bytes':
    lambda masks: [compressed(m) for m in masks],
    'text':
    lambda masks: tuple(as_text(m) for m in masks),
    'lists':
    lambda masks: [uncompressed(m) for m in masks],
    'mixed':
    lambda masks: [as_text(masks[0])] + [uncompressed(m) for m in masks[1:]],
}


@pytest.mark.parametrize('form', FORMS)
@pytest.mark.parametrize('box', [
    (3, 2, 6, 4),
    (0, 0, 9, 7),
    (0, 0, 1, 1),
    (8, 6, 9, 7),
    (4, 0, 5, 7),
    (0, 3, 9, 4),
])
def test_outline_runs_along_the_pixels_edges(form, box):
    masks = [bitmap(7, 9, box), bitmap(7, 9), bitmap(7, 9, (1, 1, 3, 3))]
    outlines = mask_outlines(FORMS[form](masks))
    assert extent(outlines[0]) == list(box)
    assert outlines[1] == []
    assert extent(outlines[2]) == [1, 1, 3, 3]


@pytest.mark.parametrize('form', ['bitmaps', 'text', 'lists'])
def test_parts_and_holes_are_rings(form):
    mask = bitmap(20, 20, (1, 1, 8, 8), (12, 12, 15, 16))
    mask[3:5, 3:6] = False
    rings = mask_outlines(FORMS[form]([mask]))[0]
    assert sorted(extent([ring]) for ring in rings) == [[1, 1, 8, 8],
                                                        [3, 3, 6, 5],
                                                        [12, 12, 15, 16]]


@pytest.mark.parametrize('masks', [
    [[1, 2, 5, 2, 5, 6]],
    [[[1, 2, 5, 2, 5, 6]]],
    [np.array([1., 2, 5, 2, 5, 6])],
    PolygonMasks([[np.array([1., 2, 5, 2, 5, 6])]], 9, 9),
])
def test_polygons_are_taken_as_they_are(masks):
    (ring, ), = mask_outlines(masks)
    assert ring.tolist() == [[1, 2], [5, 2], [5, 6]]


@pytest.mark.parametrize('masks', [[], (),
                                   np.zeros((0, 5, 5), bool),
                                   torch.zeros(0, 5, 5),
                                   BitmapMasks([], 5, 5),
                                   PolygonMasks([], 5, 5)])
def test_no_cells(masks):
    assert mask_outlines(masks) == []


@pytest.mark.parametrize('masks, error, message', [
    (None, TypeError, 'got NoneType'),
    ([3], TypeError, 'got int'),
    (np.zeros((5, 5), bool), ValueError, r'shape \(5, 5\)'),
    ([[1, 2, 3, 4, 5, 6, 7]], ValueError, 'polygon that is not a list'),
    ([dict(counts=[5, 4])], ValueError, 'needs its size'),
    ([dict(size=[4, 4], counts=[5, 4])], ValueError, 'does not fill'),
    ([dict(size=[4, 4], counts='P')], ValueError, 'cut off'),
])
def test_what_cannot_be_outlined(masks, error, message):
    with pytest.raises(error, match=message):
        mask_outlines(masks)


def test_polygons_that_enclose_nothing_are_left_out():
    ring = [1, 2, 5, 2, 5, 6]
    outlines = mask_outlines([[1, 2, 3, 4], [[1, 2, 3, 4], ring], [[]]])
    assert list(map(len, outlines)) == [0, 1, 0]
    assert outlines[1][0].ravel().tolist() == ring
