import re
from pathlib import Path

import mmdet
import pytest
import torch
from mmdet.models.task_modules.samplers import SamplingResult
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.structures import InstanceData
from torch.nn import functional as F

from pace_mmdet.models import PointMaskHead
from pace_mmdet.models.point_sampling import box_coordinates, sample_logits
from pace_mmdet.structures import InstancePoints


def make_head(**kwargs):
    torch.manual_seed(0)
    return PointMaskHead(
        num_convs=1, in_channels=4, conv_out_channels=4,
        **dict(dict(num_classes=1), **kwargs))


def sampled(rois, gt_inds, labels=None):
    """What the head reads of a SamplingResult."""
    result = SamplingResult.__new__(SamplingResult)
    result.pos_priors = torch.tensor(rois).reshape(-1, 4)
    result.pos_assigned_gt_inds = torch.tensor(gt_inds, dtype=torch.long)
    result.pos_gt_labels = torch.tensor(
        labels or [0] * len(gt_inds), dtype=torch.long)
    return result


def instances(coords, labels):
    return InstanceData(
        masks=InstancePoints(coords, labels, height=100, width=100))


TWO_CELLS = instances(
    [[[12.5, 22.5], [15.5, 30.5], [80.5, 80.5]],
     [[50.5, 50.5], [55.5, 58.5], [59.5, 51.5]]],
    [[1, 0, 1], [0, 1, -1]])
# The first RoI misses the third point of its cell; the second cell's third
# point is not to be used.
ROIS = [[10., 20., 20., 40.], [50., 50., 60., 60.]]


def oracle(mask_preds, divisor):
    """Binary cross-entropy at the four points that count."""
    losses = []
    for roi, x, y, label in [(0, .25, .125, 1.), (0, .55, .525, 0.),
                             (1, .05, .05, 0.), (1, .55, .85, 1.)]:
        logit = sample_logits(mask_preds[roi:roi + 1],
                              torch.tensor([[[x, y]]]), torch.tensor([0]))
        losses.append(
            F.binary_cross_entropy_with_logits(logit,
                                               torch.tensor([[label]])))
    return sum(losses) / divisor


@pytest.mark.parametrize('normalizer, divisor', [('all', 6), ('valid', 4)])
def test_loss_against_a_plain_oracle(normalizer, divisor):
    head = make_head(normalizer=normalizer)
    mask_preds = head(torch.randn(2, 4, 14, 14))
    assert mask_preds.shape == (2, 1, 28, 28)
    result = head.loss_and_target(mask_preds, [sampled(ROIS, [0, 1])],
                                  [TWO_CELLS], None)
    assert result['mask_targets'].shape == (2, 3, 3)
    loss = result['loss_mask']['loss_mask']
    torch.testing.assert_close(loss, oracle(mask_preds, divisor))


def on_mask_rcnn(**changes):
    """The head as a config puts it into MMDetection's Mask R-CNN."""
    path = Path(mmdet.__file__).parent.joinpath(
        '.mim/configs/_base_/models/mask-rcnn_r50_fpn.py')
    cfg = Config.fromfile(path)
    cfg.merge_from_dict({'model.roi_head.mask_head': dict(
        type='PointMaskHead', **changes)})
    return MODELS.build(cfg.model.roi_head.mask_head)


def test_on_a_stock_mask_rcnn():
    with pytest.raises(ValueError, match=r'Write (mask_head=dict\(.*\)\))'
                       ) as error:
        on_mask_rcnn()
    # What the message says to write is right.
    written = re.search(r'loss_mask=(dict\(use_mask=[^)]*\))',
                        str(error.value))[1]
    head = on_mask_rcnn(loss_mask=eval(written))
    mask_preds = torch.randn(2, 80, 28, 28)
    loss = head.loss_and_target(mask_preds, [sampled(ROIS, [0, 1])],
                                [TWO_CELLS], None)['loss_mask']['loss_mask']
    torch.testing.assert_close(loss, oracle(mask_preds[:, :1], 6))


@pytest.mark.parametrize('loss_mask', [
    dict(type='CrossEntropyLoss'),
    dict(type='CrossEntropyLoss', use_sigmoid=True, use_mask=True)
])
def test_losses_that_are_not_for_points(loss_mask):
    with pytest.raises(ValueError, match='takes its loss at points'):
        make_head(loss_mask=loss_mask)


