"""What is run for which row, with the tools replaced by records of calls."""
import csv
import io
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from mmengine.config import Config

from pace_mmdet.errors import UserError
from pace_mmdet.reporting import row_runs
from pace_mmdet.reporting.paper_rows import (collect_rows, read_paper,
                                             rows_as_csv, rows_as_markdown)

ROOT = Path(__file__).resolve().parents[2]
ITERATIONS = Config.fromfile(
    ROOT / 'configs/hela/pace_r18_hela_4pt.py').train_cfg.max_iters


class Tools:
    """Stands for the training and test tools of a repository."""

    def __init__(self, root):
        self.root = root
        self.calls = []
        self.codes = {}

    def rows(self):
        return collect_rows(self.root, ['hela'], self.root / 'runs')

    def run(self, command):
        tool = Path(next(part for part in command if 'tools' in part))
        tool = tool.stem.removeprefix('dist_')
        config = next(part for part in command if part.endswith('.py')
                      and 'hela' in Path(part).name)
        name = Path(config).stem
        self.calls.append((tool, name, command))
        code = self.codes.get((tool, name), 0)
        if isinstance(code, BaseException):
            raise code
        if code == 0:
            self.leave(tool, name, config)
        return SimpleNamespace(returncode=code)

    def leave(self, tool, name, config, ap=0.5):
        """What a tool leaves in the work directory."""
        work = self.root / 'runs' / name
        start = work / f'2026010{1 + (tool == "test")}_000000'
        (start / 'vis_data').mkdir(parents=True)
        last = work / f'iter_{ITERATIONS}.pth'
        (start / 'vis_data/config.py').write_text(
            f"_base_ = '{config}'\nload_from = '{last}'\n")
        if tool == 'train':
            (start / 'vis_data/scalars.json').write_text(
                f'{{"livecell/segm_AP": {ap / 2}}}\n')
            last.touch()
            (work / 'best_livecell_segm_AP_iter_9.pth').touch()
            (work / 'last_checkpoint').write_text(str(last))
        else:
            (start / f'{start.name}.json').write_text(
                f'{{"livecell/segm_AP": {ap}, "livecell/bbox_AP": 0.25}}')


@pytest.fixture
def tools(tmp_path, monkeypatch):
    for folder in ('hela', '_base_'):
        shutil.copytree(ROOT / 'configs' / folder,
                        tmp_path / 'configs' / folder)
    tools = Tools(tmp_path)
    monkeypatch.setattr(row_runs.subprocess, 'run', tools.run)
    return tools


def test_every_row_once(tools):
    assert row_runs.run_missing(tools.rows(), tools.root, {}) == []
    assert len(tools.calls) == 16
    assert [call[0] for call in tools.calls] == ['train', 'test'] * 8
    assert all('--resume' in call[2] for call in tools.calls[::2])
    rows = tools.rows()
    assert all(row_runs.is_tested(row) for row in rows)
    assert row_runs.run_missing(rows, tools.root, {}) == []
    assert len(tools.calls) == 16


def test_a_trained_row_is_only_tested(tools):
    name = 'pace_r18_hela_1pt'
    tools.leave('train', name, tools.root / f'configs/hela/{name}.py')
    row, = [r for r in tools.rows() if r.config.stem == name]
    assert row.record.scored == 'last validation'
    row_runs.run_missing([row], tools.root, {'a.b': [1, 2]})
    (tool, _, command), = tools.calls
    assert tool == 'test'
    # Validation and test images are the same: not the best checkpoint.
    assert f'iter_{ITERATIONS}.pth' in ' '.join(command)
    assert command[-2:] == ['--cfg-options', 'a.b=[1,2]']


def test_a_failure_does_not_stop_the_others(tools):
    tools.codes = {('train', 'pace_r18_hela_full'): 1,
                   ('test', 'pace_r18_hela_4pt'): 2}
    failed = row_runs.run_missing(tools.rows(), tools.root, {})
    assert failed == [
        'PACE, full masks (pace_r18_hela_full.py): tools/train.py ended with '
        'exit status 1',
        'PACE, 4 points (pace_r18_hela_4pt.py): tools/test.py ended with exit '
        'status 2'
    ]
    assert len(tools.calls) == 15


@pytest.mark.parametrize('how', [130, KeyboardInterrupt()])
def test_stopped_by_the_user(tools, how):
    tools.codes = {('train', 'pace_r18_hela_1pt'): how}
    with pytest.raises(UserError, match='repeat the command'):
        row_runs.run_missing(tools.rows(), tools.root, {})
    assert len(tools.calls) == 3
    tools.codes = {}
    assert row_runs.run_missing(tools.rows(), tools.root, {}) == []
    assert tools.calls[3][:2] == ('train', 'pace_r18_hela_1pt')


def test_several_processes(tools):
    row = tools.rows()[0]
    row_runs.run_missing([row], tools.root, {}, gpus=8)
    train, test = (call[2] for call in tools.calls)
    assert train[0].endswith('dist_train.sh')
    assert train[1:3] == [str(row.config), '8']
    assert test[0].endswith('dist_test.sh')
    assert test[3] == '8' and test[2].endswith('.pth')


def test_the_best_checkpoint_where_the_test_has_other_images(tools):
    row = tools.rows()[0]
    tools.leave('train', row.config.stem, row.config)
    chosen = row_runs.checkpoint_to_test(row, {
        'test_evaluator.ann_file': 'other.json'})
    assert chosen.name == 'best_livecell_segm_AP_iter_9.pth'


def test_tables(tools):
    name = 'pace_r18_hela_4pt'
    paper = read_paper(ROOT)
    for row in tools.rows():
        if row.config.stem in (name, 'pace_r18_hela_full'):
            ap = 0.45 if row.points == '4' else 0.5
            tools.leave('train', row.config.stem, row.config)
            tools.leave('test', row.config.stem, row.config, ap)
    rows = tools.rows()
    assert [row.points for row in rows] == ['full', '1', '4', '8'] * 2
    table = rows_as_markdown(rows, paper).splitlines()
    assert table[4].startswith('| PACE | 4 | 45.00 | 90.0 % | 47.73 | 99.7 %')
    assert table[3].startswith('| PACE | 1 | - | - | 47.54 | 99.3 % | - ')
    parsed = list(csv.DictReader(io.StringIO(rows_as_csv(rows, paper))))
    assert parsed[2]['AP_seg'] == '45.0000'
    assert parsed[2]['AP_det'] == '25.0000'
    assert parsed[2]['percent_of_full'] == '90.00'
    assert parsed[2]['AP50_seg'] == '' == parsed[1]['AP_seg']
    assert parsed[2]['paper_AP50_seg'] == '80.89'


def test_unknown_rows(tools):
    with pytest.raises(UserError, match='no row with 5 points'):
        collect_rows(tools.root, ['hela'], tools.root, points=['4', '5'])
    with pytest.raises(UserError, match='no such metafile'):
        collect_rows(tools.root, ['nothing'], tools.root)
