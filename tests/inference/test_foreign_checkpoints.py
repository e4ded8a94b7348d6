"""Checkpoints from elsewhere: which open without a word, which never do."""
from pathlib import Path

import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config

from pace_mmdet.errors import UserError
from pace_mmdet.inference import load_segmenter
from pace_mmdet.inference.detector import load_detector

# Written by version 0.1.0, of networks narrowed to 4 and 8 channels.
EARLIER = sorted((Path(__file__).parent / 'earlier').glob('*.pth'))
STOCK = ('faster-rcnn_r50_fpn', 'mask-rcnn_r50_fpn', 'cascade-rcnn_r50_fpn',
         'cascade-mask-rcnn_r50_fpn')


def stock_with_point_head(name):
    """A detector of MMDetection's own with our head, narrowed."""
    cfg = Config.fromstring(
        f"_base_ = 'mmdet::_base_/models/{name}.py'", '.py')
    model = cfg.model
    model.backbone.update(depth=18, base_channels=4, stem_channels=4)
    model.neck.update(in_channels=[4, 8, 16, 32], out_channels=8)
    model.rpn_head.update(in_channels=8, feat_channels=8)
    roi_head = model.roi_head
    roi_head.bbox_roi_extractor.out_channels = 8
    heads = roi_head.bbox_head
    for head in heads if isinstance(heads, list) else [heads]:
        head.update(in_channels=8, fc_out_channels=8, num_classes=1)
    roi_head.mask_head = dict(
        type='PointMaskHead', num_convs=1, in_channels=8, conv_out_channels=8,
        num_classes=1)
    roi_head.setdefault('mask_roi_extractor', dict(
        roi_head.bbox_roi_extractor,
        roi_layer=dict(type='RoIAlign', output_size=14, sampling_ratio=0)))
    model.test_cfg.rcnn.mask_thr_binary = 0.5
    return cfg


def save(path, text, weights=()):
    torch.save(dict(state_dict=dict(weights), meta=dict(cfg=text)), path)
    return path


@pytest.mark.parametrize('path', EARLIER, ids=lambda path: path.name)
def test_checkpoints_of_earlier_versions_open(path):
    detector, cfg = load_detector(path, score_thr=0., device='cpu')
    assert detector.classes == ('nucleus', )
    cells, = detector([np.full((64, 64), 90, np.uint8)], 1.0)
    assert (cells.height, cells.width) == (64, 64)


def test_there_are_earlier_versions():
    assert len(EARLIER) == 2


@pytest.mark.parametrize('name', STOCK)
def test_stock_detectors_with_the_point_head_open(tmp_path, name):
    cfg = stock_with_point_head(name)
    weights = MODELS.build(cfg.model).state_dict()
    path = save(tmp_path / 'x.pth', cfg.pretty_text, weights)
    detector, _ = load_detector(path, device='cpu')
    assert type(detector.model.roi_head.mask_head).__name__ in (
        'PointMaskHead', 'ModuleList')


def test_another_detector_opens_by_a_config(tmp_path):
    """What the refusal says helps."""
    cfg = stock_with_point_head('mask-rcnn_r50_fpn')
    cfg.model.rpn_head.loss_bbox = dict(type='BalancedL1Loss')
    weights = MODELS.build(cfg.model).state_dict()
    path = save(tmp_path / 'x.pth', cfg.pretty_text, weights)
    with pytest.raises(UserError, match="'BalancedL1Loss'.*\n.*--config FILE"):
        load_detector(path)
    cfg.dump(tmp_path / 'x.py')
    assert load_detector(path, tmp_path / 'x.py', device='cpu')


def generator(**kwargs):
    rpn_head = dict(type='RPNHead', in_channels=8, anchor_generator=kwargs)
    return dict(type='MaskRCNN', backbone=dict(type='ResNet', depth=18),
                rpn_head=rpn_head)


