"""Masks on their own few pixels, and their codes."""
import numpy as np
import pytest
from pycocotools import mask as mask_utils

from pace_mmdet.masks.crops import encode_crops, rle_crops


def coded(mask):
    return mask_utils.encode(np.asfortranarray(mask, dtype=np.uint8))


def test_codes_of_crops_anywhere():
    rng = np.random.default_rng(0)
    crops = rng.random((60, 7, 5)) < rng.random((60, 1, 1))
    crops[0] = False
    crops[1] = True
    origins = np.stack([rng.integers(0, 5, 60), rng.integers(0, 4, 60)], 1)
    origins[1] = origins[2] = (4, 3)
    # As high as the image: runs go on from one column to the next.
    for height, width in ((10, 9), (7, 9)):
        origins[:, 1] %= height - 6
        codes = encode_crops(crops, origins, height, width)
        for crop, (x, y), code in zip(crops, origins, codes):
            mask = np.zeros((height, width), np.uint8)
            mask[y:y + 7, x:x + 5] = crop
            assert mask_utils.encode(np.asfortranarray(mask))['counts'] == code


def test_codes_are_decoded_into_their_own_columns():
    rng = np.random.default_rng(0)
    edge = np.zeros((40, 1000), bool)
    edge[3:, 500:510] = True
    masks = [np.zeros((40, 1000), bool), edge]
    for _ in range(50):
        x1, x2 = np.sort(rng.integers(0, 1001, 2))
        mask = np.zeros((40, 1000), bool)
        mask[:, x1:x2] = rng.random((40, x2 - x1)) < rng.choice([0.02, 0.9])
        masks.append(mask)
    for mask, (crop, (x, y)) in zip(masks, rle_crops(map(coded, masks))):
        columns = np.flatnonzero(mask.any(0))
        assert y == 0 and crop.shape == (40, np.ptp(columns) +
                                         1 if len(columns) else 0)
        assert (crop == mask[:, x:x + crop.shape[1]]).all()
        assert crop.sum() == mask.sum()


def test_empty_runs_are_read():
    (crop,
     corner), = rle_crops([dict(size=[2, 3], counts=[2, 0, 1, 2, 0, 0, 1])])
    assert corner == (1, 0)
    assert crop.tolist() == [[False, True], [True, False]]


@pytest.mark.parametrize('codes, message', [
    ([dict(counts=[6])], 'needs its size'),
    ([dict(size=[2, 3], counts=[7])], 'mask 0 .* does not fill its image'),
    ([dict(size=[2, 3], counts=[6]), dict(size=[3, 2], counts=[6])],
     'mask 1 .* of another size'),
])
def test_what_is_no_code_of_one_image(codes, message):
    with pytest.raises(ValueError, match=message):
        rle_crops(codes)
