import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config

from pace_mmdet.converters import convert_file, convert_weights, read_weights
from pace_mmdet.converters.detectron2_files import summarise
from pace_mmdet.engine import load_checkpoint_file
from pace_mmdet.errors import UserError
from tests.engine.test_safe_loading import _Calls, _Stranger, _touch
from tests.models.conftest import CONFIGS

from .published import cell_anchors, mask_rcnn_shapes, seeded_weights

WEIGHTS = {'a.weight': torch.arange(6.).view(2, 3), 'a.bias': torch.ones(2)}


def as_arrays(weights):
    return {name: value.numpy() for name, value in weights.items()}


def save_zip(content, path):
    torch.save(content, path)


def save_old(content, path):
    """As PyTorch before 1.6, with which the published files were made."""
    torch.save(content, path, _use_new_zipfile_serialization=False)


def save_pickle(content, path):
    path.write_bytes(pickle.dumps(content, protocol=2))


SAVERS = pytest.mark.parametrize('save', [save_zip, save_old, save_pickle])


@SAVERS
@pytest.mark.parametrize('wrap', [
    lambda weights: weights,
    lambda weights: dict(model=weights, __author__='Someone'),
    lambda weights: dict(
        model=weights, iteration=29999, optimizer=dict(state={}),
        scheduler=dict(milestones=[17500, 20000])),
])
def test_the_forms_of_checkpoints(tmp_path, save, wrap):
    path = tmp_path / 'x.pth'
    weights = WEIGHTS if save is not save_pickle else as_arrays(WEIGHTS)
    save(wrap(weights), path)
    read = read_weights(path)
    assert list(read) == list(WEIGHTS)
    for name, value in WEIGHTS.items():
        assert torch.equal(read[name], value)


def test_arrays_in_a_file_of_pytorch(tmp_path):
    save_zip(dict(model=as_arrays(WEIGHTS)), tmp_path / 'x.pth')
    assert torch.equal(
        read_weights(tmp_path / 'x.pth')['a.weight'], WEIGHTS['a.weight'])


@SAVERS
@pytest.mark.parametrize('make', [
    _touch, lambda path: _Stranger(),
    lambda path: _Calls(eval, f'open({str(path)!r}, "w")')
])
def test_code_does_not_run(tmp_path, save, make):
    path, trace = tmp_path / 'hostile.pth', tmp_path / 'it_ran'
    weights = WEIGHTS if save is not save_pickle else as_arrays(WEIGHTS)
    save(dict(model=weights, hook=make(trace)), path)
    with pytest.raises(UserError, match='hostile.pth.*holds code') as caught:
        read_weights(path)
    assert 'download it again' in str(caught.value)
    assert '--trust' not in str(caught.value)
    assert not trace.exists()


@SAVERS
def test_half_a_download(tmp_path, save):
    path = tmp_path / 'x.pth'
    save(dict(model=dict(a=np.zeros(5000))), path)
    path.write_bytes(path.read_bytes()[:20000])
    with pytest.raises(UserError, match='x.pth: not a checkpoint, or damaged'):
        read_weights(path)


@pytest.mark.parametrize('content, expected', [
    ([1, 2], 'it holds a list'),
    ({}, 'expected .*by name, got dict'),
    (dict(model=None), 'expected .*by name, got NoneType'),
    (dict(model={'a': 'text', 'b': torch.ones(1)}), r'1 of 2 .* a \(str\)'),
    (dict(state_dict=WEIGHTS, meta={}), r'2 of 2 .* state_dict \('),
])
def test_what_holds_no_weights(tmp_path, content, expected):
    save_zip(content, tmp_path / 'x.pth')
    with pytest.raises(UserError, match=f'x.pth: .*{expected}'):
        read_weights(tmp_path / 'x.pth')


def test_no_such_file(tmp_path):
    with pytest.raises(UserError, match='none.pth: no such'):
        read_weights(tmp_path / 'none.pth')


@pytest.fixture(scope='module')
def config(small_cfg, tmp_path_factory):
    """The small config as a file."""
    path = tmp_path_factory.mktemp('config') / 'small.py'
    small_cfg().dump(path)
    return path


