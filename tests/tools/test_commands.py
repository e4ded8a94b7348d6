"""Set-up by the Makefile, and the continuous-integration script."""
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
INPUTS = ['pyproject.toml', 'constraints.txt']
pytestmark = pytest.mark.posix


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


def write_program(path, script=''):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\n{script}\n')
    path.chmod(0o755)


# Stands for python3, and makes a .venv with itself as the interpreter.
PRETENDED = """
echo "$*" >> {log}
case "$*" in
    *metadata*) echo 2.11.0 ;;
    *-m\\ venv*) mkdir -p .venv/bin; cp "$0" .venv/bin/python ;;
    *{fails}*) exit 1 ;;
esac
"""


def set_up(checkout, fails='nothing', *options):
    """Run ``make install`` with a pretended interpreter."""
    log = checkout / 'log'
    log.unlink(missing_ok=True)
    write_program(checkout / 'python3',
                  PRETENDED.format(log=log, fails=fails))
    code = subprocess.run(
        ['make', 'install', f'PYTHON={checkout}/python3', *options],
        cwd=checkout, capture_output=True).returncode
    return code, log.read_text() if log.exists() else ''


def test_set_up_is_a_virtual_environment_and_pip(checkout):
    (checkout / 'constraints.txt').write_text('numpy==2.2.6\n'
                                              'torch==2.13.0\n')
    shutil.rmtree(checkout / '.venv')
    code, said = set_up(checkout)
    assert code == 0 and is_fresh(checkout)
    assert said.startswith('-m venv --clear .venv\n'
                           '-m pip install -c .venv/constraints.txt '
                           '-e .[train,test]\n')
    assert (checkout / '.venv/constraints.txt').read_text() == (
        checkout / 'constraints.txt').read_text()
    assert set_up(checkout) == (0, '')


def test_the_pytorch_of_the_interpreter_is_kept(checkout):
    (checkout / 'constraints.txt').write_text('numpy==2.2.6\n'
                                              'torch==2.13.0\n')
    shutil.rmtree(checkout / '.venv')
    code, said = set_up(checkout, 'nothing', 'ADOPT_TORCH=1')
    assert code == 0 and '--system-site-packages .venv' in said
    assert (checkout / '.venv/constraints.txt').read_text() == (
        'numpy==2.2.6\ntorch==2.11.0\n')


def test_a_failed_set_up_begins_anew(checkout):
    (checkout / '.venv/.installed').unlink()
    assert set_up(checkout, fails='.[train,test]')[0]
    assert not is_fresh(checkout)
    code, said = set_up(checkout)
    assert code == 0 and '--clear' in said


def test_an_update_keeps_what_was_added(checkout):
    os.utime(checkout / 'constraints.txt', (3000, 3000))
    write_program(checkout / '.venv/bin/python')
    code, said = set_up(checkout)
    assert code == 0 and is_fresh(checkout) and 'venv --clear' not in said


def test_everything_asked_for_is_pinned():
    project = tomllib.loads((ROOT / 'pyproject.toml').read_text())['project']
    extras = project['optional-dependencies']
    pins = re.findall('^([^#=]+)==',
                      (ROOT / 'constraints.txt').read_text(), re.M)
    asked = project['dependencies'] + extras['test']
    names = {re.match('[^<>=!;[ ]+', line)[0] for line in asked}
    assert names <= set(pins)


@pytest.mark.skipif(Path(sys.prefix).resolve() != ROOT / '.venv',
                    reason='does not run in the .venv of make install')
def test_nothing_was_compiled():
    """A compiled MMCV would hide what fails without one."""
    mmcv = Path(importlib.util.find_spec('mmcv').origin).parent
    assert not [path.name for path in mmcv.glob('_ext*')], (
        'this .venv is of an earlier version; delete it, then: make install')


def test_help_is_the_default_and_names_every_target(checkout):
    shown = subprocess.run(['make'], cwd=checkout, capture_output=True,
                           text=True, check=True).stdout
    for target in ('install', 'demo', 'annotate', 'test', 'lint', 'clean'):
        assert f'make {target} ' in shown


@pytest.mark.parametrize('user, present, succeeds, calls', [
    (0, False, True, ['update', 'install']),
    (0, False, False, ['update']),
    (0, True, True, []),
    (1000, False, True, []),
])
def test_ci_installs_what_tests_drive(tmp_path, user, present, succeeds,
                                      calls):
    (tmp_path / 'checkout/.ci').mkdir(parents=True)
    shutil.copy(ROOT / '.ci' / 'run', tmp_path / 'checkout/.ci')
    programs = tmp_path / 'bin'
    write_program(programs / 'make', 'echo tests')
    write_program(programs / 'id', f'echo {user}')
    write_program(programs / 'apt-get', f'echo "$1" >> {tmp_path}/calls; '
                  f'exit {0 if succeeds else 1}')
    if present:
        write_program(programs / 'chromium')
        write_program(programs / 'xvfb-run')
    for name in ('bash', 'sh', 'dirname'):
        (programs / name).symlink_to(shutil.which(name))
    done = subprocess.run(
        [programs / 'bash', '.ci/run'], cwd=tmp_path / 'checkout',
        env={'PATH': str(programs)}, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, 'tests\n' * 2)
    assert bool(done.stderr) == (not succeeds)
    log = tmp_path / 'calls'
    assert (log.read_text().split() if log.exists() else []) == calls
