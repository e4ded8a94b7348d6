"""From work directories to metafiles to tables."""
import json
import shutil
from pathlib import Path

import pytest
import yaml

from pace_mmdet.errors import UserError
from pace_mmdet.reporting.metafile import (read_metafile, record_runs,
                                           recorded_runs)
from pace_mmdet.reporting.results_tables import (NO_RUNS, PAPER_CSV,
                                                 fill_blocks, paper_table,
                                                 results_table,
                                                 supervision_table)
from pace_mmdet.reporting.run_records import RunRecord, read_run
from pace_mmdet.reporting.starts import Start

ROOT = Path(__file__).resolve().parents[2]
CONFIG = '''model = dict(type='Toy', depth={depth})
train_cfg = dict(max_iters=20)
train_dataloader = dict(batch_size=2, dataset=dict(num_points=4))
randomness = dict(seed={seed})
load_from = {load_from!r}
'''


@pytest.fixture
def root(tmp_path):
    """A repository with one method."""
    folder = tmp_path / 'configs' / 'toy'
    folder.mkdir(parents=True)
    for points in ('1pt', 'full'):
        (folder / f'toy_{points}.py').write_text(
            CONFIG.format(depth=18, seed=0, load_from=None))
    (folder / 'metafile.yml').write_text('''# Kept.
# This, too.
Collections:
  - Name: Toy
    Metadata:
      Test Data: some cells
Models:
  - Name: toy_1pt
    In Collection: Toy
    Config: configs/toy/toy_1pt.py
    Metadata:
      Points per Cell: 1
  - Name: toy_full
    In Collection: Toy
    Config: configs/toy/toy_full.py
    Metadata:
      Points per Cell: full
''')
    return tmp_path


def make_start(work_dir, name, seed=0, depth=18, scores=(), load_from=None):
    """What one start of a run leaves behind."""
    vis_data = work_dir / name / 'vis_data'
    vis_data.mkdir(parents=True)
    (vis_data / 'config.py').write_text(
        CONFIG.format(depth=depth, seed=seed, load_from=load_from))
    lines = [dict(loss=1.0, iter=10, step=10)]
    lines += [{
        'livecell/segm_AP': score,
        'livecell/segm_APl': float('nan'),
        'time': 1.0,
        'step': 0
    } for score in scores]
    if load_from is None:
        (vis_data / 'scalars.json').write_text('\n'.join(
            map(json.dumps, lines)))
        (work_dir / 'last_checkpoint').write_text('/elsewhere/iter_20.pth')
    else:
        (work_dir / name / f'{name}.json').write_text(json.dumps(lines[-1]))
    return work_dir


@pytest.fixture
def config(root):
    return root / 'configs' / 'toy' / 'toy_1pt.py'


def test_the_last_validation_counts(tmp_path, config):
    run = read_run(
        make_start(tmp_path / 'run', '20260101_1', 3, scores=(0.9, 0.5)),
        config)
    assert (run.seed, run.iterations, run.scored) == (3, 20,
                                                      'last validation')
    assert run.scores['segm_AP'] == 0.5 and 'time' not in run.scores


def test_a_later_test_counts_more(tmp_path, config):
    make_start(tmp_path / 'run', '20260101_1', 3, scores=(0.5, ))
    work_dir = make_start(
        tmp_path / 'run', '20260101_2', 9, scores=(0.6, ),
        load_from='a/best_iter_10.pth')
    run = read_run(work_dir, config)
    assert (run.seed, run.scored) == (3, 'test of best_iter_10.pth')
    assert run.scores['segm_AP'] == 0.6


def test_a_test_before_the_last_training_does_not_count(tmp_path, config):
    work_dir = make_start(
        tmp_path / 'run', '20260101_1', scores=(0.6, ), load_from='a.pth')
    make_start(work_dir, '20260101_2', scores=(0.5, ))
    assert read_run(work_dir, config).scores['segm_AP'] == 0.5


