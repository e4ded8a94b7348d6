"""The Makefile's stamp and the continuous-integration script."""
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
INPUTS = ['pyproject.toml', 'constraints.txt', 'tools/install/setup_env.py']


@pytest.fixture
def checkout(tmp_path):
    """An old checkout with a newer stamp, in a folder of its own."""
    root = tmp_path / 'checkout'
    for name in [*INPUTS, '.venv/.installed']:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
        os.utime(root / name, (1000, 1000))
    os.utime(root / '.venv/.installed', (2000, 2000))
    shutil.copy(ROOT / 'Makefile', root)
    return root


def is_fresh(root: Path) -> bool:
    command = ['make', '-q', '.venv/.installed']
    return subprocess.run(command, cwd=root).returncode == 0


def test_stamp_is_fresh(checkout):
    assert is_fresh(checkout)


@pytest.mark.parametrize('name', INPUTS)
def test_stamp_is_stale_after_a_change(checkout, name):
    os.utime(checkout / name, (3000, 3000))
    assert not is_fresh(checkout)


def test_stamp_is_stale_when_gone(checkout):
    (checkout / '.venv/.installed').unlink()
    assert not is_fresh(checkout)


def test_help_is_the_default_and_names_every_target(checkout):
    shown = subprocess.run(['make'], cwd=checkout, capture_output=True,
                           text=True, check=True).stdout
    for target in ('install', 'demo', 'test', 'lint', 'clean'):
        assert f'make {target} ' in shown


@pytest.mark.parametrize('wheels, before, expected', [
    (True, '/one /two', '/one /two {root}/../shared/wheels'),
    (True, None, '{root}/../shared/wheels'),
    (False, '/one', '/one'),
    (False, None, ''),
])
def test_ci_appends_to_find_links(tmp_path, wheels, before, expected):
    root = tmp_path / 'checkout'
    (root / '.ci').mkdir(parents=True)
    shutil.copy(ROOT / '.ci' / 'run', root / '.ci')
    if wheels:
        (tmp_path / 'shared' / 'wheels').mkdir(parents=True)
    make = tmp_path / 'bin' / 'make'
    make.parent.mkdir()
    make.write_text('#!/bin/sh\necho "$1:$PIP_FIND_LINKS"\n')
    make.chmod(0o755)
    env = {'PATH': f'{make.parent}:{os.environ["PATH"]}'}
    if before:
        env['PIP_FIND_LINKS'] = before
    shown = subprocess.run(['bash', '.ci/run'], cwd=root, env=env,
                           capture_output=True, text=True, check=True).stdout
    assert shown.strip() == 'test:' + expected.format(root=root)
