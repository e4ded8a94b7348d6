import json

import pytest
import torch

from pace_mmdet.engine import load_checkpoint_file
from pace_mmdet.testing import write_synthetic_coco
from tests.engine.processes import run_tool_forked
from tests.engine.toy import write_config

CELLS = 3

CONFIG = """
_base_ = 'mmdet::_base_/models/mask-rcnn_r50_fpn.py'
custom_imports = dict(imports=['pace_mmdet'])
default_scope = 'mmdet'
model = dict(
    backbone=dict(depth=18, init_cfg=None),
    neck=dict(in_channels=[64, 128, 256, 512], out_channels=16),
    rpn_head=dict(in_channels=16, feat_channels=16),
    roi_head=dict(
        bbox_roi_extractor=dict(out_channels=16),
        bbox_head=dict(in_channels=16, fc_out_channels=16, num_classes=1),
        mask_roi_extractor=dict(out_channels=16),
        mask_head=dict(
            num_convs=1, in_channels=16, conv_out_channels=16,
            num_classes=1)),
    test_cfg=dict(rcnn=dict(score_thr=0.0, max_per_img=5)))
test_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='CocoDataset',
        data_root={root!r},
        ann_file='annotations.json',
        data_prefix=dict(img='images/'),
        metainfo=dict(classes=('cell', )),
        test_mode=True,
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='Resize', scale=(64, 64), keep_ratio=True),
            dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
            dict(type='PackDetInputs', meta_keys=('img_id', 'img_path',
                 'ori_shape', 'img_shape', 'scale_factor'))
        ]))
test_evaluator = dict(
    type='LIVECellMetric', ann_file={root!r} + '/annotations.json')
test_cfg = dict(type='TestLoop')
default_hooks = dict(visualization=dict(type='DetVisualizationHook'))
visualizer = dict(type='DetLocalVisualizer', name='visualizer')
log_level = 'ERROR'
"""


@pytest.fixture(scope='module')
def detector(tmp_path_factory):
    """A config and a checkpoint of a tiny detector, untrained."""
    from mmdet.registry import MODELS
    from mmengine.config import Config
    folder = tmp_path_factory.mktemp('detector')
    write_synthetic_coco(
        folder, num_images=2, num_cells=CELLS, height=64, width=64)
    config = folder / 'tiny.py'
    config.write_text(CONFIG.format(root=str(folder)))
    torch.manual_seed(0)
    model = MODELS.build(Config.fromfile(config).model)
    checkpoint = folder / 'x.pth'
    torch.save(dict(state_dict=model.state_dict(), meta={}), checkpoint)
    return config, checkpoint


def test_scores_predictions_and_pictures(tmp_path, detector, capfd):
    config, checkpoint = detector
    out = tmp_path / 'new_folder' / 'predictions.json'
    code = run_tool_forked('test', config, checkpoint, '--work-dir',
                           tmp_path / 'run', '--out', out, '--show-dir',
                           'pictures')
    said = capfd.readouterr()
    assert code == 0, said.err
    assert 'livecell/segm_AP' in said.out and str(out) in said.out
    predictions = json.loads(out.read_text())
    assert 0 < len(predictions) <= 2 * 5
    assert set(predictions[0]) >= {'image_id', 'score', 'bbox', 'segmentation'}
    pictures = list((tmp_path / 'run').rglob('pictures/*'))
    assert len(pictures) == 2


def test_a_checkpoint_of_another_model(tmp_path, detector, capfd):
    config, checkpoint = detector
    other = load_checkpoint_file(checkpoint)
    weights = other['state_dict']
    weights['rpn_head.rpn_cls.bias'] = torch.zeros(7)
    del weights['rpn_head.rpn_cls.weight']
    torch.save(other, tmp_path / 'other.pth')
    assert run_tool_forked('test', config, tmp_path / 'other.pth',
                           '--work-dir', tmp_path / 'run') == 2
    error = capfd.readouterr().err
    assert 'rpn_head.rpn_cls.weight: nothing instead of' in error
    assert 'rpn_head.rpn_cls.bias: (7,) instead of (3,)' in error


@pytest.mark.parametrize('args, said', [
    (['--out', 'x.pkl'], 'should end in .json'),
    (['--out', 'x.json'], 'no LIVECellMetric'),
    (['--show-dir', 'x'], 'no default_hooks.visualization'),
])
def test_faults_of_the_user(tmp_path, capfd, args, said):
    torch.save({}, tmp_path / 'x.pth')
    assert run_tool_forked('test', write_config(tmp_path), tmp_path / 'x.pth',
                           *args) == 2
    assert said in capfd.readouterr().err


def test_no_checkpoint(tmp_path, capfd):
    assert run_tool_forked('test', write_config(tmp_path), 'none.pth') == 2
    assert 'none.pth: no such checkpoint file' in capfd.readouterr().err


def test_missing_data(tmp_path, detector, capfd):
    config = tmp_path / 'tiny.py'
    config.write_text(CONFIG.format(root=str(tmp_path / 'none')))
    assert run_tool_forked('test', config, detector[1]) == 2
    assert 'annotations.json' in capfd.readouterr().err
