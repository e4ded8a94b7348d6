"""Benchmarks run, at a size that says nothing about speed."""
import ast
import json
import os
import re
import runpy
import signal
import sys
from pathlib import Path

import mmcv.ops
import pytest
import tifffile

from pace_mmdet.inference import Segmenter
from pace_mmdet.inference.preparation import Preparation
from pace_mmdet.inference.thresholding import ThresholdDetector
from pace_mmdet.testing import synthetic_cells
from pace_mmdet.testing.benchmarking import (Aim, Comparison, Cost, compare,
                                             from_json, to_json)

pytestmark = pytest.mark.skipif(
    sys.platform != 'linux', reason='benchmarks run on Linux only')
ROOT = Path(__file__).parents[2]
BENCHMARKS = ROOT / 'tools/benchmarks'
# Smallest arguments of each, and what it must say then.
CASES = {
    'open_annotations.py': (['--cells', '30', '--cells-per-image', '10'],
                            'Opening 30 cells with 10 points each'),
    'convert_points.py': (['--cells', '25', '--cells-per-image', '10'],
                          '10 points for each of 25 cells on 3 images'),
    'label_points.py': (['--cells', '20', '--cells-per-image', '10',
                         '--runs', '1'],
                        'labelling 10 points for each of 20 cells'),
    'load_samples.py': (['--images', '2', '--cells-per-image', '5',
                         '--runs', '1'], 'Loading 2 training samples'),
    'assign_anchors.py': (['--cells', '9', '8', '--height', '64', '--width',
                           '64'], '1,705 anchors to 8 cells'),
    'mask_loss.py': (['--images', '1', '--rois', '3', '--cells', '4',
                      '--runs', '1'], 'gradient for 3 RoIs of 1 images'),
    'mask_codes.py': (['--cells', '9', '--height', '50', '--width', '60',
                       '--runs', '1'], 'identical codes: 9 of 9'),
    'score_detections.py': (['--images', '2', '--cells-per-image', '5'],
                            'largest difference of 14 scores'),
    'operators.py': (['--boxes', '20', '--rois', '3', '--height', '16',
                      '--width', '16', '--runs', '1'],
                     'NMS of 20 boxes, at 30 places'),
    'predict_large.py': (['--side', '1300', '--cells', '160', '--format',
                          'labels,csv'], '1,300 x 1,300 pixels, 16 bit'),
    'predict_slide.py': (['--side', '3000', '--cells', '100', '--processes',
                          '1', '2'], 'all results the same, byte by byte'),
    'resume_slide.py': (['--checkpoint', 'threshold', '--side', '2000'],
                        'all results the same as in one go'),
    'export_cells.py': (['--cells', '9', '--side', '120', '--runs', '1'],
                        'as coco (_coco_results.json)'),
    'predict_layouts.py': (['--images', 'none'], 'run make demo'),
    'train_step.py': ([
        str(ROOT / 'configs/hela/pace_r18_hela_4pt.py'), '--height', '64',
        '--width', '64', '--cells', '4', '--loss-curve', '2', '--warmup', '0',
        '--variants', 'ours', '--out', 'losses.png'
    ], 'Mean loss of every 1 steps'),
}


def run(monkeypatch, name, *args):
    monkeypatch.setattr(sys, 'argv', [name, *map(str, args)])
    return runpy.run_path(str(BENCHMARKS / name), run_name='__main__')


def test_every_benchmark_is_tried_and_part_of_make_bench():
    scripts = {path.name for path in BENCHMARKS.glob('*.py')} - {'bench.py'}
    bench = runpy.run_path(str(BENCHMARKS / 'bench.py'))
    assert scripts == set(bench['QUICK'])
    # Those have a test file of their own.
    assert scripts == set(CASES) | {'annotate_server.py',
                                    'annotate_training.py'}
    assert set(bench['FULL']) <= scripts


@pytest.mark.parametrize('path', sorted((ROOT / 'tools').rglob('*.py')),
                         ids=lambda path: path.name)
def test_operators_are_there_before_models(path):
    """pace_mmdet provides mmcv.ops, which all but MMDetection's registry use.
    """
    provided = False
    for node in ast.parse(path.read_text('utf-8')).body:
        names = [getattr(node, 'module', None) or ''] + [
            alias.name for alias in getattr(node, 'names', [])]
        provided |= any(name.startswith('pace_mmdet') for name in names)
        needing = [name for name in names if re.match(
            r'mmdet(?!\.registry)|mmcv\.ops', name)]
        assert provided or not needing, f'{path}: line {node.lineno}'