def test_after_a_kill_in_the_middle_of_a_line(tmp_path, config):
    work_dir = make_start(tmp_path / 'run', '20260101_1', scores=(0.5, ))
    with open(work_dir / '20260101_1/vis_data/scalars.json', 'a') as file:
        file.write('\n{"livecell/segm_AP": 0.')
    make_start(work_dir, '20260101_2', scores=(0.6, ), load_from='a.pth')
    (work_dir / '20260101_2/20260101_2.json').write_text('{"livecell/se')
    run = read_run(work_dir, config)
    assert (run.scored, run.scores['segm_AP']) == ('last validation', 0.5)


@pytest.mark.parametrize('spoil, message', [
    (lambda run: shutil.rmtree(run), 'no training run'),
    (lambda run: (run / 'last_checkpoint').unlink(), 'unfinished.*none'),
    (lambda run: (run / 'last_checkpoint').write_text('iter_10.pth'),
     'unfinished: the last checkpoint is iter_10.pth.*20 iterations'),
    (lambda run: (run / '20260101_1/vis_data/config.py').write_text(
        CONFIG.format(depth=50, seed=0, load_from=None)),
     'not a run of .*toy_1pt.py: model differ'),
    (lambda run: (run / '20260101_1/vis_data/scalars.json').write_text(
        '{"loss": 1.0}'), 'no scores of LIVECellMetric'),
])
def test_runs_that_cannot_be_recorded(tmp_path, config, spoil, message):
    work_dir = make_start(tmp_path / 'run', '20260101_1', scores=(0.5, ))
    spoil(work_dir)
    with pytest.raises(UserError, match=message):
        read_run(work_dir, config)


def record(seed, score, **changes):
    return RunRecord(**dict(
        dict(
            seed=seed,
            iterations=20,
            scored='last validation',
            scores=dict(
                segm_AP=score, segm_APl=float('nan'), bbox_AP=score / 2)),
        **changes))


def test_mean_and_spread_of_seeds(root, config):
    path = record_runs(
        config, [record(0, 0.5), record(1, 0.6), record(2, 0.7)], '2 CPUs')
    first, second = read_metafile(path)['Models']
    made = dict(
        Dataset='some cells',
        Start='scratch',
        Iterations=20,
        Seeds=[0, 1, 2],
        Hardware='2 CPUs',
        Scored='last validation')
    assert first['Results'] == [
        dict(
            Task='Instance Segmentation',
            Metrics={'mask AP': 60.0},
            Spread={'mask AP': 10.0},
            **made),
        dict(
            Task='Object Detection',
            Metrics={'box AP': 30.0},
            Spread={'box AP': 5.0},
            **made)
    ]
    assert first['Runs'][1] == {
        'Seed': 1,
        'Start': 'scratch',
        'Iterations': 20,
        'Scored': 'last validation',
        'Hardware': '2 CPUs',
        'Scores': {'mask AP': 60.0, 'box AP': 30.0}
    }
    assert 'Results' not in second


def test_runs_come_back_as_they_were_recorded(config):
    start = Start('boxes', '0123456789ab')
    run = record(1, 0.5, start=start)
    run.scores.update({'quality_IoU': 0.625, 'quality_IoU >= 0.75': 0.25})
    path = record_runs(config, [run], '2 CPUs')
    again, = recorded_runs(read_metafile(path)['Models'][0])
    assert (again.start, again.seed, again.hardware) == (start, 1, '2 CPUs')
    assert again.scores == {name: pytest.approx(value)
                            for name, value in run.scores.items()
                            if value == value}


def test_results_of_other_starts_and_seeds_stay(config):
    boxes = Start('boxes', '0123456789ab')
    record_runs(config, [record(0, 0.5), record(1, 0.6)], '2 CPUs')
    record_runs(config, [record(0, 0.7, start=boxes)], '2 CPUs',
                keep_others=True)
    path = record_runs(config, [record(1, 0.9, start=boxes)], '2 CPUs',
                       keep_others=True)
    model = read_metafile(path)['Models'][0]
    assert [(run['Start'], run['Seed']) for run in model['Runs']] == [
        ('boxes 0123456789ab', 0), ('boxes 0123456789ab', 1), ('scratch', 0),
        ('scratch', 1)]
    assert [(result['Start'], result['Metrics'])
            for result in model['Results']][::2] == [
                ('boxes 0123456789ab', {'mask AP': 80.0}),
                ('scratch', {'mask AP': 55.0})]
    # One that was made in another way is not of their kind.
    record_runs(config, [record(2, 0.9, start=boxes, iterations=40)],
                '2 CPUs', keep_others=True)
    assert [run['Seed'] for run in read_metafile(path)['Models'][0]['Runs']
            ] == [2, 0, 1]


