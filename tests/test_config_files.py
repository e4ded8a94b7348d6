"""Configs by name, and configs that inherit from them."""
import logging

import pytest

from pace_mmdet.config_files import configs_folder, find_config, named_configs
from pace_mmdet.engine.configuring import read_config
from pace_mmdet.errors import UserError

NAME = 'pace_r200_dcn_4pt'
PATH = configs_folder() / f'pace/{NAME}.py'


def test_names_are_unique():
    files = [path for path in configs_folder().glob('*/*.py')
             if path.parent.name != '_base_']
    assert len(named_configs()) == len(files) > 20


@pytest.mark.parametrize('name', [
    NAME, f'{NAME}.py', f'pace/{NAME}', f'pace/{NAME}.py',
    f'pace_mmdet::pace/{NAME}.py', f'pace_mmdet::{NAME}', PATH])
def test_by_name(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_config(name) == PATH


def test_a_file_comes_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / NAME).write_text('')
    assert find_config(NAME).resolve() == tmp_path / NAME


@pytest.mark.parametrize(('name', 'said'), [
    ('pace_r200_dcn_5pt', 'nearest: pace_r200_dcn'),
    ('other/pace_r200_dcn_4pt', 'nearest: pace_r200_dcn_4pt'),
    ('../configs/pace/pace_r200_dcn_4pt.py', 'no such config file'),
    ('zzz', 'pace configs lists them'),
])
def test_no_such_config(name, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=said):
        find_config(name)


def scopes(value):
    if isinstance(value, dict):
        yield from (key for key in value if key == '_scope_')
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for part in value:
            yield from scopes(part)


def test_inheriting(tmp_path, caplog):
    path = tmp_path / 'mine.py'
    path.write_text(
        f"_base_ = ['pace_mmdet::pace/{NAME}.py']\n"
        'train_dataloader = dict(dataset=dict(num_points=5))\n'
        'pipeline = {{_base_.train_pipeline}}\n'
        'hooks = _base_.default_hooks\n')
    with caplog.at_level(logging.WARNING):
        cfg = read_config(path)
    assert not caplog.records
    assert cfg.train_dataloader.dataset.num_points == 5
    # mmengine marks what is taken of another package by its name.
    assert not list(scopes(cfg.to_dict()))
    expected = read_config(NAME)
    assert cfg.model == expected.model
    assert cfg.pipeline == expected.train_pipeline


def test_the_environment_is_used_without_a_word(monkeypatch, capfd):
    monkeypatch.setenv('PACE_LIVECELL', 'elsewhere/')
    cfg = read_config('pace_r18_livecell_4pt')
    assert cfg.train_dataloader.dataset.data_root == 'elsewhere/'
    assert not any(capfd.readouterr())


def test_inheriting_from_what_is_not_there(tmp_path):
    path = tmp_path / 'mine.py'
    path.write_text("_base_ = 'pace_mmdet::pace/none.py'\n")
    with pytest.raises(UserError, match='none.py: no such config'):
        read_config(path)


@pytest.mark.parametrize(('name', 'text', 'message'), [
    ('a.py', "_base_ = ['one.py', 'two.py']\n", 'KeyError: .*Duplicate'),
    ('a.py', 'x = 1 / 0\n', 'ZeroDivisionError: division'),
    ('a.py', 'x = y\n', 'NameError: .*y'),
    ('a.py', 'x = (\n', 'SyntaxError: '),
    ('a.py', "custom_imports = dict(imports=['no_such_module'])\n",
     'ImportError: .*no_such_module'),
    ('a.py', "_base_ = 'one.py'\ny = _base_.nope\n",
     'AttributeError: .*nope'),
    ('a.json', '{', '(JSON|Scanner|Parser|Value).*Error: '),
    ('a.txt', 'x = 1\n', 'OSError: Only py'),
])
def test_faults_in_a_config(tmp_path, name, text, message):
    for base in ('one.py', 'two.py'):
        (tmp_path / base).write_text('x = 1\n')
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=rf'{name}: {message}'):
        read_config(tmp_path / name)


def test_other_packages_are_found_as_before(tmp_path):
    path = tmp_path / 'mine.py'
    path.write_text("_base_ = 'mmdet::_base_/default_runtime.py'\n")
    assert read_config(path).default_scope == 'mmdet'
