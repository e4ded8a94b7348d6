import pytest
from mmengine.config import Config

from pace_mmdet.engine.stored_config import read_literals, stored_config
from pace_mmdet.errors import UserError
from tests.engine.processes import ROOT

GOOD = """
custom_imports = dict(allow_failed_imports=False, imports=['pace_mmdet'])
default_scope = 'mmdet'
model = dict(
    data_preprocessor=dict(mean=[-1.5, 2e3], pad=None, flag=True),
    backbone=dict(type='mmdet.ResNet', out_indices=(0, 1)),
    heads={'a b': dict(type='FCNMaskHead'), 7: []})
"""


def test_data_is_read():
    cfg = stored_config(dict(meta=dict(cfg=GOOD)), 'x.pth')
    assert isinstance(cfg, Config)
    assert cfg.model.data_preprocessor == dict(
        mean=[-1.5, 2000.0], pad=None, flag=True)
    assert cfg.model.backbone.out_indices == (0, 1)
    assert cfg.model.heads == {'a b': dict(type='FCNMaskHead'), 7: []}


def test_a_whole_config_comes_back():
    cfg = Config.fromfile(ROOT / 'configs/hela/pace_r18_hela_4pt.py')
    stored = stored_config(dict(meta=dict(cfg=cfg.pretty_text)), 'x.pth')
    assert stored.to_dict() == cfg.to_dict()


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
    ("model = dict(type='os.system', command='touch bad')",
     "names code from outside the project: type='os.system'"),
    ("model = dict(a=[dict(b=dict(type='subprocess.Popen'))])",
     "type='subprocess.Popen'"),
    ("model = dict(type='mmengine.load', file='http://x/y.pkl')",
     "type='mmengine.load'"),
    ("model = dict(type='mmdet.apis.x')", "type='mmdet.apis.x'"),
    ("model = dict(type=('os', ))", 'type='),
    ("custom_imports = dict(imports=['antigravity'])",
     'custom_imports antigravity'),
    ("custom_imports = dict(imports='pace_mmdet_evil')",
     'custom_imports pace_mmdet_evil'),
])
def test_what_runs_code_is_refused(tmp_path, monkeypatch, text, said):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=said) as caught:
        stored_config(dict(meta=dict(cfg=text)), 'x.pth')
    assert str(caught.value).startswith('x.pth: the config in it')
    assert '--config FILE' in str(caught.value)
    assert not (tmp_path / 'bad').exists()


def test_trusted_it_is_run():
    text = "a = str(3)\nmodel = dict(type='os.path.join')"
    cfg = stored_config(dict(meta=dict(cfg=text)), 'x.pth', trust=True)
    assert cfg.a == '3'


def test_a_module_that_is_not_there():
    text = "custom_imports = dict(imports=['pace_mmdet.none'])"
    with pytest.raises(UserError, match='needs pace_mmdet.none, which'):
        stored_config(dict(meta=dict(cfg=text)), 'x.pth')


@pytest.mark.parametrize('content', [{}, dict(meta=None), dict(meta={}),
                                     dict(meta=dict(cfg=dict(a=1)))])
def test_no_config(content):
    with pytest.raises(UserError, match='x.pth: carries no config of its own'):
        stored_config(content, 'x.pth')


def test_names_and_literals_only():
    assert read_literals('a = 1\nb = dict(c=(-2, ))') == dict(
        a=1, b=dict(c=(-2, )))
