"""What is run for which row, with the tools replaced by records of calls."""
import csv
import io
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import yaml
from mmengine.config import Config

from pace_mmdet.errors import UserError
from pace_mmdet.evaluation.mask_quality import as_quality, save_quality
from pace_mmdet.reporting import row_runs
from pace_mmdet.reporting.metafile import read_metafile
from pace_mmdet.reporting.paper_rows import (collect_rows, read_paper,
                                             rows_as_csv, rows_as_markdown)
from pace_mmdet.reporting.starts import FINE_TUNING

ROOT = Path(__file__).resolve().parents[2]
ITERATIONS = Config.fromfile(
    ROOT / 'configs/hela/pace_r18_hela_4pt.py').train_cfg.max_iters
ROWS = 4


class Tools:
    """Stands for ``pace train``, ``pace test`` and ``pace quality``."""

    def __init__(self, root):
        self.root = root
        self.calls = []
        self.codes = {}
        self.weights = 1.0

    def rows(self, points=('full', '4'), **options):
        """Some rows; all of them take seconds."""
        return collect_rows(self.root, ['hela'], self.root / 'runs',
                            points=points, **options)

    def run(self, command):
        tool = command[command.index('pace_mmdet') + 1]
        config = next(part for part in command if part.endswith('.py')
                      and 'hela' in Path(part).name)
        name = Path(config).stem
        self.calls.append((tool, name, command))
        code = self.codes.get((tool, name), 0)
        if isinstance(code, BaseException):
            raise code
        if code == 0 and tool == 'quality':
            self.measured(Path(command[command.index('--out') + 1]))
        elif code == 0:
            work = Path(command[command.index('--work-dir') + 1])
            options = dict(part.split('=') for part in command if '=' in part)
            seed = command[command.index('--seed') + 1] \
                if '--seed' in command else 0
            self.leave(tool, work, config, options=options, seed=seed)
        return SimpleNamespace(returncode=code)

    def leave(self, tool, work, config, ap=0.5, options=(), seed=0):
        """What a tool leaves in the work directory."""
        start = work / f'2026010{1 + (tool == "test")}_000000'
        (start / 'vis_data').mkdir(parents=True)
        cfg = Config.fromfile(config)
        cfg.merge_from_dict({
            key: float(value) if '.' in value else int(value)
            for key, value in dict(options).items()
            if value.replace('.', '').isdigit()})
        cfg.randomness.seed = int(seed)
        last = work / f'iter_{cfg.train_cfg.max_iters}.pth'
        if tool == 'test':
            cfg.load_from = str(last)
        cfg.dump(start / 'vis_data/config.py')
        if tool == 'train':
            (start / 'vis_data/scalars.json').write_text(
                f'{{"livecell/segm_AP": {ap / 2}}}\n')
            torch.save(dict(state_dict=dict(a=torch.tensor(self.weights))),
                       last)
            (work / 'best_livecell_segm_AP_iter_9.pth').touch()
            (work / 'last_checkpoint').write_text(str(last))
        else:
            (start / f'{start.name}.json').write_text(
                f'{{"livecell/segm_AP": {ap}, "livecell/bbox_AP": 0.25}}')

    def measured(self, path, iou=0.75):
        save_quality(path, as_quality([
            dict(image_ids=[1], ann_ids=[1], areas=[99.], cell_types=[''],
                 iou=[iou], boundary_iou=[0.5])]))


@pytest.fixture
def tools(tmp_path, monkeypatch):
    for folder in ('hela', '_base_'):
        shutil.copytree(ROOT / 'configs' / folder,
                        tmp_path / 'configs' / folder)
    # Nothing is on record there.
    metafile = tmp_path / 'configs/hela/metafile.yml'
    content = read_metafile(metafile)
    for model in content['Models']:
        model.pop('Results', None)
        model.pop('Runs', None)
    metafile.write_text(yaml.safe_dump(content), 'utf-8')
    tools = Tools(tmp_path)
    monkeypatch.setattr(row_runs.subprocess, 'run', tools.run)
    return tools


def config_of(tools, name):
    return tools.root / f'configs/hela/{name}.py'


def test_every_row_once(tools):
    assert row_runs.run_missing(tools.rows(), {}) == []
    assert [call[0] for call in tools.calls] == [
        'train', 'test', 'quality'] * ROWS
    assert all('--resume' in call[2] for call in tools.calls[::3])
    rows = tools.rows()
    assert all(row.is_complete for row in rows)
    assert row_runs.run_missing(rows, {}) == []
    assert len(tools.calls) == 3 * ROWS


