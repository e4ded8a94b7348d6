import numpy as np
import pytest
import torch
from mmdet.models.roi_heads.mask_heads import FCNMaskHead
from mmengine.config import ConfigDict
from pycocotools import mask as mask_utils
from torch.nn import functional as F

from pace_mmdet.models import FullMaskHead
from pace_mmdet.models.mask_codes import masks_to_codes


def make_logits(count, seed=0):
    """Random blobs."""
    torch.manual_seed(seed)
    logits = F.avg_pool2d(torch.randn(count, 1, 28, 28), 5, 1, 2)
    return logits * 5 + 0.5


def make_boxes(count, height, width, size, seed=0):
    torch.manual_seed(seed)
    limits = torch.tensor([width, height])
    corner = torch.rand(count, 2) * (limits - 2.)
    other = (corner + torch.rand(count, 2) * size).minimum(limits)
    return torch.cat([corner, other], dim=1)


def stock_masks(logits, bboxes, height, width, **meta):
    head = FCNMaskHead(num_convs=0, in_channels=4, conv_out_channels=4,
                       num_classes=1)
    return head._predict_by_feat_single(
        logits, bboxes.clone(), torch.zeros(len(bboxes)).long(),
        dict(dict(scale_factor=(1., 1.), ori_shape=(height, width)), **meta),
        ConfigDict(mask_thr_binary=0.5), rescale=True).numpy()


@pytest.mark.parametrize('height, width, count, size', [
    (60, 80, 40, 30),
    (21, 33, 40, 60),
    (200, 300, 150, 25),
    (1, 50, 5, 10),
])
def test_the_same_pixels_as_mmdetection(height, width, count, size):
    logits = make_logits(count)
    bboxes = make_boxes(count, height, width, size)
    bboxes[0] = torch.tensor([-5., -5., width + 5., height + 5.])
    bboxes[1, 2] = bboxes[1, 0]
    bboxes[2] = torch.tensor([width - 2., -1., width, height])
    logits[0] = logits[2] = 9
    logits[3] = -9
    codes = masks_to_codes(logits.sigmoid()[:, 0], bboxes, height, width)
    for code, mask in zip(codes, stock_masks(logits, bboxes, height, width)):
        expected = mask_utils.encode(np.asfortranarray(mask.astype(np.uint8)))
        assert code == expected


def test_no_cells():
    codes = masks_to_codes(torch.zeros(0, 28, 28), torch.zeros(0, 4), 9, 9)
    assert codes == []


def test_a_box_outside_the_image_has_an_empty_mask():
    code, = masks_to_codes(
        torch.ones(1, 28, 28), torch.tensor([[50., 50., 60., 60.]]), 20, 30)
    assert mask_utils.area(code) == 0 and code['size'] == [20, 30]


def test_thresholds_that_would_fill_the_image():
    with pytest.raises(ValueError, match='above 0'):
        masks_to_codes(torch.zeros(1, 28, 28), torch.zeros(1, 4), 9, 9, 0.0)


@pytest.mark.parametrize('num_classes, agnostic', [(1, False), (3, False),
                                                   (3, True)])
def test_heads_give_codes_when_asked(num_classes, agnostic):
    head = FullMaskHead(
        num_convs=0, in_channels=4, conv_out_channels=4,
        num_classes=num_classes, class_agnostic=agnostic)
    logits = make_logits(6).repeat(1, 1 if agnostic else num_classes, 1, 1)
    logits[:, 1:] = -9
    meta = dict(scale_factor=(2., 2.), ori_shape=(40, 60))
    labels = torch.zeros(6).long()
    results = []
    for codes in (False, True):
        bboxes = make_boxes(6, 80, 120, 40)
        masks = head._predict_by_feat_single(
            logits, bboxes, labels, meta,
            ConfigDict(mask_thr_binary=0.5, mask_codes=codes), rescale=True)
        assert torch.equal(bboxes, make_boxes(6, 80, 120, 40) / 2)
        results.append(masks)
    for mask, code in zip(*results):
        assert np.array_equal(mask_utils.decode(code), mask.numpy())
    scaled = head._predict_by_feat_single(
        logits, make_boxes(6, 80, 120, 40), labels, meta,
        ConfigDict(mask_thr_binary=0.5, mask_codes=True))
    assert scaled[0]['size'] == [80, 120]
