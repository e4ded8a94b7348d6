import pytest
import torch
from mmdet.models.task_modules.assigners import MaxIoUAssigner
from mmdet.models.task_modules.prior_generators import AnchorGenerator
from mmengine.structures import InstanceData

from pace_mmdet.models import BoundedMaxIoUAssigner

RPN = dict(pos_iou_thr=0.7, neg_iou_thr=0.3, min_pos_iou=1e-6)
RCNN = dict(pos_iou_thr=0.5, neg_iou_thr=0.5, match_low_quality=False)
BAND = dict(pos_iou_thr=0.6, neg_iou_thr=(0.1, 0.4), min_pos_iou=0.2)


def anchors(height, width):
    generator = AnchorGenerator(
        strides=[4, 8, 16, 32, 64], scales=[2], ratios=[0.5, 1, 2, 3, 4])
    sizes = [(-(-height // stride), -(-width // stride))
             for stride in (4, 8, 16, 32, 64)]
    return torch.cat(generator.grid_priors(sizes, device='cpu'))


def cells(count, height, width, seed=0):
    generator = torch.Generator().manual_seed(seed)
    centres = torch.rand(count, 2, generator=generator)
    centres *= torch.tensor([width, height])
    sizes = torch.rand(count, 2, generator=generator) * 30 + 2
    boxes = torch.cat([centres - sizes / 2, centres + sizes / 2], dim=1)
    return InstanceData(bboxes=boxes, labels=torch.arange(count) % 3)


def assert_same(settings, priors, truth, ignored=None, **kwargs):
    data = InstanceData(priors=priors)
    ours = BoundedMaxIoUAssigner(**settings, **kwargs).assign(
        data, truth, ignored)
    stock = MaxIoUAssigner(**settings).assign(data, truth, ignored)
    for name in ('num_gts', 'gt_inds', 'max_overlaps', 'labels'):
        ours_, stock_ = getattr(ours, name), getattr(stock, name)
        assert torch.equal(torch.as_tensor(ours_), torch.as_tensor(stock_))
    return ours


@pytest.mark.parametrize('settings', [RPN, RCNN, BAND],
                         ids=['RPN', 'R-CNN', 'band'])
@pytest.mark.parametrize('count', [0, 1, 20, 150])
def test_the_result_of_max_iou_assigner(settings, count):
    truth = cells(count, 120, 160)
    for chunk in (333, 100_000):
        result = assert_same(
            settings, anchors(120, 160), truth, anchors_per_chunk=chunk)
    if count and settings is RPN:
        matched = result.gt_inds[result.gt_inds > 0].unique()
        assert len(matched) > count / 2


@pytest.mark.parametrize('settings', [RPN, RCNN, BAND],
                         ids=['RPN', 'R-CNN', 'band'])
@pytest.mark.parametrize('count', [0, 1, 40])
@pytest.mark.parametrize('num_ignored', [0, 1, 30])
def test_ignored_boxes(settings, count, num_ignored):
    truth, ignored = cells(count, 120, 160), cells(num_ignored, 120, 160, 1)
    ignored.bboxes[:1] = torch.tensor([0., 0., 60., 120.])
    for chunk in (333, 100_000):
        result = assert_same(
            dict(settings, ignore_iof_thr=0.5), anchors(120, 160), truth,
            ignored, anchors_per_chunk=chunk)
    if count and num_ignored:
        # Small anchors in the left part, away from all cells.
        assert (result.gt_inds[result.max_overlaps == -1] == -1).all()
        assert (result.max_overlaps == -1).sum() > 100


def test_doubled_and_degenerate_cells():
    truth = cells(40, 120, 160)
    truth.bboxes[10:20] = truth.bboxes[:10]
    truth.bboxes[20, 2] = truth.bboxes[20, 0]
    truth.bboxes[21] = torch.tensor([500., 500., 520., 520.])
    assert_same(RPN, anchors(120, 160), truth, anchors_per_chunk=500)


def test_anchors_that_fit_exactly():
    priors = anchors(64, 64)
    truth = InstanceData(bboxes=priors[::97].clone(),
                         labels=torch.zeros(len(priors[::97])).long())
    assert_same(RPN, priors, truth, anchors_per_chunk=256)


def test_no_anchors():
    assert_same(RPN, torch.zeros(0, 4), cells(3, 50, 50))


@pytest.mark.parametrize('settings, message', [
    (dict(pos_iou_thr=0.7, neg_iou_thr=0.3), 'min_pos_iou > 0'),
    (dict(RPN, ignore_wrt_candidates=False), 'ignore_wrt_candidates'),
    (dict(RPN, gt_max_assign_all=False), 'gt_max_assign_all'),
])
def test_settings_that_need_the_whole_matrix(settings, message):
    with pytest.raises(ValueError, match=message):
        BoundedMaxIoUAssigner(**settings)
