"""The arena: parts of data sets, label hours, tables and curves."""
import json
import runpy
import sys
from pathlib import Path

import pytest

from pace_mmdet.reporting.arena import NO_RUNS, arena_table, read_arena

ROOT = Path(__file__).parents[2]
ARENA = ROOT / 'tools/benchmarks/arena'


@pytest.fixture
def load(monkeypatch):
    monkeypatch.syspath_prepend(str(ARENA))
    return lambda name: runpy.run_path(str(ARENA / f'{name}.py'))


def content(*names, cells=2):
    return dict(
        images=[dict(id=i, file_name=f'folder/{name}', height=8, width=9)
                for i, name in enumerate(names)],
        annotations=[
            dict(id=10 * i + j, image_id=i, bbox=[0, 0, 2 + j, 3 + j])
            for i in range(len(names)) for j in range(cells)
        ],
        categories=[dict(id=1)])


def run_of(data='hela', method='ours, 4 points', variant='', seed=0, **values):
    scores = {name: 50.0 for name in ('AP', 'AP50', 'AP75', 'APs', 'APm',
                                      'APl', 'F1@0.5', 'F1@0.75', 'F1@0.9')}
    return dict(
        data=data, method=method, variant=variant, seed=seed, images=2,
        cells=30, hours=1.25, steps=500, train_seconds=100.0,
        predict_seconds=0.5, **scores) | values


def test_parts_are_chosen_by_name(load):
    keep = load('contests')['keep_images']
    part = keep(content('a_t00_.tif', 'a_t01_.tif', 'a_t02_.tif'),
                ('_t00_', '_t02_'))
    assert [image['id'] for image in part['images']] == [0, 2]
    assert [image['file_name'] for image in part['images']] == [
        'a_t00_.tif', 'a_t02_.tif']
    assert {cell['image_id'] for cell in part['annotations']} == {0, 2}
    everything = keep(content('a.tif', 'b.tif'), ())
    assert len(everything['images']) == 2


def test_a_name_that_fits_no_image(load):
    with pytest.raises(ValueError, match='no image is named like'):
        load('contests')['keep_images'](content('a.tif'), ('a.', 'c'))


def test_label_hours(load):
    hours = load('contests')['label_hours']
    assert hours(100, 4) == pytest.approx(100 * (7 + 4 * 0.9) / 3600)
    assert hours(23, -1) == pytest.approx(23 * 46 / 3600)
    # Equal hours are 23 % of the cells.
    assert hours(1000, 4) == pytest.approx(hours(230, -1), rel=0.01)


def test_cell_length_and_images_for_thresholds(load):
    contests = load('contests')
    assert contests['cell_length'](content('a.tif', cells=3)) == 4
    names = [f'{i:02d}.tif' for i in range(11)]
    some = contests['thresholds_part'](content(*names))
    assert [image['file_name'] for image in some['images']] == [
        '00.tif', '02.tif', '04.tif', '06.tif']
    assert len(contests['thresholds_part'](content('a', 'b'))['images']) == 2


@pytest.mark.parametrize('unsure, wrong', [(0, 0), (1.5, 0.25), (400, 0.75)])
def test_who_is_unsure_of_outlines_errs_at_outlines(load, tmp_path, unsure,
                                                    wrong):
    square = [[20, 20, 60, 20, 60, 60, 20, 60]]
    inside, outside, border = [40, 40], [70, 5], [20, 40]
    masks = dict(images=[dict(id=1, height=80, width=80),
                         dict(id=2, height=9, width=9)],
                 annotations=[dict(id=i, image_id=1, segmentation=square)
                              for i in range(60)])
    points = dict(masks, annotations=[
        dict(id=i, image_id=1, point_coords=[inside, outside, border, border],
             point_labels=[1, 0, 1, 1]) for i in range(60)])
    (tmp_path / 'masks.json').write_text(json.dumps(masks))
    path = tmp_path / 'points.json'
    path.write_text(json.dumps(points))
    found = load('annotators')['answer_near_outlines'](
        path, tmp_path / 'masks.json', unsure, 0)
    assert found == pytest.approx(wrong, abs=0.1)
    answers = [cell['point_labels']
               for cell in json.loads(path.read_text())['annotations']]
    if unsure < 10:
        assert all(answer[:2] == [1, 0] for answer in answers)


