"""The script for a GPU goes on after a step that fails."""
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def run(tmp_path):
    """The script with a stand-in for Python: its calls and its summary."""

    def start(**variables):
        python = tmp_path / 'python'
        python.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/calls\n'
                          'case "$*" in *test_cuda*) exit 1;; esac\n')
        python.chmod(0o755)
        out = tmp_path / 'out'
        done = subprocess.run(
            ['bash', ROOT / 'tools/benchmarks/gpu.sh'],
            env=dict(os.environ, PYTHON=str(python), OUT=str(out),
                     **variables),
            capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return (tmp_path / 'calls').read_text(), done.stdout, out

    return start


def test_every_step_is_tried(run, tmp_path):
    data = tmp_path / 'data'
    (data / 'annotations').mkdir(parents=True)
    (data / 'annotations/livecell_coco_train.json').write_text('{}')
    calls, text, out = run(LIVECELL=str(data))
    names = ('tests', 'train_step_batch2', 'train_step_batch8', 'losses',
             'points', 'supervision', 'compiled')
    for name, code in zip(names, (1, 0, 0, 0, 0, 0, 0)):
        assert f'{name}: exit {code} after' in text
        assert (out / f'{name}.txt').is_file()
    assert 'table1.py --run --start boxes' in calls
    assert '--configs livecell_r200 --points full 4 1' in calls
    assert sorted(path.name for path in data.rglob('*')) == [
        'annotations', 'livecell_coco_train.json']


def test_without_annotated_images(run, tmp_path):
    calls, text, _ = run(LIVECELL=str(tmp_path / 'none'), TINY='1')
    assert 'supervision: no annotated images in' in text
    assert 'table1.py' not in calls and '--device cpu' in calls
