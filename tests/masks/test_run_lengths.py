import numpy as np
import pytest
from pycocotools import mask as mask_utils

from pace_mmdet.masks.run_lengths import decode_counts, encode_counts


def test_encoding_undoes_decoding():
    rng = np.random.default_rng(0)
    masks = [np.zeros((700, 300), np.uint8) for _ in range(4)]
    masks[0][:, 7:200] = 1
    masks[1][5, ::3] = 1
    masks[2][:] = rng.random((700, 300)) < 0.5
    codes = [mask_utils.encode(np.asfortranarray(m))['counts'] for m in masks]
    assert encode_counts(*decode_counts(codes)) == codes
    assert encode_counts(np.zeros(0), np.zeros(0)) == []


def test_long_runs_and_differences_of_both_signs():
    # Runs above 2**5, 2**10 and 2**15 take two to four characters.
    height, width = 700, 300
    mask = np.zeros((height, width), np.uint8)
    mask[5, 3:9] = 1
    mask[40:400, 100:103] = 1
    mask[:, 200:290] = 1
    counts, runs = decode_counts(
        [mask_utils.encode(np.asfortranarray(mask))['counts']] * 2)
    borders = np.flatnonzero(np.diff(mask.ravel(order='F'))) + 1
    expected = np.diff(np.r_[0, borders, mask.size])
    assert np.array_equal(counts, np.tile(expected, 2))
    assert runs.tolist() == [len(expected)] * 2


@pytest.mark.parametrize('code, message', [
    (b'', 'empty or cut off'),
    (b'P', 'cut off'),
    (b'o' * 12 + b'0', 'beyond int64'),
])
def test_what_cannot_be_read(code, message):
    with pytest.raises(ValueError, match=message):
        decode_counts([b'06', code])