def test_per_class_masks():
    head = make_head(num_classes=3)
    mask_preds = torch.randn(2, 3, 28, 28)
    labels = [2, 1]
    loss = head.loss_and_target(mask_preds, [sampled(ROIS, [0, 1], labels)],
                                [TWO_CELLS], None)['loss_mask']['loss_mask']
    chosen = torch.stack([mask_preds[0, 2:], mask_preds[1, 1:2]])
    torch.testing.assert_close(loss, oracle(chosen, 6))
    agnostic = make_head(num_classes=3, class_agnostic=True)
    assert agnostic(torch.randn(2, 4, 14, 14)).shape[1] == 1


def test_images_with_different_numbers_of_points():
    few = instances([[[12.5, 22.5]]], [[1]])
    targets = make_head().get_targets(
        [sampled(ROIS[:1], [0]), sampled(ROIS, [0, 1])], [few, TWO_CELLS],
        None)
    assert targets.shape == (3, 3, 3)
    assert targets[0, :, 2].tolist() == [1, -1, -1]


def test_the_loss_learns_the_points():
    """Gradient descent on the logits alone satisfies every label."""
    head = make_head()
    logits = torch.zeros(2, 1, 28, 28, requires_grad=True)
    optimizer = torch.optim.SGD([logits], lr=100.)
    for _ in range(30):
        optimizer.zero_grad()
        head.loss_and_target(logits, [sampled(ROIS, [0, 1])], [TWO_CELLS],
                             None)['loss_mask']['loss_mask'].backward()
        optimizer.step()
    targets = head.get_targets([sampled(ROIS, [0, 1])], [TWO_CELLS], None)
    points, inside = box_coordinates(targets[..., :2], torch.tensor(ROIS))
    used = inside & (targets[..., 2] >= 0)
    predicted = sample_logits(logits, points, torch.zeros(2).long()) > 0
    assert torch.equal(predicted[used], targets[..., 2][used] == 1)


@pytest.mark.parametrize('rois, inds, cells', [
    ([], [], TWO_CELLS),
    ([[10., 20., 10., 40.]], [0], TWO_CELLS),
    ([[10., 20., 10., 20.]], [0], TWO_CELLS),
    ([[80., 10., 90., 20.]], [0], TWO_CELLS),
    (ROIS, [0, 1], instances([[[5, 5]], [[6, 6]]], [[-1], [-1]])),
    (ROIS, [0, 1], InstanceData(masks=InstancePoints(
        torch.zeros(2, 0, 2), torch.zeros(2, 0), 100, 100))),
], ids=['no RoI', 'no width', 'no area', 'elsewhere', 'unused', 'no points'])
@pytest.mark.parametrize('normalizer', ['all', 'valid'])
def test_nothing_to_learn_from(rois, inds, cells, normalizer):
    head = make_head(normalizer=normalizer)
    mask_preds = head(torch.randn(len(inds), 4, 14, 14))
    loss = head.loss_and_target(mask_preds, [sampled(rois, inds)], [cells],
                                None)['loss_mask']['loss_mask']
    loss.backward()
    assert loss.item() == 0
    for parameter in head.parameters():
        assert parameter.grad is not None
        assert (parameter.grad == 0).all()


def test_more_than_100_cells():
    generator = torch.Generator().manual_seed(0)
    corners = torch.rand(300, 2, generator=generator) * 80
    bboxes = torch.cat([corners, corners + 10], dim=1)
    cells = instances((corners[:, None] + 5).numpy(), torch.ones(300, 1))
    loss = make_head().loss_and_target(
        torch.zeros(300, 1, 28, 28),
        [sampled(bboxes.tolist(), list(range(300)))], [cells],
        None)['loss_mask']['loss_mask']
    assert loss.item() == pytest.approx(0.693147, abs=1e-5)


def test_float32_under_autocast():
    head = make_head()
    features = torch.randn(2, 4, 14, 14)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        mask_preds = head(features)
        assert mask_preds.dtype == torch.bfloat16
        result = head.loss_and_target(mask_preds, [sampled(ROIS, [0, 1])],
                                      [TWO_CELLS], None)
    loss = result['loss_mask']['loss_mask']
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, oracle(mask_preds, 6))


def test_refuses_masks_and_unknown_normalizers():
    masks = InstanceData(masks=torch.zeros(2, 100, 100))
    with pytest.raises(TypeError, match='RandomPointLabel'):
        make_head().get_targets([sampled(ROIS, [0, 1])], [masks], None)
    with pytest.raises(ValueError, match="'all' or 'valid'"):
        make_head(normalizer='mean')
