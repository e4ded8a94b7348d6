import sys
from pathlib import Path

import pytest
from mmdet.registry import MODELS, TASK_UTILS
from mmengine.config import Config

from pace_mmdet.engine.stored_config import read_literals, stored_config
from pace_mmdet.engine.stored_types import STORED_TYPES
from pace_mmdet.errors import UserError
from tests.engine.processes import ROOT

CONFIGS = [path.relative_to(ROOT) for path in sorted(
    (ROOT / 'configs').glob('[!_]*/*.py'))]
GOOD = """
custom_imports = dict(allow_failed_imports=False, imports=['pace_mmdet'])
default_scope = 'mmdet'
model = dict(
    _scope_='mmdet',
    type='mmdet.MaskRCNN',
    data_preprocessor=dict(mean=[-1.5, 2e3], pad=None, flag=True),
    backbone=dict(
        type='ResNet', style='caffe', out_indices=(0, 1),
        init_cfg=dict(type='Pretrained', checkpoint='http://x/y.pth')),
    roi_head=dict(bbox_head=[dict(type='Shared2FCBBoxHead'), {7: []}]))
"""
# A layer is made by its name in MMCV, not in MMDetection's registry.
BY_MMCV = ('roi_layer', 'nms', 'norm_cfg', 'conv_cfg', 'predictor_cfg',
           'act_cfg', 'dcn', 'upsample_cfg')


def stored(text):
    return stored_config(dict(meta=dict(cfg=text)), 'x.pth')


def without_initialisation(value):
    if isinstance(value, dict):
        return {key: without_initialisation(item)
                for key, item in value.items() if key != 'init_cfg'}
    if isinstance(value, (list, tuple)):
        return type(value)(map(without_initialisation, value))
    return value


def test_data_is_read():
    cfg = stored(GOOD)
    assert isinstance(cfg, Config)
    assert cfg.model.to_dict() == dict(
        type='MaskRCNN',
        data_preprocessor=dict(mean=[-1.5, 2000.0], pad=None, flag=True),
        backbone=dict(type='ResNet', style='caffe', out_indices=(0, 1)),
        roi_head=dict(bbox_head=[dict(type='Shared2FCBBoxHead'), {7: []}]))


@pytest.mark.parametrize('path', CONFIGS, ids=str)
def test_every_config_of_the_project_comes_back(path):
    # What formatting adds is spaces, and seconds.
    cfg = Config.fromfile(ROOT / path, format_python_code=False)
    found = stored(cfg.pretty_text).to_dict()
    expected = cfg.to_dict()
    assert found.pop('model') == without_initialisation(expected.pop('model'))
    assert found == expected


def test_there_are_configs():
    assert len(CONFIGS) > 20


@pytest.mark.parametrize('place', sorted(set(STORED_TYPES) - set(BY_MMCV)))
def test_every_class_on_the_list_is_registered(place):
    # A name that no registry knows would be imported.
    MODELS.import_from_location()
    for name in STORED_TYPES[place]:
        assert name in MODELS.module_dict or name in TASK_UTILS.module_dict


@pytest.mark.parametrize(('text', 'said'), [
    ("import os\nos.system('touch bad')", 'line 1 is no assignment'),
    ("a = __import__('os').system('touch bad')", 'line 1 holds a call'),
    ("a = dict(b=[1,\n open('bad', 'w')])", 'line 2 holds a call'),
    ("a = dict(**open('bad', 'w'))", 'line 1 holds a call'),
    ('a = dict\na.b = 1', 'line 1 holds more than data: dict'),
    ('a, b = 1, 2', 'line 1 is no assignment'),
    ('a = [i for i in range(9)]', 'line 1 holds more than data'),
    ("a = f'{open(chr(98))}'", 'line 1 holds more than data'),
    ('a = {**{}}', 'line 1 holds more than data'),
    ('a = (', "'\\(' was never closed"),
    ('a = ' + 9999 * '[' + 9999 * ']', 'is not read'),
    ('a = ' + 90 * '(' + 9999 * '-' + '1' + 90 * ')', 'is not read'),
    ('text = 1', 'is not read: '),
])
def test_what_is_no_data_is_not_read(tmp_path, monkeypatch, text, said):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=said) as caught:
        stored(text)
    assert str(caught.value).startswith('x.pth: the config in it')
    assert '--config FILE' in str(caught.value)
    assert not (tmp_path / 'bad').exists()


