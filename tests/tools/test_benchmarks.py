"""Benchmarks run, at a size that says nothing about speed."""
import os
import runpy
import signal
import sys
from pathlib import Path

import pytest

from pace_mmdet.benchmarking import compare

BENCHMARKS = Path(__file__).parents[2] / 'tools/benchmarks'


def run(monkeypatch, name, *args):
    monkeypatch.setattr(sys, 'argv', [name, *args])
    runpy.run_path(str(BENCHMARKS / name), run_name='__main__')


def test_label_points(monkeypatch, capsys):
    run(monkeypatch, 'label_points.py', '--cells', '20', '--cells-per-image',
        '10', '--runs', '1')
    assert '10 points for each of 20 cells' in capsys.readouterr().out


def test_convert_points(monkeypatch, capfd, tmp_path):
    run(monkeypatch, 'convert_points.py', '--cells', '25',
        '--cells-per-image', '10', '--folder', str(tmp_path))
    text = capfd.readouterr().out
    assert '3 images, 25 annotations written, 0 left out' in text
    assert '10 points for each of 25 cells on 3 images' in text
    assert list(tmp_path.iterdir()) == []


def test_mask_codes(monkeypatch, capsys):
    run(monkeypatch, 'mask_codes.py', '--cells', '9', '--height', '50',
        '--width', '60', '--runs', '1')
    assert 'identical codes: 9 of 9' in capsys.readouterr().out


def test_assign_anchors(monkeypatch, capsys):
    run(monkeypatch, 'assign_anchors.py', '--cells', '9', '--only-ours', '8',
        '--height', '64', '--width', '64')
    text = capsys.readouterr().out
    assert '9 cells, ' in text and '8 cells, ' in text


def test_a_function_that_dies_is_named():
    with pytest.raises(RuntimeError, match='victim ended with exit status'):
        compare(dict(victim=lambda: os.kill(os.getpid(), signal.SIGKILL)))
