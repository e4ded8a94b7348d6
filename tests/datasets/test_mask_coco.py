import numpy as np
import pytest

from pace_mmdet.datasets.mask_coco import clean_segmentation, unusable_reason

TRIANGLE = [1, 1, 3, 1, 3, 3]
# 4 x 8 pixels (height x width), of which the last column is set.
RUNS = dict(size=[4, 8], counts=[28, 4])


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
    (dict(segmentation=dict(size=[8, 4], counts=[28, 4])),
     'run-length code without counts or of another size'),
    (dict(segmentation=dict(size=[4, 8])),
     'run-length code without counts or of another size'),
])
def test_unusable_reason(changes, reason):
    good = dict(bbox=[1, 1, 2, 2], area=2, segmentation=[TRIANGLE],
                ignore=False)
    assert unusable_reason(
        **{**good, **changes}, height=4, width=8) == reason


def test_clean_segmentation():
    parts = [[1, 1], TRIANGLE, [0] * 7, None, np.array(TRIANGLE)]
    cleaned = clean_segmentation(parts)
    assert [list(part) for part in cleaned] == [TRIANGLE, TRIANGLE]
    assert clean_segmentation(RUNS) is RUNS
    assert clean_segmentation(None) == []