@pytest.mark.parametrize(('model', 'said'), [
    (dict(type='os.system', command='touch bad'), "model.type = 'os.system'"),
    (dict(type='mmdet.apis.init_detector'), "model.type = 'mmdet.apis"),
    (dict(type='mmengine.load', file='x'), "model.type = 'mmengine.load'"),
    (dict(type='beside'), "model.type = 'beside', expected one of FasterRCNN"),
    (dict(type=('os', )), r"model.type = \"\('os',\)\""),
    (dict(type=['MaskRCNN']), 'model.type = '),
    (dict(type='KnowledgeDistillationSingleStageDetector',
          teacher_config='beside'), "model.type = 'KnowledgeDist"),
    (dict(rpn_head=dict(type='RPNHead', anchor_generator=dict(
        type='CameraMotionCompensation', warp_mode="open('bad', 'w')"))),
     "model.rpn_head.anchor_generator.type = 'CameraMotion"),
    # MMCV evaluates it when the first image is segmented.
    (dict(test_cfg=dict(rcnn=dict(nms=dict(type="open('bad', 'w')")))),
     'model.test_cfg.rcnn.nms.type = '),
    # A class that is known, but not in this place.
    (dict(backbone=dict(type='MaskRCNN')), "model.backbone.type = 'MaskR"),
    (dict(backbone=dict(plugins=[dict(cfg=dict(type='ContextBlock'))])),
     r'model.backbone.plugins\[0\].cfg.type = .* nothing to be built there'),
    (dict(_scope_='beside', type='MaskRCNN'), "model._scope_ = 'beside'"),
    (dict(backbone=dict(_scope_='mmpretrain', type='ResNet')),
     "model.backbone._scope_ = 'mmpretrain', expected 'mmdet'"),
    (dict(backbone=dict(type='mmpretrain.ResNet')), "'mmpretrain.ResNet'"),
    (dict(loss=[dict(weights='/etc/passwd')]),
     r"model.loss\[0\].weights = '/etc/passwd', expected no path"),
    (dict(loss=dict(weights='http:x')), "'http:x', expected no path"),
    ([dict(type='MaskRCNN')], 'model is a list, expected a dict'),
])
def test_only_known_classes_are_built(tmp_path, monkeypatch, model, said):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=said) as caught:
        stored(f'model = {model!r}')
    assert str(caught.value).startswith('x.pth: the config in it')
    assert '--config FILE' in str(caught.value)


def test_all_that_is_not_known_is_named_at_once():
    model = dict(type='A', neck=dict(type='B'), _scope_='c')
    with pytest.raises(UserError, match='4 faults') as caught:
        stored(f"default_scope = 'd'\nmodel = {model!r}")
    for name in 'ABcd':
        assert f"'{name}'" in str(caught.value)


@pytest.mark.parametrize('imports', ['beside', ['antigravity', 'beside']])
def test_nothing_is_imported(tmp_path, monkeypatch, imports):
    (tmp_path / 'beside.py').write_text("open('bad', 'w')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    stored(f'custom_imports = dict(imports={imports!r})')
    assert not Path('bad').exists() and 'beside' not in sys.modules


def test_trusted_it_is_run():
    text = "a = str(3)\nmodel = dict(type='os.path.join')"
    cfg = stored_config(dict(meta=dict(cfg=text)), 'x.pth', trust=True)
    assert cfg.a == '3'


@pytest.mark.parametrize('content', [{}, dict(meta=None), dict(meta={}),
                                     dict(meta=dict(cfg=dict(a=1)))])
def test_no_config(content):
    with pytest.raises(UserError, match='x.pth: carries no config of its own'):
        stored_config(content, 'x.pth')


def test_names_and_literals_only():
    assert read_literals('a = 1\nb = dict(c=(-2, ))') == dict(
        a=1, b=dict(c=(-2, )))
