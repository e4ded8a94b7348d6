"""Each part of the converted network beside a plain one, to 1e-5 and less.

In double precision, on seeded weights under the published names.
"""
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData
from pycocotools import mask as mask_utils

from . import oracles
from .conftest import feature_maps, in_double
from .published import LIVECELL_RATIOS, LIVECELL_SIZES

HEIGHT, WIDTH = 90, 120


@pytest.fixture(scope='module')
def weights(small_weights):
    return in_double(small_weights)


def close(ours, plain, tolerance=1e-7):
    assert ours.dtype == torch.float64
    torch.testing.assert_close(ours, plain, rtol=tolerance, atol=tolerance)


def images(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def sample_of(height=HEIGHT, width=WIDTH, scale=1.0):
    return DetDataSample(
        metainfo=dict(
            img_shape=(height, width),
            ori_shape=(round(height / scale), round(width / scale)),
            scale_factor=(scale, scale)))


@torch.no_grad()
def test_stem(small_model, weights):
    x = images(2, 3, 31, 46)
    backbone = small_model.backbone
    close(backbone.maxpool(backbone.stem(x)), oracles.stem(x, weights))


@pytest.mark.parametrize('stage, index, channels', [
    (2, 1, 16),
    (3, 0, 32),
    (5, 2, 128),
])
@torch.no_grad()
def test_split_attention(small_model, weights, stage, index, channels):
    """Without deformable convolution (res2) and with it."""
    x = images(2, channels, 9, 12)
    layer = getattr(small_model.backbone, f'layer{stage - 1}')[index]
    assert hasattr(layer.conv2.conv, 'conv_offset') == (stage > 2)
    close(
        layer.conv2(x),
        oracles.split_attention(
            x, weights, f'backbone.bottom_up.res{stage}.{index}.conv2'))


@pytest.mark.parametrize('stage, index, channels, stride', [
    (2, 0, 32, 1),
    (2, 1, 64, 1),
    (3, 0, 64, 2),
    (4, 3, 256, 1),
    (5, 0, 256, 2),
])
@torch.no_grad()
def test_block(small_model, weights, stage, index, channels, stride):
    """Downsampling included, of odd sizes too."""
    x = images(2, channels, 9, 13)
    layer = getattr(small_model.backbone, f'layer{stage - 1}')[index]
    plain = oracles.block(x, weights,
                          f'backbone.bottom_up.res{stage}.{index}', stride)
    assert plain.shape[2:] == (9, 13) if stride == 1 else (5, 7)
    close(layer(x), plain)


@torch.no_grad()
def test_backbone(small_model, weights):
    x = images(1, 3, 64, 96)
    plain, expected = oracles.stem(x, weights), []
    for stage, count in enumerate((3, 4, 6, 3), 2):
        for index in range(count):
            plain = oracles.block(
                plain, weights, f'backbone.bottom_up.res{stage}.{index}',
                2 if stage > 2 and index == 0 else 1)
        expected.append(plain)
    for ours, plain in zip(small_model.backbone(x), expected, strict=True):
        close(ours, plain)


@torch.no_grad()
def test_pyramid(small_model, weights):
    sizes = [(64, 16, 24), (128, 8, 12), (256, 4, 6), (512, 2, 3)]
    features = [images(2, *size, seed=size[0]) for size in sizes]
    expected = oracles.pyramid(features, weights)
    assert [level.shape[2:] for level in expected][-1] == (1, 2)
    for ours, plain in zip(
            small_model.neck(tuple(features)), expected, strict=True):
        close(ours, plain)


@torch.no_grad()
def test_proposals(small_model, weights, nms_in_double):
    """Both readings of p2 keep and suppress their own."""
    features = feature_maps(46, 58)
    boxes, logits = oracles.proposals(features, weights, 46, 58,
                                      LIVECELL_SIZES, LIVECELL_RATIOS)
    found, = small_model.rpn_head.predict(
        features, [sample_of(46, 58)], rescale=False)
    # Scores may be alike: the two readings of p2 have the same.
    ours = torch.cat([found.bboxes, found.scores[:, None]], dim=1)
    plain = torch.cat([boxes, logits.sigmoid()[:, None]], dim=1)
    assert 200 < len(plain) < 3000
    # Our anchors are kept in single precision.
    close(by_row(ours), by_row(plain), 1e-5)
    assert (found.scores.diff() <= 0).all()


def by_row(rows):
    """Rows in an order that rounding does not change."""
    return torch.tensor(
        sorted(rows.tolist(), key=lambda row: [round(v, 6) for v in row]),
        dtype=rows.dtype)


ROIS = torch.tensor([
    [3.2, 5.1, 17.9, 30.3],
    [60., 20., 61.5, 22.],
    [-0., 0., 120., 90.],
    [100.3, 70.7, 120., 90.],
    [40., 10., 40., 30.],
    [10., 2., 80., 88.],
    [0., 40., 118., 50.],
],
                    dtype=torch.float64)


def wide_rois():
    """RoIs of a large image that reach every level."""
    return torch.tensor(
        [[10., 10., 900., 700.], [100., 50., 350., 300.],
         [600.5, 400.5, 790., 560.], [5., 5., 30., 41.]],
        dtype=torch.float64)


@pytest.mark.parametrize('boxes, height, width', [
    (ROIS, HEIGHT, WIDTH),
    (wide_rois(), 720, 960),
])
@torch.no_grad()
def test_roi_features(small_model, boxes, height, width):
    features = feature_maps(height, width)
    rois = torch.cat([boxes.new_zeros(len(boxes), 1), boxes], dim=1)
    for extractor, size in ((small_model.roi_head.bbox_roi_extractor[0], 7),
                            (small_model.roi_head.mask_roi_extractor, 14)):
        close(
            extractor(features[:4], rois), oracles.pool(
                features, boxes, size))


@torch.no_grad()
def test_box_heads(small_model, weights):
    rois = images(6, 32, 7, 7)
    for stage, head in enumerate(small_model.roi_head.bbox_head):
        for ours, plain in zip(
                head(rois), oracles.box_head(rois, weights, stage)):
            close(ours, plain)


@torch.no_grad()
def test_cascade(small_model, weights, nms_in_double):
    """Refinement, averaging of scores, suppression and pasted masks."""
    features = feature_maps(HEIGHT, WIDTH)
    outside = ROIS.new_tensor([[130., 95., 139., 99.]])
    boxes = torch.cat([ROIS, ROIS[:3] + 0.4, outside])
    scale = 1.5
    head = small_model.roi_head
    proposal = InstanceData(bboxes=boxes, scores=boxes.new_ones(len(boxes)))
    found, = head.predict(
        features, [proposal], [sample_of(scale=scale)], rescale=True)

    refined, probs = oracles.cascade(features, boxes, weights, HEIGHT, WIDTH)
    chosen = (probs[:, 0] > 0.05).nonzero()[:, 0]
    kept = chosen[oracles.suppress(refined[chosen], probs[chosen, 0], 0.5)]
    # Clipping leaves nothing of some, the last one among them.
    has_area = (refined[:, 2:] > refined[:, :2]).all(1)
    assert not has_area[-1] and not has_area[kept].all()
    kept = kept[has_area[kept]]
    assert 3 < len(kept) < len(boxes) - 1
    close(found.scores, probs[kept, 0])
    close(found.bboxes, refined[kept] / scale)
    assert (found.labels == 0).all()

    masks = oracles.mask_head(oracles.pool(features, refined[kept], 14),
                              weights)
    assert len(found.masks) == len(kept)
    for code, mask, box in zip(found.masks, masks, found.bboxes):
        assert code['size'] == [60, 80]
        plain = oracles.paste(mask[0], box, 60, 80)
        # Pasting is in single precision: pixels at the threshold may differ.
        clear = (plain - 0.5).abs() > 1e-4
        ours = torch.from_numpy(mask_utils.decode(code)).bool()
        assert ((ours == (plain >= 0.5)) | ~clear).all()


@torch.no_grad()
def test_mask_head(small_model, weights):
    rois = images(5, 32, 14, 14)
    ours = small_model.roi_head.mask_head(rois).sigmoid()
    plain = oracles.mask_head(rois, weights)
    assert plain.shape == (5, 1, 28, 28)
    close(ours, plain)
