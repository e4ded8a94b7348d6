"""Modulated deformable convolution, against the rule written plainly."""
import pytest
import torch
import torch.nn.functional as F

from pace_mmdet.ops import deform_conv as module
from pace_mmdet.ops.deform_conv import modulated_deform_conv2d

from . import oracles
from .conftest import needs_torchvision

CASES = {
    'plain': dict(),
    'padding': dict(padding=(1, 1)),
    'stride': dict(stride=(2, 1), padding=(1, 2)),
    'dilation': dict(dilation=(1, 2), padding=(1, 2)),
    'groups': dict(groups=2),
    'deform groups': dict(deform_groups=2),
    'both': dict(groups=2, deform_groups=2),
    'more groups': dict(groups=4, deform_groups=2, padding=(1, 0)),
    'more deform groups': dict(groups=2, deform_groups=4),
    'unlike groups': dict(groups=3, deform_groups=2),
}


def inputs(kernel=(3, 2), num=2, height=4, width=5, scale=1.5, stride=(1, 1),
           padding=(0, 0), dilation=(1, 1), groups=1, deform_groups=1):
    """Random tensors that fit, of float64."""
    torch.manual_seed(0)
    channels, out_channels = 12, 12
    places = kernel[0] * kernel[1]
    h, w = ((size + 2 * p - d * (k - 1) - 1) // s + 1
            for size, k, s, p, d in zip((height, width), kernel, stride,
                                        padding, dilation))
    kwargs = dict(dtype=torch.float64)
    return (
        torch.randn(num, channels, height, width, **kwargs),
        torch.randn(num, 2 * deform_groups * places, h, w, **kwargs) * scale,
        torch.rand(num, deform_groups * places, h, w, **kwargs),
        torch.randn(out_channels, channels // groups, *kernel, **kwargs))


@pytest.mark.parametrize('name', CASES)
def test_values(name):
    given = inputs(**CASES[name])
    torch.testing.assert_close(
        modulated_deform_conv2d(*given, **CASES[name]),
        oracles.deform_conv(*given, **CASES[name]))


@pytest.mark.parametrize('kernel, height, width, num', [
    ((1, 1), 1, 1, 1), ((1, 3), 1, 4, 1), ((2, 2), 2, 2, 2),
    ((1, 1), 3, 3, 0)])
def test_odd_sizes(kernel, height, width, num):
    given = inputs(kernel, num, height, width)
    torch.testing.assert_close(
        modulated_deform_conv2d(*given), oracles.deform_conv(*given))


def test_without_offsets_it_is_a_convolution():
    """With all offsets zero and all factors one, bias included."""
    x, offset, mask, weight = inputs(padding=(1, 1), stride=(2, 2))
    bias = torch.randn(12, dtype=torch.float64)
    torch.testing.assert_close(
        modulated_deform_conv2d(
            x, 0 * offset, 0 * mask + 1, weight, bias, 2, 1),
        F.conv2d(x, weight, bias, 2, 1))


def test_far_offsets_read_nothing():
    x, offset, mask, weight = inputs()
    for far in (-1e3, 1e3, 1e12):
        out = modulated_deform_conv2d(x, 0 * offset + far, mask, weight)
        assert not out.any()


@pytest.mark.parametrize('name', ['both', 'unlike groups', 'stride'])
def test_gradcheck(name):
    given = inputs((2, 1), 1, 3, 3, **CASES[name])
    given = [tensor.requires_grad_() for tensor in given]
    assert torch.autograd.gradcheck(
        lambda *args: modulated_deform_conv2d(*args, **CASES[name]), given,
        fast_mode=True)


def test_only_what_is_asked_has_a_gradient():
    x, offset, mask, weight = inputs()
    weight.requires_grad_()
    modulated_deform_conv2d(x, offset, mask, weight).sum().backward()
    assert weight.grad.any() and x.grad is None


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16,
                                   torch.float32])
@pytest.mark.parametrize('last', [False, True])
@pytest.mark.parametrize('groups', [1, 2])
def test_types_and_formats(dtype, last, groups):
    """Positions count in float32 whatever the input's type."""
    x, offset, mask, weight = inputs(groups=groups)
    x, offset = x.to(dtype), offset.float()
    weight = weight.to(dtype)
    expected = oracles.deform_conv(
        x.double(), offset.double(), mask, weight.double(), groups=groups)
    memory_format = torch.channels_last if last else torch.contiguous_format
    x = x.contiguous(memory_format=memory_format)
    weight = weight.contiguous(memory_format=memory_format)
    found = modulated_deform_conv2d(
        x, offset, mask.float(), weight, groups=groups)
    assert found.dtype == dtype
    assert found.is_contiguous(memory_format=memory_format)
    torch.testing.assert_close(found, expected.to(dtype))


def test_columns_are_not_kept():
    """What autograd holds on to is the inputs, not K times as much."""
    given = [t.requires_grad_() for t in inputs(num=1, height=20, width=20)]
    kept = 0

    def pack(tensor):
        nonlocal kept
        kept += tensor.numel()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        modulated_deform_conv2d(*given).sum()
    assert kept <= sum(tensor.numel() for tensor in given)


@needs_torchvision
@pytest.mark.parametrize('name', CASES)
def test_torchvision_gives_the_same(name):
    case = CASES[name]
    given = [t.float().requires_grad_() for t in inputs(**case)]
    args = [case.get(key, default) for key, default in (
        ('stride', (1, 1)), ('padding', (0, 0)), ('dilation', (1, 1)),
        ('groups', 1), ('deform_groups', 1))]
    theirs = module._torchvision(*given, *args)
    ours = module._weighted_sums(*given, *args)
    torch.testing.assert_close(theirs, ours, rtol=1e-4, atol=1e-4)
    grad = torch.randn_like(ours)
    for a, b in zip(torch.autograd.grad(theirs, given, grad),
                    torch.autograd.grad(ours, given, grad)):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)
