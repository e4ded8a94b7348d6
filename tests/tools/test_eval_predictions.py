"""The tool as it is called, but in this process: importing takes long."""
import json
import runpy
import sys
from pathlib import Path

import pytest

from pace_mmdet.testing import synthetic_coco

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def files(tmp_path):
    """Ground truth and perfect results for all but one cell."""
    _, gt = synthetic_coco(1, 20, 100, 120, rle=True)
    (tmp_path / 'gt.json').write_text(json.dumps(gt))
    results = [dict(ann, score=0.5) for ann in gt['annotations'][1:]]
    (tmp_path / 'results.json').write_text(json.dumps(results))
    return tmp_path


@pytest.fixture
def run(files, monkeypatch, capsys):
    """Function (*options) -> exit code, stdout, stderr."""

    def call(*options):
        tool = str(ROOT / 'tools/analysis_tools/eval_predictions.py')
        monkeypatch.chdir(files)
        monkeypatch.setattr(sys, 'argv',
                            [tool, 'gt.json', 'results.json', *options])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(tool, run_name='__main__')
        return (ended.value.code, *capsys.readouterr())

    return call


def test_scores_are_printed_and_written(files, run):
    code, printed, _ = run('--metric', 'segm', '--out', 'scores.json')
    assert code == 0
    assert 'LIVECell segm (%)' in printed
    assert 'bbox' not in printed
    scores = json.loads((files / 'scores.json').read_text())['segm']
    assert list(scores) == ['all', 'A172']
    assert scores['all']['AFNR'] == pytest.approx(1 / 20)
    assert 0.9 < scores['all']['AP'] < 1


def test_a_truncated_file_is_one_message(files, run):
    results = files / 'results.json'
    results.write_text(results.read_text()[:100])
    code, _, errors = run('--out', 'scores.json')
    assert code == 2
    assert errors.startswith('error: results.json: expected a COCO results')
    assert not (files / 'scores.json').exists()
