"""The LIVECell recipe from download to table, with a small model."""
import runpy
import sys
from pathlib import Path

import pytest

from pace_mmdet import rehearsal
from pace_mmdet.engine import run_tool

ROOT = Path(__file__).parents[2]
TOOL = ROOT / 'tools/rehearse_livecell.py'


@pytest.fixture
def call(monkeypatch):

    def run(*args):
        monkeypatch.setattr(sys, 'argv', [TOOL.name, *map(str, args)])
        main = runpy.run_path(str(TOOL))['main']
        return run_tool(main)

    return run


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
    monkeypatch.setenv('OMP_NUM_THREADS', '1')
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
    # Nothing is left running.
    assert '| PACE | 4 |' in text


def test_a_step_that_fails(call, tmp_path, config, capfd):
    config.write_text(config.read_text() + 'optim_wrapper = 3\n')
    assert call('--config', config, '--folder', tmp_path / 'folder') == 2


def test_no_config(call, tmp_path, capfd):
    assert call('--config', tmp_path / 'none.py') == 2
    assert 'none.py: no such config' in capfd.readouterr().err