@pytest.mark.parametrize('model', [
    generator(type='CameraMotionCompensation',
              warp_mode="open('bad', 'w').name"),
    dict(type='KnowledgeDistillationSingleStageDetector',
         backbone=dict(type='ResNet', depth=18), neck=None,
         bbox_head=dict(type='LDHead', num_classes=1, in_channels=8),
         teacher_config='beside.py'),
    dict(type='beside'),
    dict(_scope_='beside', type='MaskRCNN'),
    dict(type='beside.MaskRCNN'),
])
def test_no_code_of_a_checkpoint_runs(tmp_path, monkeypatch, model):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    Path('beside.py').write_text("open('bad', 'w')")
    for scope in ('', "default_scope = 'beside'\n"):
        path = save(tmp_path / 'x.pth', f'{scope}model = {model!r}')
        with pytest.raises(UserError, match='x.pth: the config in it'):
            load_detector(path)
    assert not Path('bad').exists()


@pytest.mark.parametrize('model', [
    dict(type='MaskRCNN'),
    dict(type='MaskRCNN', backbone=dict(type='ResNet', depth=17)),
    dict(type='MaskRCNN', backbone=dict(type='ResNet', depth='18')),
    dict(type='MaskRCNN', backbone=[dict(type='ResNet', depth=18)]),
    dict(backbone=dict(type='ResNet', depth=18)),
    dict(type='MaskRCNN', backbone=dict(type='ResNet', depth=18), test_cfg=1),
    generator(type='AnchorGenerator', strides=0),
])
def test_a_config_that_makes_no_model(tmp_path, model):
    path = save(tmp_path / 'x.pth', f'model = {model!r}')
    with pytest.raises(UserError, match='x.pth: its config is not usable'):
        load_detector(path)


@pytest.mark.parametrize(('content', 'said'), [
    ([], 'it holds a list, expected a dict'),
    (None, 'it holds a NoneType, expected a dict'),
    (torch.zeros(3), 'it holds a Tensor, expected a dict'),
    (dict(meta=[]), 'x.pth: carries no config'),
    (dict(meta=[1]), 'meta is a list, expected a dict'),
    (dict(state_dict=[1]), 'state_dict is a list, expected a dict'),
    ({1: torch.zeros(3)}, '1 is the name of a weight, expected text'),
])
def test_what_is_no_checkpoint_of_a_model(tmp_path, content, said):
    torch.save(content, tmp_path / 'x.pth')
    with pytest.raises(UserError, match=said):
        load_detector(tmp_path / 'x.pth')


@pytest.mark.parametrize('meta', [[1], dict(classes=3), dict(classes=[]),
                                  dict(classes=None), 'cell'])
def test_classes_that_are_none(tmp_path, meta):
    content = torch.load(EARLIER[0], weights_only=True)
    content['meta']['dataset_meta'] = meta
    torch.save(content, tmp_path / 'x.pth')
    detector, _ = load_detector(tmp_path / 'x.pth', device='cpu')
    assert detector.classes == ('cell', )


@pytest.mark.parametrize('change', [
    dict(test_dataloader=[1]), dict(test_dataloader=dict(dataset='x')),
    dict(test_dataloader=dict(dataset=dict(pipeline=[1]))),
    dict(test_dataloader=dict(dataset=dict(pipeline=[
        dict(type='LoadMicroscopyImage', low='x')]))),
    dict(test_dataloader=dict(dataset=dict(pipeline=[
        dict(type='LoadImageFromFile'),
        dict(type='Resize', scale=('a', 'b'), keep_ratio=True)]))),
    dict(predict_cfg=[1]), dict(predict_cfg=dict(image_shape=7)),
    dict(predict_cfg=dict(score_thr='x')),
])
def test_a_config_of_which_no_preparation_comes(tmp_path, change):
    content = torch.load(EARLIER[0], weights_only=True)
    content['meta']['cfg'] += ''.join(
        f'\n{name} = {value!r}' for name, value in change.items())
    torch.save(content, tmp_path / 'x.pth')
    with pytest.raises(UserError, match='x.pth: its config .*--config FILE'):
        load_segmenter(tmp_path / 'x.pth', device='cpu')
