"""``pace``: every command under one name, and nothing loaded for it."""
import os
import re
import subprocess
import sys
from urllib.request import HTTPCookieProcessor, build_opener

import numpy as np
import pytest
import tifffile

import pace_mmdet
from pace_mmdet.commands import pace
from pace_mmdet.commands.options import share, whole

ROOT = os.path.dirname(os.path.dirname(pace_mmdet.__file__))
# In an environment for annotating alone these are not there.
WITHOUT_MODELS = '''
import sys
from importlib.abc import MetaPathFinder


class Missing(MetaPathFinder):
    def find_spec(self, name, *_):
        if name.partition('.')[0] in ('torch', 'mmdet', 'mmcv', 'mmengine',
                                      'roifile', 'yaml'):
            raise ModuleNotFoundError(f'No module named {name!r}', name=name)


sys.meta_path.insert(0, Missing())
'''


@pytest.fixture
def without_models(tmp_path):
    """Variables of an environment without PyTorch and MMDetection."""
    folder = tmp_path / 'blocked'
    folder.mkdir()
    (folder / 'sitecustomize.py').write_text(WITHOUT_MODELS)
    return dict(os.environ, PYTHONPATH=f'{folder}{os.pathsep}{ROOT}',
                COLUMNS='100')


def run(*words, env, **options):
    return subprocess.run([sys.executable, '-m', 'pace_mmdet', *words],
                          capture_output=True, text=True, env=env, timeout=60,
                          **options)


def test_every_module_is_a_command():
    folder = os.path.dirname(pace.__file__)
    modules = {name.removesuffix('.py') for name in os.listdir(folder)
               if name.endswith('.py') and '\nmain = program(' in open(
                   os.path.join(folder, name)).read()}
    assert modules == {name.replace(' ', '_') for name in pace.COMMANDS}
    assert len(modules) > 10


@pytest.mark.parametrize('words', [['--help'], [], ['-h']])
def test_the_list(words, capsys):
    assert pace.main(words) == (0 if words else 2)
    said = capsys.readouterr().out
    for name in pace.COMMANDS:
        assert re.search(rf'^  {name} ', said, re.MULTILINE)


def test_a_group(capsys):
    assert pace.main(['data', '--help']) == 0
    said = capsys.readouterr().out
    assert '  data hela ' in said and '  train ' not in said


@pytest.mark.parametrize(('words', 'said'), [
    (['trein'], "no command 'trein'"),
    (['data'], 'pace data needs one of: data livecell, data hela'),
    (['data', 'livcell'], 'pace data needs one of: data livecell, data hela'),
    (['--helpp'], "no command '--helpp'"),
])
def test_wrong_words(words, said, capsys):
    code = pace.main(words)
    out, err = capsys.readouterr()
    assert said in err and not out and code == 2


def test_version(capsys):
    assert pace.main(['--version']) == 0
    assert capsys.readouterr().out.strip() == pace_mmdet.__version__


@pytest.mark.parametrize('words', [
    ['--help'], ['annotate', '--help'], ['data', 'livecell', '--help'],
    ['data', 'points', '--help'], ['data', 'labels', '--help'],
    ['data', 'hela', '--help'], ['cost', '--help'], ['configs']])
def test_without_models(without_models, tmp_path, words):
    done = run(*words, env=without_models, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_what_is_missing_is_said(without_models, tmp_path):
    done = run('predict', 'x', env=without_models, cwd=tmp_path)
    assert done.returncode == 2 and 'Traceback' not in done.stderr
    assert "install the extra 'train'" in done.stderr


def test_the_page_opens_without_models_within_2_s(without_models, tmp_path):
    (tmp_path / 'images').mkdir()
    tifffile.imwrite(tmp_path / 'images/a.tif', np.zeros((60, 80), np.uint16))
    before = os.times()
    process = subprocess.Popen(
        [sys.executable, '-u', '-m', 'pace_mmdet', 'annotate', 'images',
         '--db', 'p.db', '--port', '0'], cwd=tmp_path, env=without_models,
        stdout=subprocess.PIPE, text=True)
    try:
        for line in process.stdout:
            found = re.search(r'http://\S+', line)
            if found:
                break
        with build_opener(HTTPCookieProcessor()).open(
                found[0], timeout=10) as page:
            assert b'<canvas' in page.read()
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()
    # Of the processor: others may be busy here. 0 on Windows.
    after = os.times()
    assert (after.children_user + after.children_system -
            before.children_user - before.children_system) < 2


@pytest.mark.parametrize(('kind', 'text', 'value'), [
    (whole(1), '3', 3), (share, '0.5', 0.5), (share, '1', 1.0)])
def test_values(kind, text, value):
    assert kind(text) == value


@pytest.mark.parametrize(('kind', 'text'), [
    (whole(1), '0'), (whole(1), '1.5'), (whole(0), 'x'), (share, '1.1'),
    (share, '-0.1'), (share, 'nan'), (share, 'x')])
def test_wrong_values(kind, text):
    with pytest.raises(Exception, match='expected a'):
        kind(text)


@pytest.mark.parametrize('words', [
    ['train', 'x.py', '--seed'], ['browse', 'x.py', '--seed'],
    ['table', '--seeds']])
def test_seeds_are_refused_before_anything_is_read(words, capsys):
    with pytest.raises(SystemExit):
        pace.main([*words, '-1'])
    assert 'of at least 0, got' in capsys.readouterr().err
