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
    for target in ('install', 'demo', 'annotate', 'test', 'lint', 'clean'):
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
    programs = tmp_path / 'bin'
    write_program(programs / 'make', 'echo "$1:$PIP_FIND_LINKS"')
    write_program(programs / 'chromium')
    env = {'PATH': f'{programs}:{os.environ["PATH"]}'}
    if before:
        env['PIP_FIND_LINKS'] = before
    shown = subprocess.run(['bash', '.ci/run'], cwd=root, env=env,
                           capture_output=True, text=True, check=True).stdout
    assert shown.strip() == 'test:' + expected.format(root=root)


def write_program(path, script=''):
    path.parent.mkdir(exist_ok=True)
    path.write_text(f'#!/bin/sh\n{script}\n')
    path.chmod(0o755)


@pytest.mark.parametrize('user, present, succeeds, calls', [
    (0, False, True, ['update', 'install']),
    (0, False, False, ['update']),
    (0, True, True, []),
    (1000, False, True, []),
])
def test_ci_installs_chromium(tmp_path, user, present, succeeds, calls):
    (tmp_path / 'checkout/.ci').mkdir(parents=True)
    shutil.copy(ROOT / '.ci' / 'run', tmp_path / 'checkout/.ci')
    programs = tmp_path / 'bin'
    write_program(programs / 'make', 'echo tests')
    write_program(programs / 'id', f'echo {user}')
    write_program(programs / 'apt-get', f'echo "$1" >> {tmp_path}/calls; '
                  f'exit {0 if succeeds else 1}')
    if present:
        write_program(programs / 'chromium')
    for name in ('bash', 'sh', 'dirname'):
        (programs / name).symlink_to(shutil.which(name))
    done = subprocess.run(
        [programs / 'bash', '.ci/run'], cwd=tmp_path / 'checkout',
        env={'PATH': str(programs)}, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, 'tests\n')
    assert bool(done.stderr) == (not succeeds)
    log = tmp_path / 'calls'
    assert (log.read_text().split() if log.exists() else []) == calls
