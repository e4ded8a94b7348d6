"""The flow model as a detector of MMDetection."""
import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData
from pycocotools import mask as mask_api

from pace_mmdet.models import CellUNet, CenterFlowHead
from pace_mmdet.models.center_flow import FLOW_LENGTH, directions
from pace_mmdet.structures import InstancePoints

from .conftest import build, prepare

MODEL = dict(
    type='CenterFlowDetector',
    data_preprocessor=dict(
        type='DetDataPreprocessor', mean=[96.] * 3, std=[32.] * 3,
        pad_mask=True, pad_size_divisor=32),
    backbone=dict(type='CellUNet', base_channels=16, num_levels=3),
    bbox_head=dict(type='CenterFlowHead', in_channels=16))


def sample(height, width, bboxes, masks=None, ignored=()):
    torch.manual_seed(0)
    found = DetDataSample(
        metainfo=dict(
            img_id=1, img_shape=(height, width), ori_shape=(height, width),
            scale_factor=(1, 1)))
    instances = InstanceData()
    instances.bboxes = torch.tensor(bboxes, dtype=torch.float32).view(-1, 4)
    instances.labels = torch.zeros(len(bboxes), dtype=torch.long)
    if masks is None:
        masks = InstancePoints(
            np.array(bboxes, np.float32).reshape(-1, 1, 4)[..., :2] + 3,
            np.ones((len(bboxes), 1)), height, width)
    instances.masks = masks
    found.gt_instances = instances
    found.ignored_instances = InstanceData(
        bboxes=torch.tensor(ignored, dtype=torch.float32).view(-1, 4))
    return torch.randint(0, 255, (3, height, width), dtype=torch.uint8), found


def losses_of(model, *samples):
    data = prepare(model, samples, True)
    return model.loss(data['inputs'], data['data_samples'])


@pytest.mark.parametrize('size', [(64, 64), (50, 70), (33, 31), (7, 5)])
def test_unet_gives_back_half_the_size(size):
    net = CellUNet(base_channels=16, num_levels=4)
    features, = net(torch.rand(2, 3, *size))
    assert features.shape == (2, 16, -(-size[0] // 2), -(-size[1] // 2))


def test_unet_of_no_level():
    with pytest.raises(ValueError, match='num_levels'):
        CellUNet(num_levels=0)


def test_it_trains_on_points_and_on_masks_and_on_nothing():
    model = build(MODEL).train()
    masks = np.zeros((1, 40, 60), np.uint8)
    masks[0, 5:20, 5:20] = 1
    samples = [
        sample(40, 60, [[5, 5, 20, 20], [30, 10, 50, 30]]),
        sample(40, 60, [[5, 5, 20, 20]], BitmapMasks(masks, 40, 60)),
        sample(64, 48, []),
    ]
    losses = losses_of(model, *samples)
    assert set(losses) == {'loss_foreground', 'loss_flow'}
    sum(losses.values()).backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all()
               for p in model.parameters())


def test_other_annotations_are_refused():
    _, truth = sample(32, 32, [[5, 5, 20, 20]], masks=[0])
    with pytest.raises(TypeError, match='InstancePoints, BitmapMasks'):
        CenterFlowHead(4).loss_by_feat(
            [torch.zeros(1, 16, 16)], [torch.zeros(1, 2, 16, 16)],
            [truth.gt_instances], [truth.metainfo])


def test_unknown_loss_weights():
    with pytest.raises(ValueError, match="unknown \\['tight'\\]"):
        CenterFlowHead(4, loss_weights=dict(tight=1))


@pytest.mark.parametrize('extra', [dict(pad=True), dict(ignored=True)])
def test_padding_and_ignored_regions_take_no_part(extra):
    head = CenterFlowHead(4)
    logits, flow = torch.randn(1, 16, 16), torch.randn(1, 2, 16, 16)
    shape = (32, 20) if 'pad' in extra else (32, 32)
    ignored = [[20, 0, 32, 32]] if 'ignored' in extra else []
    _, truth = sample(*shape, [[4, 4, 16, 16]], ignored=ignored)

    def loss():
        return head.loss_by_feat([logits], [flow], [truth.gt_instances],
                                 [truth.metainfo],
                                 [truth.ignored_instances])

    before = loss()
    logits[..., 10:] += 3
    flow[..., 10:] += 3
    after = loss()
    for name in before:
        assert before[name] == after[name]


def maps_of(discs, height, width):
    """Logits and flow as a perfect network gives them, stride 2."""
    y, x = torch.meshgrid(
        torch.arange(height) * 2. + 1, torch.arange(width) * 2. + 1,
        indexing='ij')
    logits = torch.full((height, width), -6.)
    flow = torch.zeros(2, height, width)
    for center_x, center_y, radius in discs:
        on = (x - center_x)**2 + (y - center_y)**2 < radius**2
        logits[on] = 6
        to = directions(
            torch.stack([x, y], -1), torch.tensor([center_x, center_y]))
        flow[:, on] = to.permute(2, 0, 1)[:, on] * FLOW_LENGTH
    return logits[None], flow[None]


@pytest.mark.parametrize('factor', [1, 0.5, 2.5])
def test_cells_are_found_where_they_are(factor):
    discs = [(20., 20., 10.), (44., 30., 12.)]
    logits, flow = maps_of(discs, 32, 48)  # padded: the image is 60 x 90
    meta = dict(img_shape=(60, 90), ori_shape=(int(60 * factor),
                                               int(90 * factor)))
    head = CenterFlowHead(4)
    found, = head.predict_by_feat([logits], [flow], [meta], rescale=True)
    assert len(found) == 2
    assert (found.scores > 0.9).all() and not found.labels.any()
    masks = mask_api.decode(found.masks).transpose(2, 0, 1)
    assert masks.shape[1:] == meta['ori_shape']
    for mask, box in zip(masks, found.bboxes):
        x1, y1, x2, y2 = (box / factor).tolist()
        center = (x1 + x2) / 2, (y1 + y2) / 2
        radius = min((abs(center[0] - x) + abs(center[1] - y), r)
                     for x, y, r in discs)[1]
        assert x2 - x1 == pytest.approx(2 * radius, abs=2.5)
        assert mask.sum() / factor**2 == pytest.approx(
            np.pi * radius**2, rel=0.12)
    here, = head.predict_by_feat([logits], [flow], [meta])
    assert mask_api.decode(here.masks).shape[:2] == (60, 90)


def test_nothing_is_found():
    head = CenterFlowHead(4)
    meta = dict(img_shape=(30, 30), ori_shape=(30, 30))
    logits, flow = maps_of([], 16, 16)
    found, = head.predict_by_feat([logits], [flow], [meta], rescale=True)
    assert len(found) == 0 and found.bboxes.shape == (0, 4)
    assert found.masks == []


def test_small_and_unsure_cells_are_left_out():
    logits, flow = maps_of([(20., 20., 10.), (45., 15., 4.5)], 32, 32)
    meta = dict(img_shape=(64, 64), ori_shape=(64, 64))
    for cfg, number in ((dict(min_area=1), 2), (dict(min_area=30), 1),
                        (dict(min_area=1, score_thr=0.999), 0)):
        head = CenterFlowHead(4, test_cfg=cfg)
        found, = head.predict_by_feat([logits], [flow], [meta])
        assert len(found) == number


def test_it_predicts_as_a_detector():
    model = MODELS.build(MODEL).eval()
    image, truth = sample(40, 60, [])
    with torch.no_grad():
        found, = model.test_step(dict(inputs=[image], data_samples=[truth]))
    assert isinstance(found.pred_instances.masks, list)
