import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import setup_env
from setup_rules import SetupError, TorchFacts, canonical_name, read_pins

ROOT = setup_env.ROOT
PINS = read_pins((ROOT / 'constraints.txt').read_text())


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A set-up whose steps are only counted: an input, and the calls."""
    (tmp_path / '.venv').mkdir()
    source = tmp_path / 'pyproject.toml'
    source.write_text('one')
    calls = []
    monkeypatch.setattr(setup_env, 'STAMP', tmp_path / '.venv' / '.installed')
    monkeypatch.setattr(setup_env, 'INPUTS', [source])
    monkeypatch.setattr(setup_env, 'set_up', lambda: calls.append(1))
    monkeypatch.delenv('PACE_CPU_ONLY', raising=False)
    return source, calls


def test_second_run_does_nothing(project):
    source, calls = project
    assert [setup_env.main(), setup_env.main()] == [0, 0]
    assert len(calls) == 1


def test_changed_input_or_choice_sets_up_again(project, monkeypatch):
    source, calls = project
    setup_env.main()
    source.write_text('two')
    setup_env.main()
    monkeypatch.setenv('PACE_CPU_ONLY', '1')
    setup_env.main()
    assert len(calls) == 3


def test_touched_input_makes_the_stamp_newer_again(project):
    source, calls = project
    setup_env.main()
    os.utime(setup_env.STAMP, (0, 0))
    setup_env.main()
    assert len(calls) == 1 and setup_env.STAMP.stat().st_mtime > 1e9


def test_failed_set_up_leaves_no_stamp(project, monkeypatch, capsys):
    def fail():
        raise SetupError('no compiler')

    monkeypatch.setattr(setup_env, 'set_up', fail)
    assert setup_env.main() == 1
    assert not setup_env.STAMP.exists()
    assert 'Set-up stopped: no compiler' in capsys.readouterr().err


def test_interruption_leaves_no_stamp(project, monkeypatch):
    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setattr(setup_env, 'set_up', interrupt)
    assert setup_env.main() == 130
    assert not setup_env.STAMP.exists()


def test_unsupported_python_stops_before_anything(project, monkeypatch,
                                                  capsys):
    source, calls = project
    monkeypatch.setattr(setup_env.sys, 'version_info', (3, 10, 13))
    assert setup_env.main() == 1
    assert calls == [] and '3.10.13' in capsys.readouterr().err


@pytest.fixture
def venv(tmp_path, monkeypatch):
    """A pretended environment; returns the commands that were run."""
    folder = tmp_path / '.venv'
    (folder / 'bin').mkdir(parents=True)
    (folder / 'bin' / 'python').symlink_to(sys.executable)
    (folder / 'pyvenv.cfg').write_text(
        'include-system-site-packages = false\n')
    commands = []
    monkeypatch.setattr(setup_env, 'VENV', folder)
    monkeypatch.setattr(setup_env, 'run', commands.append)
    return commands


def test_fitting_venv_is_kept(venv):
    assert setup_env.make_venv(False) == str(
        setup_env.VENV / 'bin' / 'python')
    assert venv == []


@pytest.mark.parametrize('see_base', [False, True])
def test_unfitting_venv_is_made_anew(venv, see_base, capsys):
    if not see_base:
        (setup_env.VENV / 'bin' / 'python').unlink()
    setup_env.make_venv(see_base)
    assert '--clear' in venv[0]
    assert ('--system-site-packages' in venv[0]) == see_base
    assert 'anew' in capsys.readouterr().out


@pytest.mark.parametrize('state, reinstalls', [
    (None, True),
    ({'headless': False, 'file': '{venv}/cv2/__init__.py'}, True),
    ({'headless': True, 'file': '{venv}/cv2/__init__.py'}, False),
    ({'headless': False, 'file': '/base/cv2/__init__.py'}, False),
])
def test_headless_cv2_wins(venv, monkeypatch, state, reinstalls):
    if state:
        state['file'] = state['file'].format(venv=setup_env.VENV)
    monkeypatch.setattr(setup_env, 'ask', lambda python, code: state)
    setup_env.settle_cv2('python', Path('constraints.txt'))
    assert [command[-1] for command in venv
            ] == ['opencv-python-headless'] * reinstalls


@pytest.mark.parametrize('faults, installs, built', [
    ([None], [], 0),                      # already there
    (['absent', None], [0], 0),           # a ready wheel
    (['absent', None], [1], 1),           # none to be had
    (['absent', 'undefined symbol', None], [0], 1),   # one that misfits
])
def test_mmcv_is_built_only_if_nothing_ready_fits(
        venv, tmp_path, monkeypatch, faults, installs, built):
    left, codes, builds = list(faults), list(installs), []
    monkeypatch.setattr(setup_env, 'CACHE', tmp_path / 'cache')
    monkeypatch.setattr(setup_env, 'ops_fault', lambda *_: left.pop(0))
    monkeypatch.setattr(
        setup_env.subprocess, 'run', lambda command, **_:
        subprocess.CompletedProcess(command, codes.pop(0)))
    monkeypatch.setattr(setup_env, 'find_toolkit', lambda *_: None)
    monkeypatch.setattr(
        setup_env, 'build_wheel', lambda *args: builds.append(args) or 'whl')
    cuda = setup_env.install_mmcv('python', TorchFacts('2.13.0+cpu', None),
                                  from_base=False, includes=[])
    assert cuda is False
    assert (left, codes, len(builds), len(venv)) == ([], [], built, built)


def test_built_mmcv_that_misfits_stops_the_set_up(venv, tmp_path,
                                                  monkeypatch):
    monkeypatch.setattr(setup_env, 'CACHE', tmp_path / 'cache')
    monkeypatch.setattr(setup_env, 'ops_fault', lambda *_: 'bad symbol')
    monkeypatch.setattr(setup_env.subprocess, 'run',
                        lambda command, **_:
                        subprocess.CompletedProcess(command, 1))
    monkeypatch.setattr(setup_env, 'build_wheel', lambda *_: 'whl')
    with pytest.raises(SetupError, match='bad symbol'):
        setup_env.install_mmcv('python', TorchFacts('2.13.0+cpu', None),
                               from_base=False, includes=[])


def test_everything_asked_for_is_pinned():
    project = tomllib.loads((ROOT / 'pyproject.toml').read_text())['project']
    asked = project['dependencies'] + (
        project['optional-dependencies']['test']) + setup_env.BUILD_TOOLS
    names = {canonical_name(line.split('>')[0]) for line in asked}
    assert names <= set(PINS)


def test_failed_command_is_named():
    with pytest.raises(SetupError, match='raise SystemExit'):
        setup_env.run([sys.executable, '-c', 'raise SystemExit(3)'])


def test_ask_gives_none_on_failure():
    assert setup_env.ask(sys.executable, 'print([1])') == [1]
    assert setup_env.ask(sys.executable, 'raise SystemExit(1)') is None
