import numpy as np
import pytest
from pycocotools import mask as mask_utils

from pace_mmdet.coco.files import ImageEntry
from pace_mmdet.coco.masks import MaskAnnotation, find_unusable, read_block
from pace_mmdet.masks.segmentations import NO_MASK, NOT_FILLING, NOT_POINTS

TRIANGLE = [1, 1, 3, 1, 3, 3]
# 4 x 8 pixels (height x width), of which the last column is set.
RUNS = dict(size=[4, 8], counts=[28, 4])


def annotation(**changes):
    good = dict(id=1, image_id=1, category_id=1, bbox=[1, 1, 2, 2], area=2,
                segmentation=[TRIANGLE])
    return MaskAnnotation(**{**good, **changes})


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
    (dict(bbox=[1, 1, 2, 10**400]), 'bbox is not 4 finite numbers'),
    (dict(bbox=[1, 1, 0, 2]), 'box narrower or lower than 1 pixel'),
    (dict(bbox=[1, 1, 2, .9]), 'box narrower or lower than 1 pixel'),
    (dict(bbox=[8, 1, 2, 2]), 'box outside the image'),
    (dict(bbox=[1, -2, 2, 2]), 'box outside the image'),
    (dict(area=0), 'area not above 0'),
    (dict(area=float('nan')), 'area not above 0'),
    # A mask's faults are those of `read_masks`; the box's come first.
    (dict(segmentation=None), NO_MASK),
    (dict(segmentation=None, area=0), 'area not above 0'),
    (dict(segmentation=[[1, 1, 2, 2]]), NO_MASK),
    (dict(segmentation=[TRIANGLE, None]), NOT_POINTS),
    (dict(segmentation=dict(size=[4, 8], counts='l04P')), NOT_FILLING),
    (dict(segmentation=dict(size=[4, 8], counts=[32])), 'empty mask'),
    (dict(segmentation=dict(size=[4, 8], counts='P1')), 'empty mask'),
    (dict(segmentation=dict(size=[4, 8], counts=[30, 0, 2])), 'empty mask'),
])
def test_unusable(changes, reason):
    annotations = [annotation(), annotation(**changes), annotation()]
    for rasterize in (True, False):
        _, reasons = find_unusable(annotations, 4, 8, rasterize)
        assert reasons == ({1: reason} if reason else {})
    assert find_unusable([], 4, 8) == ([], {})


@pytest.mark.parametrize('segmentation', [
    [[1, 1, 2, 2, 3, 3]],
    [[1, 1, 1, 1, 1, 1]],
    [[-9, -9, -5, -9, -5, -5]],
])
def test_polygons_without_a_pixel(segmentation):
    ann = annotation(segmentation=segmentation)
    assert find_unusable([ann], 4, 8)[1] == {0: 'empty mask'}
    assert find_unusable([ann], 4, 8, rasterize=False)[1] == {}


@pytest.mark.parametrize('segmentation', [[TRIANGLE], RUNS])
def test_the_masks_that_are_made(segmentation):
    image = ImageEntry(id=1, file_name='a', height=4, width=8)
    expected = mask_utils.frPyObjects(segmentation, 4, 8)
    expected = expected[0] if isinstance(expected, list) else expected
    ann = annotation(segmentation=segmentation)
    assert read_block([ann], {1: image}, {1}) == ({0: expected}, {})


def test_a_block_of_several_images():
    images = {
        number: ImageEntry(id=number, file_name='a', height=4, width=8)
        for number in (1, 2)
    }
    block = [
        annotation(image_id=2), annotation(image_id=3),
        annotation(image_id=1), annotation(image_id=1, category_id=2),
        annotation(image_id=2, ignore=True), annotation(image_id=2)
    ]
    codes, reasons = read_block(block, images, {1})
    assert list(codes) == [0, 2, 5]
    assert list(reasons.items()) == [
        (1, "image_id is none of the file's images"),
        (3, "category_id is none of the file's categories"),
        (4, 'marked "ignore"'),
    ]