def test_what_is_written(tmp_path, config, small_weights):
    path, out = tmp_path / 'published.pth', tmp_path / 'folder' / 'ours.pth'
    save_old(dict(model=small_weights, iteration=1), path)
    lines = convert_file(path, out, config)
    assert lines == [
        f'used        {len(small_weights) - 6} tensors',
        'not needed  6: proposal_generator.anchor_generator.cell_anchors',
        'new         0'
    ]
    assert [child.name for child in out.parent.iterdir()] == ['ours.pth']
    written = load_checkpoint_file(out)
    assert set(written) == {'meta', 'state_dict'}
    meta = written['meta']
    assert meta['config_file'] == 'small.py'
    assert meta['origin'] == 'published.pth' and len(
        meta['origin_sha256']) == 64
    assert meta['new'] == []
    assert meta['dataset_meta']['classes'] == ('cell', )
    # The config's text alone rebuilds the model.
    again = Config.fromstring(meta['cfg'], '.py')
    MODELS.build(again.model).load_state_dict(
        written['state_dict'], strict=True)


def test_what_is_new_is_said(tmp_path, config, small_weights):
    path, out = tmp_path / 'published.pth', tmp_path / 'ours.pth'
    weights = {
        name: value
        for name, value in small_weights.items() if '.bottom_up.' in name
    }
    save_zip(dict(model=weights), path)
    text = '\n'.join(convert_file(path, out, config))
    assert 'neck.* (8 layers)' not in text and 'neck.* (' in text
    assert 'roi_head.* (' in text and 'backbone' not in text.split('new')[1]
    assert 'do not predict with it' in text
    new = load_checkpoint_file(out)['meta']['new']
    assert 'rpn_head.rpn_cls.bias' in new


def test_point2mask_starts_from_mask_rcnn(tmp_path):
    """detectron2's model zoo: a pickle of arrays, 80 classes, 3 anchors."""
    path, out = tmp_path / 'model_final.pkl', tmp_path / 'ours.pth'
    weights = {
        **seeded_weights(mask_rcnn_shapes()),
        **cell_anchors((32, 64, 128, 256, 512), (0.5, 1.0, 2.0))
    }
    save_pickle(
        dict(model=as_arrays(weights), __author__='Someone'), path)
    config = CONFIGS / 'point2mask/point2mask_r50_4pt.py'
    lines = convert_file(path, out, config)
    assert lines[2] == ('new         10: rpn_head.rpn_cls, rpn_head.rpn_reg, '
                        'roi_head.bbox_head.fc_cls, roi_head.bbox_head.fc_reg'
                        ', roi_head.mask_head.conv_logits')
    written = load_checkpoint_file(out)
    model = MODELS.build(Config.fromfile(config).model)
    missing, unexpected = model.load_state_dict(
        written['state_dict'], strict=False)
    assert missing == written['meta']['new'] and unexpected == []
    assert torch.equal(
        model.backbone.layer3[5].bn3.running_var,
        weights['backbone.bottom_up.res4.5.conv3.norm.running_var'])


@pytest.mark.parametrize('name, expected', [
    ('point2mask/point2mask_r50_4pt.py', r'tensors do not fit:\n  - '),
    ('hela/pace_r18_hela_4pt.py', r'is not the model of .*tensors do not'),
    ('_base_/runtime.py', 'the config has no model'),
    ('none.py', 'no such config file'),
])
def test_a_config_that_does_not_fit(tmp_path, small_weights, name, expected):
    path, out = tmp_path / 'published.pth', tmp_path / 'ours.pth'
    save_zip(dict(model=small_weights), path)
    out.write_text('what was here before')
    with pytest.raises(UserError, match=f'(?s){Path(name).name}.*{expected}|'
                       f'(?s:{expected})'):
        convert_file(path, out, CONFIGS / name)
    assert out.read_text() == 'what was here before'
    assert len(list(tmp_path.iterdir())) == 2


def test_the_checkpoint_is_not_touched(small_model, small_weights):
    before = {name: value.clone() for name, value in small_weights.items()}
    convert_weights(small_weights, small_model)
    for name, value in before.items():
        assert torch.equal(value, small_weights[name])


@pytest.mark.parametrize('names, expected', [
    ([], []),
    (['a.b.weight', 'a.b.bias', 'c'], ['a.b', 'c']),
    ([f'a.{i}.x.weight' for i in range(20)] +
     [f'a.{i}.conv_offset.bias'
      for i in range(3)], ['a.* (20 layers)', 'a.*.conv_offset (3 layers)']),
])
def test_summarise(names, expected):
    assert summarise(names) == expected
