"""Benchmarks run, at a size that says nothing about speed."""
import runpy
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parents[2] / 'tools/benchmarks'


def run(monkeypatch, name, *args):
    monkeypatch.setattr(sys, 'argv', [name, *args])
    runpy.run_path(str(BENCHMARKS / name), run_name='__main__')


def test_label_points(monkeypatch, capsys):
    run(monkeypatch, 'label_points.py', '--cells', '20', '--cells-per-image',
        '10', '--runs', '1')
    assert '10 points for each of 20 cells' in capsys.readouterr().out
