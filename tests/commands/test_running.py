import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pace_mmdet.commands.running import run_command, run_tool
from pace_mmdet.errors import AnnotationError, ImageFileError, UserError

ROOT = Path(__file__).parents[2]
TOOLS = [path.relative_to(ROOT) for path in (ROOT / 'tools').rglob('*.py')
         if 'benchmarks' not in path.parts
         and 'program(' in path.read_text(encoding='utf-8')]


@pytest.mark.parametrize('error', [UserError, AnnotationError, ImageFileError])
def test_faults_of_the_user_are_messages(error, capsys):

    def main():
        raise error('x.json: what is wrong')

    assert run_tool(main) == 2
    assert capsys.readouterr().err == 'error: x.json: what is wrong\n'


def test_a_full_disk_is_a_message(capsys):

    def main():
        raise OSError(28, 'No space left on device', 'a.json')

    assert run_tool(main) == 2
    said = capsys.readouterr().err
    assert said == 'error: a.json: No space left on device\n'


@pytest.mark.parametrize('error, code, said', [
    (UserError('x'), 2, 'process 1: error: x\n'),
    (KeyboardInterrupt(), 130, '')])
def test_other_processes_say_who_speaks(capsys, monkeypatch, error, code,
                                        said):
    monkeypatch.setenv('RANK', '1')

    def main():
        raise error

    assert run_tool(main) == code
    assert capsys.readouterr().err == said


def test_a_workers_message_without_its_traceback(capsys):

    def main():
        raise ImageFileError(
            'Caught ImageFileError in DataLoader worker process 0.\n'
            'Original Traceback (most recent call last):\n  File "x"\n'
            'pace_mmdet.errors.ImageFileError: a.tif: cut off\n')

    assert run_tool(main) == 2
    assert capsys.readouterr().err == 'error: a.tif: cut off\n'


@pytest.mark.parametrize('fault', [
    lambda: int('x'),
    lambda: open('no/such/file'),
])
def test_faults_of_the_program_keep_their_traceback(fault):
    with pytest.raises((ValueError, FileNotFoundError)):
        run_tool(fault)


@pytest.mark.parametrize('returned, code', [(None, 0), (0, 0), (130, 130)])
def test_exit_codes(returned, code):
    assert run_tool(lambda: returned) == code


def _press(times=1):
    for _ in range(times):
        os.kill(os.getpid(), signal.SIGINT)


def _swallowed():
    # As mmengine does where it formats a config.
    try:
        _press()
    except:  # noqa: E722
        raise SyntaxError('Failed to format the config file')


def _torn():
    try:
        _press()
    finally:
        raise RuntimeError('the workers ended')


@pytest.mark.parametrize('main', [_press, _swallowed, _torn])
def test_an_interrupt_is_a_line(main, capsys):
    before = signal.getsignal(signal.SIGINT)
    assert run_tool(main) == 130
    assert capsys.readouterr().err == '\nStopped.\n'
    assert signal.getsignal(signal.SIGINT) is before


def test_who_ignores_interrupts_goes_on_doing_so(monkeypatch):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert run_tool(_press) == 0
    finally:
        signal.signal(signal.SIGINT, before)


def _write_module(folder, name, text):
    (folder / f'{name}.py').write_text(text)
    return name


def test_an_interrupt_while_a_command_is_loaded(tmp_path, monkeypatch,
                                                capsys):
    monkeypatch.syspath_prepend(tmp_path)
    name = _write_module(tmp_path, 'pressed_at_once', 'import os, signal\n'
                         'os.kill(os.getpid(), signal.SIGINT)\n')
    assert run_command(name, []) == 130
    assert capsys.readouterr().err == '\nStopped.\n'


def test_tools_load_nothing_before_they_can_be_stopped():
    """An interrupt while PyTorch is loaded would be a traceback."""
    code = ('import importlib.util, sys\n'
            'for path in sys.argv[1:]:\n'
            '    spec = importlib.util.spec_from_file_location("x", path)\n'
            '    tool = importlib.util.module_from_spec(spec)\n'
            '    spec.loader.exec_module(tool)\n'
            '    loaded = {"torch", "mmengine", "cv2"} & set(sys.modules)\n'
            '    assert not loaded, (path, loaded)')
    assert len(TOOLS) > 10
    done = subprocess.run([sys.executable, '-c', code, *TOOLS],
                          capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
