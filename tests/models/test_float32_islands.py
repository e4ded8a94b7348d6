"""Under autocast the islands give what they give without."""
import pytest
import torch
from mmcv.cnn import build_conv_layer
from mmdet.models.roi_heads.roi_extractors import SingleRoIExtractor
from mmengine.optim import OptimWrapper
from mmengine.registry import DefaultScope
from torch import nn

from pace_mmdet.engine import MemoryFormatHook
from pace_mmdet.models import Float32DCNv2, Float32RoIExtractor, Float32RPNHead
from pace_mmdet.testing import synthetic_sample

from .conftest import build, prepare

EXTRACTOR = dict(
    roi_layer=dict(type='RoIAlign', output_size=7, sampling_ratio=0),
    out_channels=8,
    featmap_strides=[4, 8])


def autocast():
    return torch.autocast('cpu', torch.bfloat16)


@pytest.fixture
def layer():
    torch.manual_seed(0)
    layer = Float32DCNv2(
        4, 6, 3, padding=1, deform_groups=2, stride=2, bias=False)
    nn.init.normal_(layer.conv_offset.weight, std=0.3)
    return layer


@pytest.mark.parametrize('last', [False, True])
@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_deformable_convolution(layer, dtype, last):
    x = torch.randn(2, 4, 9, 11).to(dtype)
    expected = super(Float32DCNv2, layer).forward(x.float())
    memory_format = torch.channels_last if last else torch.contiguous_format
    x = x.contiguous(memory_format=memory_format).requires_grad_()
    with autocast():
        out = layer(x)
    assert out.dtype == dtype
    assert out.is_contiguous(memory_format=memory_format)
    torch.testing.assert_close(out, expected.to(dtype))
    out.float().sum().backward()
    assert x.grad.dtype == dtype and layer.weight.grad.abs().sum() > 0


def test_deformable_convolution_by_config():
    with DefaultScope.overwrite_default_scope('mmdet'):
        layer = build_conv_layer(
            dict(type='Float32DCNv2', deform_groups=2), 4, 6, 3)
    assert isinstance(layer, Float32DCNv2)


@pytest.mark.parametrize('count', [0, 5])
def test_roi_extraction_never_casts_boxes(count):
    """The boxes of the traps: 502, 402, 516 in bfloat16."""
    torch.manual_seed(0)
    feats = [torch.randn(1, 8, 128 // 2**i, 192 // 2**i) for i in range(2)]
    feats = [feat.bfloat16() for feat in feats]
    rois = torch.tensor([[0, 501.3, 401.7, 517.9, 415.2]]).repeat(count, 1)
    rois[:, 1:] += torch.arange(count)[:, None]
    expected = SingleRoIExtractor(**EXTRACTOR)(
        [feat.float() for feat in feats], rois)
    last = [f.contiguous(memory_format=torch.channels_last) for f in feats]
    for given in (feats, last):
        with autocast():
            found = Float32RoIExtractor(**EXTRACTOR)(given, rois)
        assert found.dtype == torch.float32
        torch.testing.assert_close(found, expected)


def test_anchors_are_made_in_float32():
    head = Float32RPNHead(in_channels=8, num_classes=1, feat_channels=8)
    with autocast():
        scores, deltas = head([torch.randn(1, 8, 6, 5)] * 5)
    assert {t.dtype for t in scores + deltas} == {torch.float32}


def test_channels_last_weights_give_the_same(layer):
    model = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), layer, nn.ReLU())
    parameters = list(model.parameters())
    x = torch.randn(2, 3, 9, 11)
    expected = model(x)
    model.to(memory_format=torch.channels_last)
    assert all(a is b for a, b in zip(parameters, model.parameters()))
    assert not layer.weight.is_contiguous()
    torch.testing.assert_close(model(x), expected)


@pytest.mark.parametrize('channels_last', [False, True])
def test_the_hook_is_a_switch(channels_last):

    class Runner:
        model = nn.Conv2d(3, 4, 3)

    MemoryFormatHook(channels_last).before_run(Runner)
    assert Runner.model.weight.is_contiguous() != channels_last


def test_a_step_in_bfloat16_and_channels_last(small_model_cfg):
    """Every loss close to float32's, every gradient finite."""
    samples = [synthetic_sample(6, 64, 64), synthetic_sample(9, 64, 64, 1)]
    losses = {}
    for fast in (False, True):
        model = build(small_model_cfg()).train()
        wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), 0.01))
        if fast:
            model.to(memory_format=torch.channels_last)
        torch.manual_seed(0)
        with torch.autocast('cpu', torch.bfloat16, enabled=fast):
            result = model(**prepare(model, samples, True), mode='loss')
            loss, parsed = model.parse_losses(result)
        wrapper.update_params(loss)
        assert all(p.isfinite().all() for p in model.parameters())
        losses[fast] = {k: v.item() for k, v in parsed.items() if 'loss' in k}
    assert losses[True] == pytest.approx(losses[False], rel=0.1, abs=0.03)
