import numpy as np
import pytest
import torch
from pycocotools import mask as mask_utils

from pace_mmdet.masks.codes import encode_bitmaps, find_broken, mask_areas
from pace_mmdet.masks.run_lengths import encode_counts

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


def test_no_areas():
    assert mask_areas([], 6, 9).shape == (0, )


def test_broken_codes():
    good = rle_of(SQUARE)['counts']
    too_long = b'o' * 12 + good
    # 16 runs of 2**60 pixels and what makes the sum 54 in 64 bits.
    wraps = encode_counts([2**60] * 16 + [54], [17])[0]
    codes = [good, b'0000', b'zz', b'', good[:-1], good, b'\xff\xff', too_long,
             wraps]
    assert find_broken(codes, 6, 9) == [1, 2, 3, 4, 6, 7, 8]
    assert find_broken([good, b'0000'], 6, 9) == [1]
    assert find_broken([good], 9, 9) == [0]
    assert find_broken([], 6, 9) == []
