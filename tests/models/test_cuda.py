"""On a GPU the models do what they do on a CPU, also in bfloat16."""
import copy

import pytest
import torch
from mmdet.models.task_modules.assigners import MaxIoUAssigner
from mmdet.registry import MODELS
from mmdet.structures.bbox import bbox2roi
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.structures import InstanceData

from pace_mmdet.engine.bfloat16 import train_in_bfloat16
from pace_mmdet.models import (BoundedMaxIoUAssigner, Float32DCNv2,
                               Float32RoIExtractor)
from pace_mmdet.models.mask_codes import masks_to_codes
from pace_mmdet.models.point_sampling import box_coordinates, sample_logits
from pace_mmdet.testing import synthetic_sample

from .conftest import CONFIGS

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available(), reason='needs a CUDA GPU')


def boxes(count, width=200, height=160):
    corners = torch.rand(count, 2) * torch.tensor([width, height]) * 0.8
    return torch.cat([corners, corners + 3 + 30 * torch.rand(count, 2)], 1)


def test_reading_masks_at_points():
    torch.manual_seed(0)
    logits = torch.randn(50, 1, 28, 28, dtype=torch.float32)
    points, bboxes = torch.rand(50, 10, 2) * 150, boxes(50)
    bboxes[3, 2] = bboxes[3, 0]
    values, insides, gradients = [], [], []
    for device in ('cpu', 'cuda'):
        own = logits.to(device, copy=True).requires_grad_()
        points_box, inside = box_coordinates(
            points.to(device), bboxes.to(device))
        value = sample_logits(own, points_box, torch.zeros(50).long())
        (value * inside).sum().backward()
        values.append(value.detach().cpu())
        insides.append(inside.cpu())
        gradients.append(own.grad.cpu())
    assert torch.equal(*insides)
    torch.testing.assert_close(*values)
    torch.testing.assert_close(*gradients)


def test_masks_to_codes():
    torch.manual_seed(0)
    probs, bboxes = torch.rand(300, 28, 28), boxes(300)
    on_cpu = masks_to_codes(probs, bboxes, 160, 200)
    on_gpu = masks_to_codes(probs.cuda(), bboxes.cuda(), 160, 200)
    # Sums in another order may tip a pixel at the threshold.
    assert sum(a == b for a, b in zip(on_cpu, on_gpu)) > 290


def test_anchor_assignment():
    torch.manual_seed(0)
    settings = dict(pos_iou_thr=0.7, neg_iou_thr=0.3, min_pos_iou=1e-6)
    anchors = InstanceData(priors=boxes(5000).cuda())
    cells = InstanceData(
        bboxes=boxes(300).cuda(), labels=torch.zeros(300).long().cuda())
    ours = BoundedMaxIoUAssigner(**settings).assign(anchors, cells)
    stock = MaxIoUAssigner(**settings).assign(anchors, cells)
    assert torch.equal(ours.gt_inds, stock.gt_inds)
    torch.testing.assert_close(ours.max_overlaps, stock.max_overlaps)


@pytest.mark.parametrize('last', [False, True])
def test_deformable_convolution_in_bfloat16(last):
    torch.manual_seed(0)
    layer = Float32DCNv2(8, 8, 3, padding=1, deform_groups=2, bias=False)
    torch.nn.init.normal_(layer.conv_offset.weight, std=0.2)
    x = torch.randn(2, 8, 20, 30).bfloat16()
    expected = layer(x.float())
    x = x.cuda().contiguous(memory_format=torch.channels_last
                            if last else torch.contiguous_format)
    with torch.autocast('cuda', torch.bfloat16):
        found = layer.cuda()(x)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(
        found.float().cpu(), expected, rtol=0.02, atol=0.02)


@pytest.mark.parametrize('last', [False, True])
def test_roi_extraction_in_bfloat16(last):
    torch.manual_seed(0)
    extractor = Float32RoIExtractor(
        roi_layer=dict(type='RoIAlign', output_size=7, sampling_ratio=0),
        out_channels=8, featmap_strides=[4, 8])
    feats = [torch.randn(1, 8, 40 // 2**i, 50 // 2**i).bfloat16()
             for i in range(2)]
    rois = bbox2roi([boxes(40)])
    expected = extractor(feats, rois)
    feats = [feat.cuda().contiguous(
        memory_format=torch.channels_last if last else
        torch.contiguous_format) for feat in feats]
    with torch.autocast('cuda', torch.bfloat16):
        found = extractor(feats, rois.cuda())
    torch.testing.assert_close(found.cpu(), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('name', ['pace/pace_r200_dcn_4pt',
                                  'pace/pace_r200_dcn_full',
                                  'point2mask/point2mask_r50_4pt'])
def test_a_training_step(name):
    """In float32 and, from the same weights, in bfloat16 channels last."""
    cfg = Config.fromfile(CONFIGS / f'{name}.py')
    cfg.model.backbone.init_cfg = None
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    points = cfg.train_dataloader.dataset.get('num_points', 0)
    samples = [synthetic_sample(60, 256, 320, n, points) for n in range(2)]
    losses = []
    for fast in (False, True):
        own = copy.deepcopy(model).cuda().train()
        if fast:
            train_in_bfloat16(cfg, 'cuda')
            own.to(memory_format=torch.channels_last)
        wrapper = build_optim_wrapper(own, cfg.optim_wrapper)
        torch.manual_seed(0)
        logs = own.train_step(
            dict(
                inputs=[image for image, _ in samples],
                data_samples=[sample.clone() for _, sample in samples]),
            wrapper)
        assert all(p.isfinite().all() for p in own.parameters())
        losses.append(logs['loss'].item())
    assert losses[1] == pytest.approx(losses[0], rel=0.05)
