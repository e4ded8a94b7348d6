import pytest
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.structures import InstanceData

from pace_mmdet.testing import synthetic_cells

from .conftest import CONFIGS

LEVELS = (0, 0, 1, 2, 3, 4)


def build_rpn(in_levels=LEVELS):
    cfg = Config.fromfile(CONFIGS / 'livecell/anchor_based_r200_dcn.py').model
    return MODELS.build(
        dict(
            cfg.rpn_head,
            in_channels=8,
            feat_channels=8,
            in_levels=in_levels,
            train_cfg=cfg.train_cfg.rpn,
            test_cfg=cfg.test_cfg.rpn))


def features():
    torch.manual_seed(0)
    return tuple(
        torch.randn(1, 8, -(-96 // stride), -(-128 // stride))
        for stride in (4, 8, 16, 32, 64))


def test_a_level_is_read_twice():
    rpn, x = build_rpn(), features()
    scores, deltas = rpn(x)
    for outputs, channels in ((scores, 5), (deltas, 20)):
        assert [tuple(out.shape[1:]) for out in outputs] == [
            (channels, 24, 32), (channels, 24, 32), (channels, 12, 16),
            (channels, 6, 8), (channels, 3, 4), (channels, 2, 2)
        ]
    for level, source in enumerate(LEVELS):
        plain = rpn.forward_single(x[source])
        torch.testing.assert_close(scores[level], plain[0])
        torch.testing.assert_close(deltas[level], plain[1])


def test_every_level_of_anchors_is_trained():
    """What the two readings of a level learn adds up in its features."""
    rpn, x = build_rpn(), features()
    x = [level.requires_grad_() for level in x]
    sample = DetDataSample(
        metainfo=dict(img_shape=(96, 128), pad_shape=(96, 128)))
    bboxes = torch.tensor(synthetic_cells(20, 96, 128).bboxes)
    sample.gt_instances = InstanceData(
        bboxes=bboxes.float(), labels=torch.zeros(20, dtype=torch.long))
    losses = rpn.loss(tuple(x), [sample])
    assert [len(losses[name]) for name in ('loss_rpn_cls', 'loss_rpn_bbox')
            ] == [6, 6]

    def gradient(loss):
        return torch.autograd.grad(loss, x[0], retain_graph=True)[0]

    first, second = map(gradient, losses['loss_rpn_cls'][:2])
    assert first.abs().sum() > 0 and second.abs().sum() > 0
    torch.testing.assert_close(
        gradient(sum(losses['loss_rpn_cls'])), first + second)


@pytest.mark.parametrize('in_levels', [(0, 1, 2, 3, 4), ()])
def test_levels_of_features_and_anchors_belong_together(in_levels):
    with pytest.raises(ValueError, match='each of the 6 levels of anchors'):
        build_rpn(in_levels)
