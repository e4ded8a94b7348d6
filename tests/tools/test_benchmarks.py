"""Benchmarks run, at a size that says nothing about speed."""
import os
import runpy
import signal
import sys
from pathlib import Path

import pytest
import tifffile

from pace_mmdet.benchmarking import compare
from pace_mmdet.inference import Segmenter
from pace_mmdet.inference.preparation import Preparation
from pace_mmdet.inference.thresholding import ThresholdDetector
from pace_mmdet.testing import synthetic_cells

BENCHMARKS = Path(__file__).parents[2] / 'tools/benchmarks'


def run(monkeypatch, name, *args):
    monkeypatch.setattr(sys, 'argv', [name, *args])
    runpy.run_path(str(BENCHMARKS / name), run_name='__main__')


def test_label_points(monkeypatch, capsys):
    run(monkeypatch, 'label_points.py', '--cells', '20', '--cells-per-image',
        '10', '--runs', '1')
    assert '10 points for each of 20 cells' in capsys.readouterr().out


def test_mask_codes(monkeypatch, capsys):
    run(monkeypatch, 'mask_codes.py', '--cells', '9', '--height', '50',
        '--width', '60', '--runs', '1')
    assert 'identical codes: 9 of 9' in capsys.readouterr().out


def test_assign_anchors(monkeypatch, capsys):
    run(monkeypatch, 'assign_anchors.py', '--cells', '9', '--only-ours', '8',
        '--height', '64', '--width', '64')
    text = capsys.readouterr().out
    assert '9 cells, ' in text and '8 cells, ' in text


def test_export_cells(monkeypatch, capsys):
    run(monkeypatch, 'export_cells.py', '--cells', '9', '--side', '80',
        '--runs', '1')
    text = capsys.readouterr().out
    assert '80 x 80 pixels' in text and '  roi ' in text


def test_predict_large(monkeypatch, capsys):
    run(monkeypatch, 'predict_large.py', '--side', '1300', '--cells', '160',
        '--format', 'labels,csv')
    text = capsys.readouterr().out
    assert '1300 x 1300 pixels, 16 bit, 1' in text and 'peak memory' in text


def test_predict_layouts(monkeypatch, capsys, tmp_path):
    run(monkeypatch, 'predict_layouts.py', '--images', str(tmp_path / 'none'))
    assert 'run make demo' in capsys.readouterr().out
    tool = runpy.run_path(str(BENCHMARKS / 'predict_layouts.py'))
    for number in range(2):
        tifffile.imwrite(tmp_path / f'{number}.tif',
                         synthetic_cells(9, 100, 120, number).image)
    img = tool['mosaic'](tmp_path, 2)
    assert img.shape == (200, 120)

    def load_segmenter(checkpoint, scale=1.0, **tiles):
        return Segmenter(ThresholdDetector(95), Preparation('none'), **tiles)

    compare_layouts = tool['compare_layouts']
    compare_layouts.__globals__['load_segmenter'] = load_segmenter
    compare_layouts('x.pth', img, [(64, 48), (100, 50)])
    text = capsys.readouterr().out
    assert '100.0 % of the first layout' in text
    cells = load_segmenter('x.pth')(img)
    assert tool['share_alike'](cells, cells[:9]) == 9 / len(cells)


def test_a_function_that_dies_is_named():
    with pytest.raises(RuntimeError, match='victim ended with exit status'):
        compare(dict(victim=lambda: os.kill(os.getpid(), signal.SIGKILL)))