@pytest.mark.parametrize('name', CASES)
def test_small(monkeypatch, capsys, tmp_path, name):
    monkeypatch.chdir(tmp_path)
    # Some start processes of their own.
    monkeypatch.setenv('PYTHONPATH', str(ROOT))
    if name == 'predict_slide.py':
        pytest.importorskip('zarr', reason='the extra "formats" is missing')
    arguments, expected = CASES[name]
    run(monkeypatch, name, *arguments, '--json', tmp_path / 'a.json')
    assert expected in capsys.readouterr().out
    for content in json.loads((tmp_path / 'a.json').read_text()):
        comparison = from_json(content)
        assert comparison.costs['ours'].seconds > 0
        assert to_json(comparison) == content


def test_all_in_one_command(monkeypatch, capsys, tmp_path):
    """Results are kept, the page shows them; the script is a stand-in."""
    (tmp_path / 'fast.py').write_text(
        'import sys\nfrom pathlib import Path\n'
        'from pace_mmdet.testing.benchmarking import *\n'
        'publish([Comparison("Doing " + sys.argv[1], dict('
        'ours=Cost(1.0, 10.0), other=Cost(3.0, 50.0)), '
        'dict(other=Aim(2)), ["a remark"])], Path(sys.argv[3]))\n')
    bench = runpy.run_path(str(BENCHMARKS / 'bench.py'))
    main = bench['main'].__globals__
    main.update(HERE=tmp_path, ROOT=tmp_path, RESULTS=tmp_path / 'r.json',
                PAGE=tmp_path / 'page.md')
    monkeypatch.setenv('PYTHONPATH', str(ROOT))
    for table in ('QUICK', 'FULL'):
        main[table].clear()
    main['QUICK']['fast.py'] = ['first']
    monkeypatch.setattr(sys, 'argv', ['bench.py', '--only', 'fast.py'])
    main['main']()
    page = (tmp_path / 'page.md').read_text()
    assert '| other | 3.000 s | 50 MB | 3.0 (2) | 5.0 |' in page
    assert '**Doing first** (`fast.py`; ' in page
    assert 'A remark.' in page and ', `make bench-full`' not in page
    (tmp_path / 'page.md').unlink()
    monkeypatch.setattr(sys, 'argv', ['bench.py', '--render'])
    main['main']()
    assert (tmp_path / 'page.md').read_text() == page
    main['FULL']['fast.py'] = ['all']
    monkeypatch.setattr(sys, 'argv', ['bench.py', '--full', '--only',
                                      'fast.py'])
    main['main']()
    page = (tmp_path / 'page.md').read_text()
    assert '**Doing all** (`fast.py`, `make bench-full`; ' in page


def test_operators_need_a_compiled_mmcv_to_compare_with(monkeypatch, capfd):
    """Here, where there is none."""
    if not mmcv._ext.__file__.endswith('.py'):
        pytest.skip('MMCV is compiled here')
    with pytest.raises(SystemExit, match='compiled MMCV failed by'):
        run(monkeypatch, 'operators.py', '--boxes', '20', '--runs', '1',
            '--compiled', sys.executable)
    assert 'has no compiled MMCV' in capfd.readouterr().err


def test_predict_layouts(monkeypatch, tmp_path):
    tool = runpy.run_path(str(BENCHMARKS / 'predict_layouts.py'))
    for number in range(2):
        tifffile.imwrite(tmp_path / f'{number}.tif',
                         synthetic_cells(9, 100, 120, number).image)
    img = tool['mosaic'](tmp_path, 2)
    assert img.shape == (200, 120)

    def load_segmenter(checkpoint, scale=1.0, **tiles):
        return Segmenter(ThresholdDetector(95), Preparation('none'), **tiles)

    compare_layouts = tool['compare_layouts']
    monkeypatch.setitem(compare_layouts.__globals__, 'load_segmenter',
                        load_segmenter)
    comparison = compare_layouts('x.pth', img, [(64, 48), (100, 50)])
    assert '100.0 % of the first layout' in ''.join(comparison.remarks)
    cells = load_segmenter('x.pth')(img)
    assert tool['share_alike'](cells, cells[:9]) == 9 / len(cells)


def test_a_function_that_dies_is_named():
    with pytest.raises(RuntimeError, match='victim ended with exit status'):
        compare(dict(victim=lambda: os.kill(os.getpid(), signal.SIGKILL)))


@pytest.mark.parametrize('cost, aim, expected', [
    (Cost(2.0), Aim(), '4.0 times the time'),
    (Cost(2.0), Aim(5), '4.0 times the time, aim 5'),
    (Cost(2.0, 10.0), Aim(5, 3),
     '4.0 times the time, aim 5; 2.0 times the memory, aim 3'),
    (Cost(2.0, 10.0, 5.0), Aim(),
     '4.0 times the time; 2.0 times the memory; 0.2 times the memory kept'),
])
def test_verdict(cost, aim, expected):
    comparison = Comparison('A', {
        'ours': cost, 'peer': Cost(8.0, 20.0, 1.0)}, dict(peer=aim))
    assert comparison.verdict('peer') == expected
    assert f'({expected})' in comparison.report()
