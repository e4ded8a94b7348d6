import numpy as np
import pytest
import torch
from pycocotools import mask as mask_utils

from pace_mmdet.masks.codes import (encode_bitmaps, find_broken, mask_areas,
                                    to_counts)

TRIANGLE = [1.0, 1.0, 7.5, 1.0, 1.0, 5.5]
SQUARE = [5.0, 4.0, 8.0, 4.0, 8.0, 6.0, 5.0, 6.0]


def rle_of(*polygons):
    """RLE (6, 9) of polygons by pycocotools."""
    return mask_utils.merge(mask_utils.frPyObjects(list(polygons), 6, 9))


@pytest.mark.parametrize('convert', [
    torch.from_numpy,
    lambda masks: torch.from_numpy(masks.astype(np.uint8)),
    lambda masks: masks,
])
@pytest.mark.parametrize('num', [0, 1, 3])
def test_bitmaps(num, convert):
    masks = np.random.default_rng(0).random((num, 6, 9)) > 0.5
    expected = [
        mask_utils.encode(np.asfortranarray(mask, dtype=np.uint8))['counts']
        for mask in masks
    ]
    assert encode_bitmaps(convert(masks)) == expected


def test_empty_and_full_bitmaps():
    masks = np.stack([np.zeros((6, 9), bool), np.ones((6, 9), bool)])
    assert mask_areas(encode_bitmaps(masks), 6, 9).tolist() == [0, 54]


@pytest.mark.parametrize('segmentation, expected', [
    ([TRIANGLE], rle_of(TRIANGLE)),
    ([TRIANGLE, SQUARE], rle_of(TRIANGLE, SQUARE)),
    ([[2, 2, 4, 4], SQUARE], rle_of(SQUARE)),
    (rle_of(SQUARE), rle_of(SQUARE)),
    (dict(size=[6, 9], counts=rle_of(SQUARE)['counts'].decode()),
     rle_of(SQUARE)),
    (dict(size=(6, 9), counts=[20, 4, 30]),
     mask_utils.frPyObjects(dict(size=[6, 9], counts=[20, 4, 30]), 6, 9)),
])
def test_any_form_of_segmentation(segmentation, expected):
    assert to_counts(segmentation, 6, 9) == expected['counts']


@pytest.mark.parametrize('segmentation', [[[]], [[2, 2]], [[2, 2, 4, 4]]])
def test_degenerate_polygons_are_empty(segmentation):
    counts = to_counts(segmentation, 6, 9)
    assert mask_areas([counts], 6, 9).tolist() == [0]


@pytest.mark.parametrize('segmentation, message', [
    (None, 'expected polygons or an RLE as segmentation, got None'),
    ([], r'got \[\]'),
    ('abc', "got 'abc'"),
    ([[1, 2, 3]], r'expected a polygon.*got \[1, 2, 3\]'),
    ([[0, 0, 1, 1, float('nan'), 1]], 'finite numbers'),
    ([[0, 0, 1, 1, '2', 1]], 'finite numbers'),
    ([[0, 0, 1e30, 0, 1, 1]], 'far outside the image of 6 x 9 pixels'),
    (dict(size=[9, 6], counts='x'),
     r'size \[9, 6\], the image is \[6, 9\] \(height, width\)'),
    (dict(counts='x'), 'size None'),
    (dict(size=[6, 9], counts=[20, 4]), 'add up to 54 pixels'),
    (dict(size=[6, 9], counts=[60, -10, 4]), 'add up to 54 pixels'),
    (dict(size=[6, 9]), 'got None'),
])
def test_unusable_segmentations(segmentation, message):
    with pytest.raises(ValueError, match=message):
        to_counts(segmentation, 6, 9)


def test_no_areas():
    assert mask_areas([], 6, 9).shape == (0, )


def test_broken_codes():
    good = rle_of(SQUARE)['counts']
    codes = [good, b'0000', b'zz', b'', good[:-1], good, b'\xff\xff']
    assert find_broken(codes, 6, 9) == [1, 2, 3, 4, 6]
    assert find_broken([good, b'0000'], 6, 9) == [1]
    assert find_broken([good], 9, 9) == [0]
    assert find_broken([], 6, 9) == []
