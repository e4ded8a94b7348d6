"""compare.py, annotation_cost.py and score_threshold.py as one calls them."""
import json
import runpy
import sys

import pytest

from pace_mmdet.testing import synthetic_coco, write_synthetic_coco
from tests.engine.processes import ROOT


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Function (tool, *arguments) -> exit code, what was printed."""
    monkeypatch.chdir(tmp_path)
    write_synthetic_coco(tmp_path, 2, 6, 40, 50, rle=True)
    _, coco = synthetic_coco(2, 6, 40, 50, rle=True)
    results = [dict(ann, score=1 - 0.05 * ann['id'])
               for ann in coco['annotations']]
    (tmp_path / 'good.json').write_text(json.dumps(results))
    (tmp_path / 'bad.json').write_text(json.dumps(results[:8]))

    def call(tool, *arguments):
        path = str(ROOT / 'tools/analysis_tools' / tool)
        monkeypatch.setattr(sys, 'argv', [path, *arguments])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(path, run_name='__main__')
        said = capsys.readouterr()
        return ended.value.code, said.out + said.err

    return call


COMPARE = ('compare.py', 'annotations.json', 'images', 'PACE=good.json',
           'bad.json', '--out-dir', 'out')


def test_compare(run, tmp_path):
    assert run(*COMPARE, '--num', '1')[0] == 0
    picture, = (tmp_path / 'out').iterdir()
    assert picture.name == 'A172_Phase_A7_1_01.png'
    code, said = run(*COMPARE, '--images', picture.with_suffix('.tif').name)
    assert code == 2 and 'exists already' in said
    code, said = run(*COMPARE, '--overwrite', '--zooms', '0', '--score-thr',
                     '0.9')
    assert code == 0 and '2 pictures in out' in said


def test_comparing_images_of_one_name(run, tmp_path):
    path = tmp_path / 'annotations.json'
    coco = json.loads(path.read_text())
    for folder, image in zip('xy', coco['images']):
        (tmp_path / 'images' / folder).mkdir()
        target = f'{folder}/a.tif'
        (tmp_path / 'images' / image['file_name']).rename(
            tmp_path / 'images' / target)
        image['file_name'] = target
    path.write_text(json.dumps(coco))
    assert '2 pictures in out' in run(*COMPARE)[1]
    assert {picture.name for picture in (tmp_path / 'out').iterdir()} == {
        f'a_{image["id"]}.png' for image in coco['images']}


@pytest.mark.parametrize(('arguments', 'said'), [
    (('--score-thr', '1.5'), '--score-thr: expected a number from 0 to 1'),
    (('--num', '0'), '--num: expected a whole number of at least 1'),
    (('--images', 'none.tif'), 'has no image none.tif'),
])
def test_faults_in_comparing(run, arguments, said):
    code, text = run(*COMPARE, *arguments)
    assert code == 2 and said in text


def test_titles_must_differ(run):
    code, text = run('compare.py', 'annotations.json', 'images', 'a.json',
                     'b/a.json', '--out-dir', 'out')
    assert code == 2 and "two models are called 'a'" in text


def test_annotation_cost(run, tmp_path):
    code, said = run('annotation_cost.py', '--seconds-per-mask', '20',
                     '--points', '3', '5')
    assert code == 0
    assert '  3 points:    9.7 s per cell,  48.5% of a mask' in said
    assert (tmp_path / 'annotation_cost.png').stat().st_size > 5000
    code, said = run('annotation_cost.py')
    assert code == 2 and 'exists already' in said
    assert run('annotation_cost.py', '--out', 'a/b.svg')[0] == 0


@pytest.mark.parametrize(('arguments', 'said'), [
    (('--seconds-per-mask', '0'), 'expected a number above 0'),
    (('--points', '1', '1'), 'expected different numbers'),
    (('--out', 'a.txt'), "cannot save a figure as '.txt'"),
])
def test_faults_in_costs(run, tmp_path, arguments, said):
    code, text = run('annotation_cost.py', *arguments)
    assert code == 2 and said in text
    assert not list(tmp_path.glob('*.txt'))


def test_score_threshold(run, tmp_path):
    path = tmp_path / 'good.json'
    results = json.loads(path.read_text())
    least = min(results, key=lambda result: result['score'])
    least['score'] = 0.3479
    path.write_text(json.dumps(results))
    code, said = run('score_threshold.py', 'annotations.json', 'good.json')
    assert code == 0
    assert 'Best F1 100.0 % at a score of 0.348' in said
    assert 'score_thr=0.347)' in said and '--score-thr 0.347\n' in said
    code, said = run('score_threshold.py', 'annotations.json', 'good.json',
                     '--iou-thr', '0')
    assert code == 2 and 'above 0 and at most 1' in said
