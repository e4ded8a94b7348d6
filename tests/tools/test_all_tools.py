"""Every tool explains itself, and has a test that runs it."""
import re
import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = sorted((ROOT / 'tools').rglob('*.py'))
TESTS = '\n'.join(
    path.read_text() for path in (ROOT / 'tests').rglob('test_*.py')
    if path != Path(__file__))
ids = [path.relative_to(ROOT).as_posix() for path in TOOLS]


def test_there_are_tools():
    assert 'tools/train.py' in ids


@pytest.mark.parametrize(
    'path', TOOLS,
    ids=lambda path: path.name)
def test_help(path, monkeypatch, capsys):
    monkeypatch.setattr(sys, 'argv', [path.name, '--help'])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(path), run_name='__main__')
    assert ended.value.code in (0, None)
    assert 'usage: ' + path.name in capsys.readouterr().out


@pytest.mark.parametrize('path', TOOLS, ids=ids)
def test_a_test_names_it(path):
    assert re.search(fr'\b{path.stem}\b', TESTS)