def test_results_from_before_single_runs_were_recorded_stay(root, config):
    path = config.parent / 'metafile.yml'
    path.write_text(path.read_text().replace(
        'Points per Cell: 1\n', 'Points per Cell: 1\n    Results:\n'
        '      - {Task: Instance Segmentation, Dataset: cells, Start: scratch,'
        ' Seeds: [0], Iterations: 9, Hardware: x, Scored: y,'
        ' Metrics: {mask AP: 12}}\n'))
    record_runs(config, [record(0, 0.7, start=Start('boxes', '1'))], '2 CPUs')
    starts = [result['Start']
              for result in read_metafile(path)['Models'][0]['Results']]
    assert starts == ['scratch', 'boxes 1', 'boxes 1']
    record_runs(config, [record(0, 0.7)], '2 CPUs')
    assert read_metafile(path)['Models'][0]['Results'][-1]['Iterations'] == 20


def test_a_recorded_metafile_keeps_its_comment(root, config):
    path = record_runs(config, [record(0, 0.5), record(1, 0.6)], '2 CPUs')
    lines = path.read_text().splitlines()
    assert lines[:3] == ['# Kept.', '# This, too.', 'Collections:']
    # Recording again replaces what was there.
    record_runs(config, [record(0, 0.25)], '2 CPUs')
    again = read_metafile(path)['Models'][0]
    assert again['Results'][0]['Metrics'] == {'mask AP': 25.0}
    assert 'Spread' not in again['Results'][0]


@pytest.mark.parametrize('runs, message', [
    ([record(0, 0.5), record(0, 0.6)], r'seeds \[0, 0\]'),
    ([record(0, 0.5), record(1, 0.6, iterations=40)], 'differ in iterations'),
    ([record(0, 0.5), record(1, 0.6, scored='test of a.pth')],
     'differ in scored'),
    ([record(0, 0.5), record(1, 0.6, start=Start('coco', 'ab'))],
     r"differ in start: \['coco ab', 'scratch'\]"),
])
def test_runs_that_do_not_belong_together(config, runs, message):
    before = (config.parent / 'metafile.yml').read_text()
    with pytest.raises(UserError, match=message):
        record_runs(config, runs, '2 CPUs')
    assert (config.parent / 'metafile.yml').read_text() == before


def test_an_unlisted_config(config):
    with pytest.raises(UserError, match='no model with the config other.py'):
        record_runs(config.with_name('other.py'), [record(0, 0.5)], '-')


@pytest.mark.parametrize('text, message', [
    (None, 'no such metafile'),
    ('Models: [', 'not YAML'),
    ('Collections: []', 'expected a model index'),
])
def test_unreadable_metafiles(tmp_path, text, message):
    path = tmp_path / 'metafile.yml'
    if text is not None:
        path.write_text(text)
    with pytest.raises(UserError, match=message):
        read_metafile(path)


def test_table_of_our_results(root, config):
    assert results_table(root, ['toy']) == NO_RUNS
    record_runs(config, [record(0, 0.5), record(1, 0.6)], '2 CPUs')
    record_runs(config.with_name('toy_full.py'), [record(0, 0.6)], '2 CPUs')
    lines = results_table(root, ['toy']).splitlines()
    assert lines[2] == ('| [toy_1pt](../configs/toy/toy_1pt.py) | 1 | '
                        '17.2 % | 55.00 ± 7.07 | 83.3 % | - | - | - | - | - | '
                        '27.50 ± 3.54 |')
    assert lines[3].split(' | ')[1:5] == ['full', '100 %', '60.00', '100.0 %']
    assert lines[5] == (
        '- toy_1pt: some cells; last validation after 20 iterations on 2 CPUs'
        '; mean ± standard deviation of seeds 0, 1.')