def test_what_the_comparison_needs_comes_first(tools):
    rows = [(row.method, row.seed, row.points)
            for row in tools.rows(points=None, seeds=[0, 1])]
    first = ['full', '4', '1', '8']
    assert len(rows) == 2 * 14
    assert rows[:16] == [(method, seed, points)
                         for method in ('PACE', 'Point2Mask')
                         for seed in (0, 1) for points in first]
    assert rows[16:19] == [('PACE', 0, points) for points in '2 6 10'.split()]


def test_a_trained_row_is_only_tested(tools):
    name = 'pace_r18_hela_4pt'
    tools.leave('train', tools.root / 'runs' / name, config_of(tools, name))
    row, = [r for r in tools.rows() if r.config.stem == name]
    assert row.record.scored == 'last validation'
    row_runs.run_missing([row], {'a.b': [1, 2]})
    (tool, _, command), (measuring, _, _) = tools.calls
    assert (tool, measuring) == ('test', 'quality')
    # Validation and test images are the same: not the best checkpoint.
    assert f'iter_{ITERATIONS}.pth' in ' '.join(command)
    assert command[-2:] == ['--cfg-options', 'a.b=[1,2]']


def test_a_failure_does_not_stop_the_others(tools):
    tools.codes = {('train', 'pace_r18_hela_full'): 1,
                   ('test', 'pace_r18_hela_4pt'): 2}
    failed = row_runs.run_missing(tools.rows(), {})
    assert failed == [
        'PACE, full masks, hela, seed 0 (pace_r18_hela_full.py): '
        'pace train ended with exit status 1',
        'PACE, 4 points, hela, seed 0 (pace_r18_hela_4pt.py): pace test '
        'ended with exit status 2'
    ]
    assert len(tools.calls) == 3 * ROWS - 3


@pytest.mark.parametrize('how', [130, KeyboardInterrupt()])
def test_stopped_by_the_user(tools, how):
    tools.codes = {('train', 'pace_r18_hela_4pt'): how}
    with pytest.raises(UserError, match='repeat the command'):
        row_runs.run_missing(tools.rows(), {})
    assert len(tools.calls) == 4
    tools.codes = {}
    assert row_runs.run_missing(tools.rows(), {}) == []
    assert tools.calls[4][:2] == ('train', 'pace_r18_hela_4pt')


def test_several_processes(tools):
    row = tools.rows()[0]
    row_runs.run_missing([row], {}, gpus=8)
    train, test, measure = (call[2] for call in tools.calls)
    for command in (train, test):
        assert command[1:6] == ['-m', 'torch.distributed.run', '--standalone',
                                '--nproc_per_node', '8']
        assert command[-2:] == ['--launcher', 'pytorch']
    assert test[test.index(str(row.config)) + 1].endswith('.pth')
    assert measure[1:4] == ['-m', 'pace_mmdet', 'quality']


def test_the_best_checkpoint_where_the_test_has_other_images(tools):
    row = tools.rows()[0]
    tools.leave('train', row.work_dir, row.config)
    # A later one is of a higher number, as numbers go.
    (row.work_dir / 'best_livecell_segm_AP_iter_10.pth').touch()
    chosen = row_runs.checkpoint_to_test(row, {
        'test_evaluator.ann_file': 'other.json'})
    assert chosen.name == 'best_livecell_segm_AP_iter_10.pth'


def some_rows(tools, **options):
    return tools.rows(methods=['PACE'], **options)


def test_supervision_is_compared_from_one_start(tools):
    rows = some_rows(tools, start='boxes', seeds=[0, 1])
    assert row_runs.run_missing(rows, {}) == []
    trained = [(name, command) for tool, name, command in tools.calls
               if tool == 'train']
    assert [name.removeprefix('pace_r18_hela_') for name, _ in trained] == [
        'boxes', 'full', '4pt', 'full', '4pt']
    start = tools.root / f'runs/pace_r18_hela_boxes/iter_{ITERATIONS}.pth'
    for (_, command), seed in zip(trained[1:], '0011'):
        assert command[command.index('--load-from') + 1] == str(start)
        assert command[command.index('--seed') + 1] == seed
        assert 'train_cfg.max_iters=120' in command
    rows = some_rows(tools, start='boxes', seeds=[0, 1])
    assert all(row.is_complete for row in rows)
    assert len({row.record.start for row in rows}) == 1
    assert rows[0].record.start.digest
    assert [row.record.iterations for row in rows] == 4 * [
        FINE_TUNING['train_cfg.max_iters']]