def test_points_are_compared_with_our_full_masks(tmp_path):
    (tmp_path / 'docs').mkdir()
    (tmp_path / 'docs/arena.json').write_text(json.dumps([
        run_of(AP=45.0), run_of(AP=47.0, seed=1),
        run_of(method='ours, full masks', AP=50.0),
        run_of(method='ours, 4 points, twice the time', steps=1000),
        run_of(method='Cellpose 3, all masks', AP=40.0)]))
    rows = {line.split('|')[1].strip(): line.split('|')[10].strip()
            for line in arena_table(tmp_path).splitlines() if '|' in line}
    assert rows['method'] == '% of full masks'
    assert rows['ours, 4 points'] == '92.0'
    assert rows['ours, full masks'] == '100.0'
    assert rows['ours, 4 points, twice the time'] == ''
    assert rows['Cellpose 3, all masks'] == ''


def test_the_peers_images_are_some_of_ours(load):
    for contest in load('contests')['CONTESTS'].values():
        assert contest.peer
        assert not contest.ours or set(contest.peer) <= set(contest.ours)


def test_settings_are_not_chosen_on_what_is_trained_or_scored_on(load):
    for contest in load('contests')['CONTESTS'].values():
        assert contest.check_file != contest.test
        if contest.check_file in ('', contest.train):
            assert contest.ours and contest.check
            assert not set(contest.check) & set(contest.ours)


@pytest.mark.parametrize('in_test, in_training', [(0, 0), (0, 1), (1, 0)])
def test_a_network_that_finds_nothing_scores_nothing(load, tmp_path, in_test,
                                                     in_training):
    square = [[10., 10., 30., 10., 30., 30., 10., 30.]]
    truth = dict(
        images=[dict(id=1, file_name='a.tif', height=50, width=50)],
        annotations=[dict(id=1, image_id=1, category_id=1, area=400.,
                          iscrowd=0, bbox=[10., 10., 20., 20.],
                          segmentation=square)],
        categories=[dict(id=1, name='cell')])
    result = dict(image_id=1, category_id=1, score=0.9,
                  bbox=[10., 10., 20., 20.], segmentation=square)
    paths = {}
    for name, content in (('truth', truth), ('test', [result] * in_test),
                          ('train', [result] * in_training)):
        paths[name] = tmp_path / f'{name}.json'
        paths[name].write_text(json.dumps(content))
    scores = load('scores')['score'](
        paths['truth'], paths['test'], paths['truth'], paths['train'])
    assert scores['AP50'] == 100 * in_test
    assert [scores[f'F1@{iou}'] for iou in (0.5, 0.75, 0.9)] == [0, 0, 0]


def test_table(tmp_path):
    assert arena_table(tmp_path) == NO_RUNS
    path = tmp_path / 'docs/arena.json'
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps([
        run_of(AP=80.0), run_of(AP=82.0, seed=1),
        run_of('livecell', 'Cellpose 3, equal hours', 'flow check')
    ]))
    table = arena_table(tmp_path)
    assert '**HeLa nuclei**' in table and '**LIVECell sample**' in table
    assert '| ours, 4 points | 30 | 1.25 | 500 ± 0 | 100 ± 0 |' in table
    assert '| 81.0 ± 1.4 | 50.0 ± 0.0 |' in table
    assert '| Cellpose 3, equal hours, flow check | 30 |' in table
    assert 'Usiigaci' not in table
    assert len(read_arena(tmp_path)) == 3


@pytest.mark.parametrize('runs', [
    [],
    [run_of()],
    [run_of(), run_of(seed=1), run_of(method='Cellpose 3, equal hours'),
     run_of('usiigaci', 'ours, 4 points, a third of the time')],
])
def test_curves(load, tmp_path, runs):
    load('curves')['write_figure'](runs, tmp_path / 'a.png')
    assert (tmp_path / 'a.png').stat().st_size > 1000


def test_what_is_recorded_is_not_run_again(load, monkeypatch, tmp_path,
                                           capsys):
    records = tmp_path / 'arena.json'
    records.write_text(json.dumps([run_of()]))
    monkeypatch.setattr(sys, 'argv', [
        'arena.py', '--hela', str(tmp_path), '--records', str(records),
        '--methods', 'ours, 4 points', 'Cellpose 3, equal hours'])
    load('arena')['main']()  # peers without their Python are left out
    assert capsys.readouterr().out == ''
    assert json.loads(records.read_text()) == [run_of()]


def test_a_trial_is_not_recorded_among_the_results(load, monkeypatch, capsys):
    monkeypatch.setattr(sys, 'argv', ['arena.py', '--iterations', '5'])
    with pytest.raises(SystemExit):
        load('arena')['main']()
    assert '--iterations is for a trial' in capsys.readouterr().err