def test_percentages_are_within_one_start(root, config):
    full = config.with_name('toy_full.py')
    record_runs(config, [record(0, 0.5)], '2 CPUs')
    record_runs(full, [record(0, 0.8, start=Start('boxes', 'ab'))], '2 CPUs')
    assert ' | 50.00 | - | ' in results_table(root, ['toy'])
    record_runs(config, [record(0, 0.6, start=Start('boxes', 'ab'))],
                '2 CPUs')
    text = results_table(root, ['toy'])
    assert ' | 60.00 | 75.0 % | ' in text and ' | 50.00 | - | ' in text
    record_runs(config, [record(0, 0.6, start=Start('boxes', 'cd'))],
                '2 CPUs')
    assert ' | 60.00 | - | ' in results_table(root, ['toy'], 'boxes cd')


def test_table_of_supervision(root, config):
    assert supervision_table(root, ['toy']) == (
        f'{NO_RUNS} Not run yet: toy_1pt, toy_full.')
    for path, ious in ((config, (0.6, 0.68)),
                       (config.with_name('toy_full.py'), (0.8, 0.8))):
        runs = [record(seed, 0.5, start=Start('boxes', 'ab'))
                for seed in (0, 1)]
        for run, iou in zip(runs, ious):
            run.scores['quality_IoU'] = iou
        record_runs(path, runs, '2 CPUs')
        text = supervision_table(root, ['toy'])
        assert ('Not run yet: toy_full.' in text) == (path == config)
    lines = text.splitlines()
    assert lines[2].split(' | ')[1:6] == ['1', '17.2 %', '0, 1',
                                          '64.00 ± 5.66', '80.0 ± 7.1 %']
    assert lines[3].split(' | ')[4:6] == ['80.00 ± 0.00', '100.0 %']
    assert 'from a model trained on boxes alone (ab)' in text
    assert lines[-1] == 'No row is missing.'


def test_table_of_the_paper():
    lines = paper_table().splitlines()
    assert len(lines) == 2 + 14 + 2
    assert lines[12] == (
        '| PACE | 4 | 23.0 % | 47.73 | 99.7 % | 80.89 | 51.21 | 45.28 | '
        '48.60 | 57.33 | 48.56 |')


def test_blocks_are_filled_and_the_rest_is_kept(root):
    text = ('before\n<!-- begin: paper-table -->\nold\n'
            '<!-- end: paper-table -->\nafter\n')
    filled = fill_blocks(text, root)
    assert filled.startswith('before\n<!-- begin: paper-table -->\n| method')
    assert filled.endswith('\n<!-- end: paper-table -->\nafter\n')
    assert fill_blocks(filled, root) == filled
    assert fill_blocks('nothing marked', root) == 'nothing marked'


@pytest.mark.parametrize('text', [
    '<!-- begin: paper-table -->\n',
    '<!-- end: paper-table -->\n',
    '<!-- begin: paper-table -->\n<!-- end: results-hela -->\n',
    '<!-- begin: no-such -->\n<!-- end: no-such -->\n',
])
def test_wrong_marks(root, text):
    with pytest.raises(UserError, match='no partner or an unknown name'):
        fill_blocks(text, root)


def test_the_repositorys_metafiles():
    index = yaml.safe_load((ROOT / 'model-index.yml').read_text())['Import']
    metafiles = sorted(ROOT.glob('configs/*/metafile.yml'))
    assert sorted(ROOT / path for path in index) == metafiles and metafiles
    for path in metafiles:
        content = read_metafile(path)
        collections = {c['Name'] for c in content['Collections']}
        for model in content['Models']:
            config = ROOT / model['Config']
            assert config.is_file() and config.parent == path.parent
            assert model['Name'] == config.stem
            assert model['In Collection'] in collections
            points = config.stem.rpartition('_')[2].removesuffix('pt')
            assert str(model['Metadata']['Points per Cell']) == points
            for result in model.get('Results', ()):
                assert {'Start', 'Seeds', 'Hardware', 'Scored',
                        'Iterations'} <= set(result)
    names = [m['Name'] for p in metafiles for m in read_metafile(p)['Models']]
    assert len(set(names)) == len(names)


def test_the_papers_table_has_every_row():
    rows = PAPER_CSV.read_text().splitlines()
    assert len(rows) == 1 + 2 * 7
    assert rows[8] == ('PACE,full,48.43,47.89,81.44,80.80,51.41,51.64,48.50,'
                       '45.75,49.49,48.33,54.18,56.94')
