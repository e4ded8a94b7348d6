"""The one set of rules for masks that were made elsewhere."""
import numpy as np
import pytest
from pycocotools import mask as mask_utils

from pace_mmdet.masks.codes import empty_counts, mask_areas
from pace_mmdet.masks.segmentations import (NO_CODE, NO_MASK, NOT_FILLING,
                                            NOT_KNOWN, NOT_NEAR, NOT_POINTS,
                                            TOO_LARGE, read_masks, to_counts,
                                            whole_polygons)

TRIANGLE = [1.0, 1.0, 7.5, 1.0, 1.0, 5.5]
SQUARE = [5, 4, 8, 4, 8, 6, 5, 6]


def rle_of(*polygons):
    """RLE (6, 9) of polygons by pycocotools."""
    return mask_utils.merge(mask_utils.frPyObjects(
        [list(map(float, polygon)) for polygon in polygons], 6, 9))


WHOLE = rle_of(SQUARE)['counts']


@pytest.mark.parametrize('segmentation, expected', [
    ([TRIANGLE], rle_of(TRIANGLE)),
    ((TRIANGLE, SQUARE), rle_of(TRIANGLE, SQUARE)),
    ([np.array(TRIANGLE)], rle_of(TRIANGLE)),
    # What encloses nothing is left out, whatever it holds.
    ([[2, 2, 4, 4], SQUARE], rle_of(SQUARE)),
    ([[], [float('nan'), 2], SQUARE], rle_of(SQUARE)),
    (rle_of(SQUARE), rle_of(SQUARE)),
    (dict(size=[6, 9], counts=WHOLE.decode()), rle_of(SQUARE)),
    (dict(size=(6, 9), counts=[20, 4, 30]),
     mask_utils.frPyObjects(dict(size=[6, 9], counts=[20, 4, 30]), 6, 9)),
    ([[1, 1, 90, 1, 3, -90]], rle_of([1, 1, 90, 1, 3, -90])),
])
def test_any_form(segmentation, expected):
    assert read_masks([segmentation], 6, 9) == ([expected['counts']], {})
    assert to_counts([segmentation], 6, 9) == [expected['counts']]
    polygons = not isinstance(segmentation, dict)
    assert read_masks([segmentation], 6, 9, rasterize=False) == (
        [b'' if polygons else expected['counts']], {})


@pytest.mark.parametrize('segmentation, fault', [
    (None, NO_MASK),
    ([], NO_MASK),
    ({}, NO_MASK),
    ([[]], NO_MASK),
    ([[2, 2]], NO_MASK),
    ([[2, 2, 4, 4], [1, 1]], NO_MASK),
    ('abc', NOT_KNOWN),
    (3, NOT_KNOWN),
    ([[1, 2, 3]], NOT_POINTS),
    ([SQUARE, [0] * 7], NOT_POINTS),
    ([SQUARE, None], NOT_POINTS),
    ([1, 1, 3, 1, 3, 3], NOT_POINTS),
    ([SQUARE, ['a'] * 6], NOT_NEAR),
    ([[None] * 6], NOT_NEAR),
    ([[0, 0, 1, 1, '2', 1]], NOT_NEAR),
    ([np.ones((6, 2))], NOT_NEAR),
    ([[0, 0, 1, 1, float('nan'), 1]], NOT_NEAR),
    ([[0, 0, 1, 1, 1, float('inf')]], NOT_NEAR),
    ([[0, 0, 1e30, 0, 1, 1]], NOT_NEAR),
    ([[0, 0, 10**400, 0, 1, 1]], NOT_NEAR),
    ([[0, 0, 91, 0, 1, 1]], NOT_NEAR),
    ([[0, 0, 9, 0, 1, -91]], NOT_NEAR),
    (dict(size=[9, 6], counts=WHOLE), NO_CODE),
    (dict(size=54, counts=WHOLE), NO_CODE),
    (dict(counts=WHOLE), NO_CODE),
    (dict(size=[6, 9]), NO_CODE),
    (dict(size=[6, 9], counts=5), NO_CODE),
    (dict(size=[6, 9], counts=''), NO_CODE),
    (dict(size=[6, 9], counts=[20, 4]), NOT_FILLING),
    (dict(size=[6, 9], counts=[60, -10, 4]), NOT_FILLING),
    (dict(size=[6, 9], counts=['50', 4]), NOT_FILLING),
    (dict(size=[6, 9], counts=[10**30]), NOT_FILLING),
    (dict(size=[6, 9], counts='\xff'), NOT_FILLING),
    (dict(size=[6, 9], counts='0000'), NOT_FILLING),
    # Cut off, which corrupts the memory of those that don't check.
    (dict(size=[6, 9], counts=WHOLE[:-1]), NOT_FILLING),
    (dict(size=[6, 9], counts=b'o'), NOT_FILLING),
])
def test_what_is_no_mask(segmentation, fault):
    whole = dict(size=[6, 9], counts=WHOLE)
    for rasterize in (True, False):
        counts, faults = read_masks([whole, segmentation, whole], 6, 9,
                                    rasterize)
        assert faults == {1: fault}
        assert counts == [WHOLE, empty_counts(6, 9), WHOLE]
    with pytest.raises(ValueError, match=f'^mask 1 on an image of 9 x 6 .*'
                       f'{fault[:20]}'):
        to_counts([whole, segmentation], 6, 9)


def test_none_and_many():
    assert read_masks([], 6, 9) == ([], {})
    counts, faults = read_masks([[SQUARE], None] * 100, 6, 9)
    assert mask_areas(counts, 6, 9).tolist() == [6, 0] * 100
    assert list(faults) == list(range(1, 200, 2))


def test_images_too_large_for_codes():
    code = dict(size=[2**16, 2**16], counts=[2**32])
    assert read_masks([code], 2**16, 2**16) == ([b''], {0: TOO_LARGE})


def test_whole_polygons():
    parts = [[1, 1], TRIANGLE, (2, 2, 3, 3), np.array(TRIANGLE)]
    assert [list(part) for part in whole_polygons(parts)] == [TRIANGLE] * 2
    with pytest.raises(ValueError, match='polygon that is not a list'):
        whole_polygons([TRIANGLE, [1] * 7])
