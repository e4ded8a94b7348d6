"""Every tool explains itself and runs, found by a glob."""
import json
import runpy
import sys
from pathlib import Path

import pytest

from pace_mmdet.testing import synthetic_coco, write_synthetic_coco

ROOT = Path(__file__).parents[2]
# Without what they import.
TOOLS = sorted(path for path in (ROOT / 'tools').rglob('*.py')
               if '__main__' in path.read_text())
ids = [path.relative_to(ROOT / 'tools').as_posix() for path in TOOLS]
# A run of each in a folder of two annotated images: arguments, exit code,
# and what it must say. What takes training or a model is asked for a file
# that isn't there; their whole ways are in tests of their own.
RUNS = {
    'annotate.py': ('images --db p.db --boxes annotations.json --export '
                    'points.json --all', 0, 'points.json'),
    'demo.py': ('--config none.py', 2, 'none.py'),
    'predict.py': ('images --checkpoint none.pth --out-dir out', 2,
                   'none.pth: no such checkpoint file'),
    'rehearse_livecell.py': ('--config none.py', 2, 'none.py'),
    'test.py': ('none.py none.pth', 2, 'none.py'),
    'train.py': ('none.py', 2, 'none.py'),
    'analysis_tools/annotation_cost.py': ('--points 1 4', 0,
                                          'annotation_cost.png'),
    'analysis_tools/browse_dataset.py': ('none.py', 2, 'none.py'),
    'analysis_tools/compare.py': (
        'annotations.json images found.json --out-dir out --no-ap50 '
        '--window 0 0 30 30', 0,
        '2 pictures in out'),
    'analysis_tools/eval_predictions.py': ('annotations.json found.json', 0,
                                           '100.0'),
    'analysis_tools/mask_quality.py': ('none.py none.pth', 2, 'none.py'),
    'analysis_tools/record_results.py': (
        'none.py work_dir --hardware CPU', 2, 'work_dir'),
    'analysis_tools/results_tables.py': ('--check', 0, ''),
    'analysis_tools/score_threshold.py': ('annotations.json found.json', 0,
                                          '0.45'),
    'analysis_tools/supervision.py': ('none.py out.png', 2, 'none.py'),
    'analysis_tools/table1.py': ('--configs none', 2, 'none'),
    'dataset_converters/import_annotations.py': (
        'images annotations.json --out imported.json', 0,
        'imported.json: 2 images'),
    'dataset_converters/hela.py': ('--wheel none.whl', 2, 'none.whl'),
    'dataset_converters/labels_to_coco.py': (
        'images none --out masks.json', 2, 'none: no such folder'),
    'dataset_converters/livecell.py': ('check --root none', 2, 'none'),
    'dataset_converters/masks_to_points.py': (
        'annotations.json points.json', 0, '12 annotations written'),
    'model_converters/detectron2_resnest.py': ('none.pkl out.pth', 2,
                                               'none.pkl'),
}


@pytest.fixture
def call(monkeypatch, capsys):
    """Function (tool, arguments) -> exit code, what was printed."""

    def run(tool, *arguments):
        path = ROOT / 'tools' / tool
        monkeypatch.setattr(sys, 'argv', [path.name, *arguments])
        # As Python does with a script's folder.
        monkeypatch.syspath_prepend(str(path.parent))
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(path), run_name='__main__')
        said = capsys.readouterr()
        return ended.value.code or 0, said.out + said.err

    return run


@pytest.mark.parametrize('tool', ids)
def test_help(call, tool):
    code, said = call(tool, '--help')
    assert code == 0 and f'usage: {Path(tool).name}' in said


def test_every_tool_is_run():
    """Benchmarks are by their own tests, see ``test_benchmarks.py``."""
    assert set(RUNS) == {
        name for name in ids if not name.startswith('benchmarks/')}


@pytest.mark.parametrize('tool', RUNS)
def test_run(call, tmp_path, monkeypatch, tool):
    write_synthetic_coco(tmp_path, 2, 6, 40, 50, rle=True)
    _, coco = synthetic_coco(2, 6, 40, 50, rle=True)
    (tmp_path / 'found.json').write_text(json.dumps([
        dict(ann, score=1 - 0.05 * ann['id']) for ann in coco['annotations']]))
    monkeypatch.chdir(tmp_path)
    arguments, expected, text = RUNS[tool]
    code, said = call(tool, *arguments.split())
    assert code == expected, said
    assert text in said and 'Traceback' not in said
