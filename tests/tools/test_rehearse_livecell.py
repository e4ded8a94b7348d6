"""The LIVECell recipe from download to table, with a small model."""
import os
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
# An optimizer imports it, which takes seconds: once, not in every fork.
import torch._dynamo  # noqa: F401

from pace_mmdet.commands import pace
from pace_mmdet.recipes import rehearsal, steps

ROOT = Path(__file__).parents[2]
TOOL = ROOT / 'tools/rehearse_livecell.py'

pytestmark = pytest.mark.posix


@pytest.fixture
def call(monkeypatch):

    def run(*args):
        monkeypatch.setattr(sys, 'argv', [TOOL.name, *map(str, args)])
        return runpy.run_path(str(TOOL))['main']()

    return run


@pytest.fixture(autouse=True)
def _fork(monkeypatch):
    """Run each step in a fork: a new Python imports for seconds."""

    def run(command, cwd, env):
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                os.chdir(cwd)
                os.environ.update(env)
                assert command[1:3] == ['-m', 'pace_mmdet']
                torch.set_num_threads(1)
                code = pace.main(command[3:])
            except SystemExit as ended:
                code = ended.code or 0
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        return SimpleNamespace(returncode=status)

    monkeypatch.setattr(steps, 'subprocess', SimpleNamespace(run=run))


@pytest.fixture
def config(tmp_path):
    """The small model with LIVECell's data, schedule and run time."""
    bases = [
        str(ROOT / 'configs/_base_' / name)
        for name in ('models/pace_r18_small.py', 'datasets/livecell_points.py',
                     'schedules/livecell_30k.py', 'runtime.py')
    ]
    path = tmp_path / 'pace_small.py'
    path.write_text(f'_base_ = {bases}\n')
    return path


def test_every_step_works(call, config, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(rehearsal.rehearse, '__defaults__',
                        (dict(train=40, val=4, test=4), 300))
    folder = tmp_path / 'folder'
    assert call('--config', config, '--folder', folder) == 0
    text = capfd.readouterr().out
    for said in ('images: 25 files', '10 images, ', 'no faults',
                 'Trained 1 of 1 iterations', 'livecell/segm_AP',
                 'All steps worked'):
        assert said in text
    assert (folder / 'work_dirs/pace_small/iter_1.pth').is_file()
    assert '| PACE | pace | 4 |' in text


def test_a_step_that_fails(call, tmp_path, config, monkeypatch, capfd):
    monkeypatch.setattr(rehearsal, 'write_synthetic_livecell',
                        lambda folder, *args: folder.mkdir(parents=True))
    assert call('--config', config, '--folder', tmp_path / 'folder') == 2
    error = capfd.readouterr().err
    assert 'livecell_coco_train.json: the server says 404' in error
    assert 'pace data ended with exit status 2' in error


def test_a_folder_in_use(call, config, tmp_path, capfd):
    assert call('--config', config, '--folder', tmp_path) == 2
    assert 'expected a new or empty folder' in capfd.readouterr().err


def test_no_config(call, tmp_path, capfd):
    assert call('--config', tmp_path / 'none.py') == 2
    assert 'none.py: no such config' in capfd.readouterr().err
