import msgspec
import numpy as np
import pytest
from pycocotools import mask as mask_utils

from pace_mmdet.coco.files import ImageEntry
from pace_mmdet.coco.masks import (MaskAnnotation, mask_or_reason,
                                   unusable_reason)
from pace_mmdet.masks.segmentations import clean_segmentation

TRIANGLE = [1, 1, 3, 1, 3, 3]
# 4 x 8 pixels (height x width), of which the last column is set.
RUNS = dict(size=[4, 8], counts=[28, 4])

NO_CODE = 'run-length code without counts or of another size'
NOT_FILLING = 'run-length code that does not fill its image'
NOT_NEAR = ('polygon with coordinates that are no numbers or far outside the '
            'image')


@pytest.mark.parametrize(('changes', 'reason'), [
    ({}, ''),
    (dict(area=None), ''),
    (dict(segmentation=RUNS), ''),
    (dict(segmentation=[[1, 1], TRIANGLE]), ''),
    (dict(bbox=[-1, -1, 2, 2]), ''),
    (dict(bbox=[1, 1, 1, 1]), ''),
    (dict(ignore=True), 'marked "ignore"'),
    (dict(bbox=None), 'bbox is not 4 finite numbers'),
    (dict(bbox=[1, 1, 2]), 'bbox is not 4 finite numbers'),
    (dict(bbox=[1, 1, 2, None]), 'bbox is not 4 finite numbers'),
    (dict(bbox=[1, 1, 2, np.nan]), 'bbox is not 4 finite numbers'),
    (dict(bbox=[1, 1, 0, 2]), 'box narrower or lower than 1 pixel'),
    (dict(bbox=[1, 1, 2, .9]), 'box narrower or lower than 1 pixel'),
    (dict(bbox=[8, 1, 2, 2]), 'box outside the image'),
    (dict(bbox=[1, -2, 2, 2]), 'box outside the image'),
    (dict(area=0), 'area not above 0'),
    (dict(area=float('nan')), 'area not above 0'),
    (dict(segmentation=None), 'no mask'),
    (dict(segmentation=[]), 'no mask'),
    (dict(segmentation=[[1, 1, 2, 2]]), 'no mask'),
    (dict(segmentation=dict(size=[4, 8], counts=[32])), 'empty mask'),
    (dict(segmentation=dict(size=[4, 8], counts='P1')), 'empty mask'),
    (dict(segmentation=dict(size=[8, 4], counts=[28, 4])), NO_CODE),
    (dict(segmentation=dict(size=[4, 8])), NO_CODE),
    (dict(segmentation=dict(size=[4, 8], counts=5)), NO_CODE),
    (dict(segmentation=dict(size=[4, 8], counts=[28, 5])), NOT_FILLING),
    (dict(segmentation=dict(size=[4, 8], counts=[30, -2, 4])), NOT_FILLING),
    (dict(segmentation=dict(size=[4, 8], counts=['28', 4])), NOT_FILLING),
    (dict(segmentation=dict(size=[4, 8], counts='\xff')), NOT_FILLING),
    (dict(segmentation=[TRIANGLE, ['a'] * 6]), NOT_NEAR),
    (dict(segmentation=[[None] * 6]), NOT_NEAR),
    (dict(segmentation=[[1, 1, 3, 1, 3, float('nan')]]), NOT_NEAR),
    (dict(segmentation=[[1, 1, 3, 1, 1e30, 3]]), NOT_NEAR),
    (dict(segmentation=[[1, 1, 3, 1, 3, -81]]), NOT_NEAR),
    (dict(segmentation=[[1, 1, 80, 1, 3, -80]]), ''),
])
def test_unusable_reason(changes, reason):
    good = dict(bbox=[1, 1, 2, 2], area=2, segmentation=[TRIANGLE],
                ignore=False)
    assert unusable_reason(
        **{**good, **changes}, height=4, width=8) == reason


@pytest.mark.parametrize(('segmentation', 'reason'), [
    ([TRIANGLE], ''),
    (RUNS, ''),
    # What encloses no pixel.
    ([[1, 1, 2, 2, 3, 3]], 'empty mask'),
    ([[1, 1, 1, 1, 1, 1]], 'empty mask'),
    ([[-9, -9, -5, -9, -5, -5]], 'empty mask'),
    # Compressed: too long, and cut off.
    (dict(size=[4, 8], counts='P15'), NOT_FILLING),
    (dict(size=[4, 8], counts='l04P'), NOT_FILLING),
])
def test_the_mask_that_is_made(segmentation, reason):
    image = ImageEntry(id=1, file_name='a', height=4, width=8)
    ann = MaskAnnotation(1, 1, 1, [1, 1, 2, 2], 2, segmentation)
    code, said = mask_or_reason(ann, {1: image}, {1})
    assert said == reason
    if reason:
        assert code is None
    else:
        expected = mask_utils.frPyObjects(segmentation, 4, 8)
        expected = expected[0] if isinstance(expected, list) else expected
        assert code == expected


@pytest.mark.parametrize(('changes', 'said'), [
    (dict(image_id=2), 'image_id is none of'),
    (dict(category_id=2), 'category_id is none of'),
    (dict(ignore=True), 'marked "ignore"'),
])
def test_annotations_without_a_place(changes, said):
    image = ImageEntry(id=1, file_name='a', height=4, width=8)
    ann = msgspec.convert(
        dict(dict(id=1, image_id=1, category_id=1, bbox=[1, 1, 2, 2],
                  segmentation=[TRIANGLE]), **changes), MaskAnnotation)
    code, reason = mask_or_reason(ann, {1: image}, {1})
    assert code is None and said in reason


def test_clean_segmentation():
    parts = [[1, 1], TRIANGLE, [0] * 7, None, np.array(TRIANGLE)]
    cleaned = clean_segmentation(parts)
    assert [list(part) for part in cleaned] == [TRIANGLE, TRIANGLE]
    assert clean_segmentation(RUNS) is RUNS
    assert clean_segmentation(None) == []
