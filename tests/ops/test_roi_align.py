"""Features of RoIs, against the rule written plainly."""
import pytest
import torch

from pace_mmdet.ops import roi_align as module
from pace_mmdet.ops.roi_align import RoIAlign, roi_align

from . import oracles
from .conftest import needs_torchvision

# Image, x1, y1, x2, y2 in pixels of an image of 44 x 28; two images.
ROIS = {
    'inside': [[0, 4.3, 5.1, 17.9, 20.2]],
    'two images': [[1, 3., 2., 9., 9.], [0, 3., 2., 9., 9.]],
    'of a pixel': [[0, 7.2, 8.1, 8.0, 8.9]],
    'without area': [[0, 9., 9., 9., 9.], [1, 9., 3., 9., 20.]],
    'over the border': [[0, -9., -6., 8., 50.], [1, 30., 20., 70., 33.]],
    'outside': [[0, -90., 2., -60., 9.], [1, 50., 2., 60., 9.]],
    'just outside': [[0, -8., 0., -2., 4.], [0, 44., 28., 50., 33.]],
    'long': [[0, 0., 10., 44., 12.], [1, 20., 0., 21., 28.]],
    'all': [[1, 0., 0., 44., 28.]],
    'none': [],
}


def features(channels=3, height=7, width=11):
    torch.manual_seed(0)
    return torch.randn(2, channels, height, width, dtype=torch.float64)


@pytest.mark.parametrize('aligned', [True, False])
@pytest.mark.parametrize('ratio', [0, 1, 3])
@pytest.mark.parametrize('size', [(1, 1), (2, 3)])
@pytest.mark.parametrize('name', ROIS)
def test_values_and_gradients(name, size, ratio, aligned):
    rois = torch.tensor(ROIS[name], dtype=torch.float64).reshape(-1, 5)
    x = features().requires_grad_()
    expected = oracles.roi_align(x, rois, size, 0.25, ratio, aligned)
    found = roi_align(x, rois, size, 0.25, ratio, aligned)
    torch.testing.assert_close(found, expected)
    grad = torch.randn_like(found)
    found, = torch.autograd.grad(found, x, grad)
    if not expected.requires_grad:
        # Nothing was read.
        assert not found.any()
        return
    expected, = torch.autograd.grad(expected, x, grad)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize('height, width', [(1, 1), (1, 5), (4, 1)])
def test_maps_of_a_pixel(height, width):
    x = features(2, height, width)
    rois = torch.tensor([[0, -1., -1., 6., 6.], [1, 0.2, 0.3, 0.9, 0.8]],
                        dtype=torch.float64)
    torch.testing.assert_close(
        roi_align(x, rois, 2), oracles.roi_align(x, rois, (2, 2)))


def test_gradcheck():
    rois = torch.tensor(ROIS['inside'] + ROIS['over the border'])
    assert torch.autograd.gradcheck(
        lambda x: roi_align(x, rois, 2, 0.25),
        features(2).requires_grad_(), fast_mode=True)


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16,
                                   torch.float32])
@pytest.mark.parametrize('last', [False, True])
def test_types_and_formats(dtype, last):
    """Boxes count in float32 whatever the features' type."""
    x = features().to(dtype)
    rois = torch.tensor(ROIS['inside'] + ROIS['two images'])
    expected = oracles.roi_align(x.double(), rois.double(), (2, 2), 0.25)
    if last:
        x = x.contiguous(memory_format=torch.channels_last)
    found = roi_align(x, rois, 2, 0.25)
    assert found.dtype == dtype
    torch.testing.assert_close(found, expected.to(dtype))


def test_chunks_change_nothing(monkeypatch):
    rois = torch.tensor(sum(ROIS.values(), []), dtype=torch.float64)
    whole = roi_align(features(), rois, 2, 0.25)
    monkeypatch.setattr(module, '_CHUNK', 50)
    assert torch.equal(roi_align(features(), rois, 2, 0.25), whole)


@pytest.mark.parametrize('box', [[5, 1, 4, 2], [1, 5, 2, 4],
                                 [1, float('nan'), 2, 4]])
def test_negative_sizes(box):
    rois = torch.tensor([[0, 1, 1, 2, 2], [0, *box]])
    with pytest.raises(ValueError, match='RoI 1 is'):
        roi_align(features(), rois, 2)
    if box[0] == box[0] and box[1] == box[1]:
        assert roi_align(features(), rois, 2, aligned=False).isfinite().all()


def test_the_layer_is_the_function():
    rois = torch.tensor(ROIS['inside'])
    layer = RoIAlign(output_size=3, spatial_scale=0.25, sampling_ratio=2)
    assert torch.equal(layer(features(), rois),
                       roi_align(features(), rois, (3, 3), 0.25, 2))
    assert layer.output_size == (3, 3)


def test_memory_is_bounded():
    """3,000 RoIs: beyond the features' copy not twice what is returned."""
    torch.manual_seed(0)
    x = torch.randn(1, 64, 64, 96)
    centres = torch.rand(3000, 2) * torch.tensor([384., 256.])
    sides = 8 + torch.rand(3000, 2) * 92
    rois = torch.cat([torch.zeros(3000, 1), centres - sides / 2,
                      centres + sides / 2], 1)
    with torch.profiler.profile(profile_memory=True) as profile:
        out = roi_align(x, rois, 7, 0.25)
    now = peak = 0
    for event in profile.profiler.kineto_results.events():
        if event.name() == '[memory]':
            now += event.nbytes()
            peak = max(peak, now)
    copy = x.numel() * 4
    assert out.numel() * 4 < peak < copy + 3 * out.numel() * 4


@needs_torchvision
@pytest.mark.parametrize('aligned', [True, False])
def test_torchvision_gives_the_same(aligned):
    x = features().float()
    rois = torch.tensor(sum(ROIS.values(), []))
    args = (x, rois, (2, 3), 0.25, 0, aligned)
    torch.testing.assert_close(
        module._torchvision(*args), module._weighted_sums(*args))