def test_a_fresh_clone_goes_on_where_the_records_end(tools):
    rows = some_rows(tools, start='boxes')
    tools.codes = {('train', 'pace_r18_hela_4pt'): 1}
    row_runs.run_missing(rows, {}, hardware='a clock')
    model, = [model for model in read_metafile(
        tools.root / 'configs/hela/metafile.yml')['Models']
        if model['Name'] == 'pace_r18_hela_full']
    run, = model['Runs']
    assert run['Hardware'] == 'a clock' and run['Scores']['mask IoU'] == 75
    shutil.rmtree(tools.root / 'runs')
    tools.calls.clear()
    tools.codes = {}
    rows = some_rows(tools, start='boxes')
    assert [row.is_complete for row in rows] == [True, False]
    row_runs.run_missing(rows, {}, hardware='a clock')
    assert [call[1].removeprefix('pace_r18_hela_') for call in tools.calls
            if call[0] == 'train'] == ['boxes', '4pt']
    full, points = some_rows(tools, start='boxes')
    # Trained again in the same way, the start is the same.
    assert points.record.start == full.record.start


@pytest.mark.parametrize('options, on_record', [
    ({}, True),
    ({'train_dataloader.num_workers': 2}, True),
    ({'model.roi_head.mask_stage': 0}, False),
    ({'optim_wrapper.optimizer.lr': 1.0}, False),
])
def test_records_are_of_the_configs_as_they_are(tools, options, on_record):
    row_runs.run_missing(some_rows(tools)[:1], {}, hardware='a clock')
    shutil.rmtree(tools.root / 'runs')
    row = some_rows(tools, options=options)[0]
    assert (row.record is not None) is on_record


def test_a_start_that_came_out_differently(tools):
    """What is on record from the former one is run again."""
    row_runs.run_missing(some_rows(tools, start='boxes')[:1], {},
                         hardware='-')
    shutil.rmtree(tools.root / 'runs')
    tools.weights = 2.0
    tools.calls.clear()
    rows = some_rows(tools, start='boxes')
    assert row_runs.run_missing(rows, {}, hardware='-') == []
    assert [call[1].removeprefix('pace_r18_hela_') for call in tools.calls
            if call[0] == 'train'] == ['boxes', '4pt', 'full']
    shutil.rmtree(tools.root / 'runs')
    full, points = some_rows(tools, start='boxes')
    assert full.record.start == points.record.start
    model, = [model for model in read_metafile(
        tools.root / 'configs/hela/metafile.yml')['Models']
        if model['Name'] == 'pace_r18_hela_full']
    assert len(model['Runs']) == 1


def test_no_percentage_of_another_start(tools):
    full, points = some_rows(tools, start='boxes')
    row_runs.run_missing([full], {})
    shutil.rmtree(tools.root / 'runs/pace_r18_hela_boxes')
    tools.weights = 2.0
    row_runs.run_missing([points], {})
    text = rows_as_markdown(some_rows(tools, start='boxes'), {})
    four = next(line for line in text.splitlines() if '| 4 |' in line)
    assert '| 50.00 | - | 75.00 | - |' in four


def test_a_run_from_elsewhere_is_not_taken(tools):
    row, = tools.rows(points=['4'], methods=['PACE'])
    row_runs.run_missing([row], {})
    file = tools.root / 'coco.pth'
    torch.save(dict(state_dict=dict(a=torch.zeros(2))), file)
    row, = tools.rows(points=['4'], methods=['PACE'], start=f'coco:{file}')
    assert 'started from scratch, not from coco' in row.missing
    fault, = row_runs.run_missing([row], {})
    assert 'remove it, or give another' in fault


def test_tables(tools):
    paper = read_paper()
    for row in tools.rows():
        if row.config.stem in ('pace_r18_hela_4pt', 'pace_r18_hela_full'):
            ap = 0.45 if row.points == '4' else 0.5
            tools.leave('train', row.work_dir, row.config)
            tools.leave('test', row.work_dir, row.config, ap)
    rows = tools.rows(points=None)
    table = rows_as_markdown(rows, paper).splitlines()
    points = [line.split(' | ')[2] for line in table[2:]]
    assert points == ['full', '1', '2', '4', '6', '8', '10'] * 2
    assert table[5].startswith('| PACE | hela | 4 | scratch | 0 | 45.00 | '
                               '90.0 % | - | - | 47.73 | 99.7 %')
    assert table[3].startswith('| PACE | hela | 1 | - | - | - | - | - | - | '
                               '47.54 | 99.3 % | - ')
    parsed = {row['config']: row for row in csv.DictReader(
        io.StringIO(rows_as_csv(rows, paper)))}
    four = parsed['pace_r18_hela_4pt.py']
    assert (four['AP_seg'], four['AP_det']) == ('45.0000', '25.0000')
    assert four['percent_of_full'] == '90.00'
    assert four['AP50_seg'] == '' == parsed['pace_r18_hela_1pt.py']['AP_seg']
    assert four['paper_AP50_seg'] == '80.89'


def test_unknown_rows(tools):
    with pytest.raises(UserError, match='no row with 5 points'):
        collect_rows(tools.root, ['hela'], tools.root, points=['4', '5'])
    with pytest.raises(UserError, match='no such metafile'):
        collect_rows(tools.root, ['nothing'], tools.root)
