import pytest

from pace_mmdet.converters.detectron2_names import is_not_needed, our_name

BOTTOM_UP = 'backbone.bottom_up.'


@pytest.mark.parametrize('theirs, ours', [
    ('stem.conv1_1.weight', 'backbone.stem.0.weight'),
    ('stem.conv1_2.norm.running_var', 'backbone.stem.4.running_var'),
    ('stem.conv1_3.norm.num_batches_tracked',
     'backbone.stem.7.num_batches_tracked'),
    ('stem.conv1.weight', 'backbone.conv1.weight'),
    ('stem.conv1.norm.bias', 'backbone.bn1.bias'),
    ('res2.0.conv1.weight', 'backbone.layer1.0.conv1.weight'),
    ('res4.35.conv3.norm.weight', 'backbone.layer3.35.bn3.weight'),
    ('res3.1.conv2.weight', 'backbone.layer2.1.conv2.weight'),
    ('res3.1.conv2.norm.weight', 'backbone.layer2.1.bn2.weight'),
    ('res3.1.conv2.conv.weight', 'backbone.layer2.1.conv2.conv.weight'),
    ('res5.2.conv2.bn0.running_mean',
     'backbone.layer4.2.conv2.bn0.running_mean'),
    ('res5.2.conv2.fc2.bias', 'backbone.layer4.2.conv2.fc2.bias'),
    ('res3.0.conv2_offset.weight',
     'backbone.layer2.0.conv2.conv.conv_offset.weight'),
    ('res2.0.shortcut.weight', 'backbone.layer1.0.downsample.0.weight'),
    ('res2.0.shortcut.norm.bias', 'backbone.layer1.0.downsample.1.bias'),
])
def test_backbone(theirs, ours):
    assert our_name(BOTTOM_UP + theirs) == ours
    # As in files that hold a backbone alone.
    assert our_name(theirs) == ours


@pytest.mark.parametrize('theirs, ours', [
    ('shortcut.weight', 'downsample.1.weight'),
    ('shortcut.norm.bias', 'downsample.2.bias'),
    ('conv1.norm.bias', 'bn1.bias'),
])
def test_shortcuts_that_begin_with_pooling(theirs, ours):
    assert our_name(f'{BOTTOM_UP}res4.0.{theirs}',
                    True) == f'backbone.layer3.0.{ours}'


@pytest.mark.parametrize('theirs, ours', [
    ('backbone.fpn_lateral2.weight', 'neck.lateral_convs.0.conv.weight'),
    ('backbone.fpn_output5.norm.bias', 'neck.fpn_convs.3.bn.bias'),
    ('backbone.fpn_output5.bias', 'neck.fpn_convs.3.conv.bias'),
    ('proposal_generator.rpn_head.conv.bias', 'rpn_head.rpn_conv.bias'),
    ('proposal_generator.rpn_head.objectness_logits.weight',
     'rpn_head.rpn_cls.weight'),
    ('proposal_generator.rpn_head.anchor_deltas.bias',
     'rpn_head.rpn_reg.bias'),
    ('roi_heads.box_head.2.conv4.norm.running_mean',
     'roi_head.bbox_head.2.shared_convs.3.bn.running_mean'),
    ('roi_heads.box_head.0.fc1.weight',
     'roi_head.bbox_head.0.shared_fcs.0.weight'),
    ('roi_heads.box_head.fc2.bias', 'roi_head.bbox_head.shared_fcs.1.bias'),
    ('roi_heads.box_predictor.1.cls_score.bias',
     'roi_head.bbox_head.1.fc_cls.bias'),
    ('roi_heads.box_predictor.bbox_pred.weight',
     'roi_head.bbox_head.fc_reg.weight'),
    ('roi_heads.mask_head.mask_fcn8.norm.weight',
     'roi_head.mask_head.convs.7.bn.weight'),
    ('roi_heads.mask_head.deconv.weight',
     'roi_head.mask_head.upsample.weight'),
    ('roi_heads.mask_head.predictor.bias',
     'roi_head.mask_head.conv_logits.bias'),
])
def test_neck_and_heads(theirs, ours):
    assert our_name(theirs) == ours


@pytest.mark.parametrize('theirs', [
    'proposal_generator.anchor_generator.cell_anchors.5',
    'pixel_mean',
    'backbone.bottom_up.linear.weight',
    'fc.bias',
])
def test_not_needed(theirs):
    assert is_not_needed(theirs) and our_name(theirs) is None


@pytest.mark.parametrize('theirs', [
    'roi_heads.keypoint_head.conv_fcn1.weight',
    'backbone.bottom_up.res3.0.conv2.dropblock.weight',
    'backbone.bottom_up.res3.0.conv2.fc1.norm.weight',
    'proposal_generator.rpn_head.conv.kernel',
    'weight',
    '',
])
def test_unknown(theirs):
    assert our_name(theirs) is None and not is_not_needed(theirs)
