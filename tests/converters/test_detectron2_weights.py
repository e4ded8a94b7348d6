import pytest
import torch
from mmdet.registry import MODELS
from torch.nn import functional as F

from pace_mmdet.converters import convert_weights
from pace_mmdet.converters.detectron2_weights import WeightsMismatch, ungroup
from tests.models.conftest import CONFIGS

from .conftest import SMALL, small_config
from .published import cell_anchors, published_shapes, seeded_weights

PACE = 'pace/pace_r200_dcn_4pt.py'
RPN = ['rpn_head.rpn_cls.weight', 'rpn_head.rpn_cls.bias',
       'rpn_head.rpn_reg.weight', 'rpn_head.rpn_reg.bias']


@pytest.fixture(scope='module')
def livecell(small_cfg):
    """A model of the published kind, not initialised."""
    return MODELS.build(small_cfg().model)


@pytest.fixture(scope='module')
def pace():
    return MODELS.build(small_config(CONFIGS / PACE).model)


def weights_of(**changes):
    return seeded_weights(published_shapes(**{**SMALL, **changes}))


@pytest.mark.parametrize('groups', [1, 2, 3])
def test_a_grouped_convolution_made_dense(groups):
    torch.manual_seed(0)
    weight = torch.randn(6, 12 // groups, 3, 3)
    x = torch.randn(2, 12, 5, 5)
    dense = ungroup(weight, groups)
    assert dense.shape == (6, 12, 3, 3)
    torch.testing.assert_close(
        F.conv2d(x, dense), F.conv2d(x, weight, groups=groups))


def test_ungroup_with_outputs_that_do_not_divide():
    assert ungroup(torch.zeros(5, 3, 1, 1), 2) is None


def test_everything_is_accounted_for(livecell, small_weights):
    result = convert_weights(small_weights, livecell)
    assert set(result.state_dict) == set(livecell.state_dict())
    assert sorted(result.used + result.not_needed) == sorted(small_weights)
    assert result.not_needed == list(cell_anchors())
    assert result.new == []
    for ours, value in result.state_dict.items():
        assert value.dtype == livecell.state_dict()[ours].dtype
    # Ours was not touched.
    stem = 'backbone.stem.0.weight'
    assert not torch.equal(result.state_dict[stem],
                           livecell.state_dict()[stem])
    assert torch.equal(
        result.state_dict['roi_head.bbox_head.1.fc_cls.bias'],
        small_weights['roi_heads.box_predictor.1.cls_score.bias'])


def test_without_anchors_in_the_file(livecell):
    assert convert_weights(weights_of(), livecell).new == []


def test_a_frozen_stem_does_not_count_batches(livecell):
    """As in the COCO model, trained with FREEZE_AT 2."""
    weights = weights_of()
    frozen = [
        name for name in weights if name.endswith('num_batches_tracked') and (
            '.stem.' in name or '.res2.' in name)
    ]
    for name in frozen:
        del weights[name]
    result = convert_weights(weights, livecell)
    assert result.new == [] and len(frozen) > 10
    assert result.state_dict['backbone.stem.1.num_batches_tracked'] == 0
    assert result.state_dict['neck.fpn_convs.0.bn.num_batches_tracked'] > 0


def test_other_classes_and_anchors_are_new(pace):
    """The COCO model for PACE: 80 classes and 3 anchors there."""
    weights = weights_of(classes=80, anchors=3)
    weights.update(
        cell_anchors((32, 64, 128, 256, 512), (0.5, 1.0, 2.0)))
    result = convert_weights(weights, pace)
    layers = [f'roi_head.bbox_head.{i}.fc_cls' for i in range(3)]
    layers.append('roi_head.mask_head.conv_logits')
    expected = RPN + [
        f'{layer}.{part}' for layer in layers for part in ('weight', 'bias')
    ]
    assert sorted(result.new) == sorted(expected)
    assert not set(result.new) & set(result.state_dict)
    # Regression does not depend on the class.
    assert 'roi_head.bbox_head.0.fc_reg.weight' in result.state_dict
    assert sorted(result.used + result.not_needed) == sorted(weights)
    missing, unexpected = pace.load_state_dict(
        result.state_dict, strict=False)
    assert sorted(missing) == sorted(expected) and unexpected == []


def test_anchors_of_the_same_number_may_differ(pace, small_weights):
    """LIVECell's model and PACE both have 5 anchors a position."""
    assert sorted(convert_weights(small_weights, pace).new) == sorted(RPN)


def test_a_backbone_alone(livecell):
    """ImageNet's has no offsets, and a classifier."""
    weights = {
        name: value
        for name, value in weights_of().items()
        if '.bottom_up.' in name and '_offset' not in name
    }
    weights['backbone.bottom_up.fc.weight'] = torch.zeros(1000, 512)
    result = convert_weights(weights, livecell)
    assert result.not_needed == ['backbone.bottom_up.fc.weight']
    assert set(result.state_dict) | set(result.new) == set(
        livecell.state_dict())
    assert all(not name.startswith('backbone.') or '.conv_offset.' in name
               for name in result.new)
    assert all(name.startswith('backbone.') for name in result.state_dict)


def test_other_box_coders_rescale_the_deltas(small_cfg, small_weights):
    cfg = small_cfg()
    cfg.model.roi_head.bbox_head[1].bbox_coder.target_stds = [
        0.1, 0.05, 0.1, 0.2
    ]
    cfg.model.rpn_head.bbox_coder.target_stds = [0.5] * 4
    model = MODELS.build(cfg.model)
    result = convert_weights(small_weights, model).state_dict
    theirs = 'roi_heads.box_predictor.1.bbox_pred'
    for part in ('weight', 'bias'):
        ours = result[f'roi_head.bbox_head.1.fc_reg.{part}'].double()
        plain = small_weights[f'{theirs}.{part}'].double()
        stds = ours.new_tensor([0.1, 0.05, 0.1, 0.2])
        divisors = ours.new_tensor([20., 20., 10., 10.])
        torch.testing.assert_close(
            ours.movedim(0, -1) * stds,
            plain.movedim(0, -1) / divisors,
            rtol=1e-6,
            atol=1e-9)
    rpn = 'proposal_generator.rpn_head.anchor_deltas.weight'
    torch.testing.assert_close(result['rpn_head.rpn_reg.weight'],
                               small_weights[rpn] * 2)
    # The others are as they were, to the last bit.
    assert torch.equal(
        result['roi_head.bbox_head.2.fc_reg.weight'],
        small_weights['roi_heads.box_predictor.2.bbox_pred.weight'])


def without(ending):
    return lambda weights: {
        name: value
        for name, value in weights.items() if not name.endswith(ending)
    }


@pytest.mark.parametrize('change, expected', [
    # Depth, width, radix, deformable groups, heads.
    (lambda _: weights_of(blocks=(3, 4, 23, 3)),
     r'res4\.6\.conv1\.weight .*the config has no backbone\.layer3\.6'),
    (lambda _: weights_of(blocks=(3, 4, 5, 3)),
     r'backbone\.layer3\.5\.conv1\.weight \(64, 256, 1, 1\): not in'),
    (lambda _: weights_of(width=24), r'the config\'s backbone\.stem\.0'),
    (lambda w: {
        **w, 'backbone.bottom_up.res2.0.conv2.conv.weight':
            torch.zeros(16, 16, 3, 3)
    }, r'conv2\.conv\.weight \(16, 16, 3, 3\): the config\'s .*\(32, 8, 3, 3'
     ),
    (lambda w: {
        **w, 'backbone.bottom_up.res3.0.conv2_offset.weight':
            torch.zeros(27, 32, 3, 3)
    }, r'conv2_offset\.weight \(27, 32, 3, 3\): the config\'s'),
    (lambda _: weights_of(dcn=(False, False, True, True)),
     r'layer2\.0\.conv2\.conv\.conv_offset\.weight .*not in the checkpoint'),
    (lambda _: weights_of(box_convs=0), r'shared_convs\.0.*not in'),
    (lambda _: weights_of(fc=32), r'fc1\.weight \(32, 1568\)'),
    (lambda _: weights_of(mask_convs=4), r'mask_head\.convs\.4.*not in'),
    (without('mask_head.predictor.bias'), r'1 tensors do not fit:\n.*conv_l'),
    (lambda w: {**w, 'roi_heads.keypoint_head.score.weight': torch.zeros(1)},
     r'keypoint_head\.score\.weight \(1,\): no layer here is like it'),
    (lambda w: {'a': torch.zeros(1)},
     r'a \(1,\): no layer here is like it(.|\n)*and .* more'),
])
def test_another_model(livecell, small_weights, change, expected):
    with pytest.raises(WeightsMismatch, match=expected) as caught:
        convert_weights(change(small_weights), livecell)
    assert len(str(caught.value).splitlines()) <= 10


def test_target_means_have_no_counterpart(small_cfg, small_weights):
    cfg = small_cfg()
    cfg.model.rpn_head.bbox_coder.target_means = [0.1, 0., 0., 0.]
    model = MODELS.build(cfg.model)
    with pytest.raises(WeightsMismatch, match='rpn_reg: .*target_means'):
        convert_weights(small_weights, model)
