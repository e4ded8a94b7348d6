"""The table is filled by real runs, which can be stopped and go on."""
import csv
import runpy
import sys

import pytest

from .conftest import ROOT, run_tool

TOOL = 'analysis_tools/table1.py'

ARGUMENTS = ('--configs', 'hela', '--points', '4', '--work-dirs', 'runs',
             '--cfg-options', 'train_cfg.max_iters=1',
             'train_cfg.val_interval=1', 'train_dataloader.num_workers=0',
             'train_dataloader.persistent_workers=False',
             'val_dataloader.num_workers=0',
             'val_dataloader.persistent_workers=False',
             'test_dataloader.num_workers=0',
             'test_dataloader.persistent_workers=False')


@pytest.fixture
def run_here(hela_folder, monkeypatch, capsys):
    """The tool in this process: exit code and output."""

    def run(*arguments):
        path = str(ROOT / 'tools' / TOOL)
        monkeypatch.chdir(hela_folder)
        monkeypatch.setattr(sys, 'argv', [path, *arguments])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(path, run_name='__main__')
        return ended.value.code, ''.join(capsys.readouterr())

    return run


def test_missing_rows_are_run(hela_folder, run_here):
    code, text = run_here(*ARGUMENTS)
    assert code == 0 and text.count('| not yet |') == 2
    code, text = run_tool(hela_folder, TOOL, *ARGUMENTS, '--run',
                          '--methods', 'PACE')
    assert code == 0, text
    assert '0 of 1 rows are there, 1 to run' in text
    assert text.count('| test of iter_1.pth |') == 1
    out = hela_folder / 'runs/table1'
    with open(out / 'table1.csv', newline='') as file:
        rows = list(csv.DictReader(file))
    assert [row['config'] for row in rows] == ['pace_r18_hela_4pt.py']
    assert float(rows[0]['paper_AP_seg']) == 47.73
    assert 0 <= float(rows[0]['AP_seg']) < 100
    assert '| PACE | hela | 4 | scratch | 0 |' in (
        out / 'table1.md').read_text()
    assert 0 <= float(rows[0]['IoU']) < 100
    for name in ('annotation_time.png', 'points_and_ap.png',
                 'points_and_mask_iou.png'):
        assert (out / name).stat().st_size > 5000
    # Again: nothing to do.
    code, text = run_here(*ARGUMENTS, '--run', '--methods', 'PACE')
    assert code == 0 and '1 of 1 rows are there, 0 to run' in text
    assert run_here(*ARGUMENTS)[1].count('| not yet |') == 1


def test_the_command_that_makes_a_missing_start(run_here):
    code, text = run_here('--start', 'coco:missing.pth', '--configs', 'pace')
    assert code == 2 and 'detectron2_resnest.py' in text


def test_no_such_row(run_here):
    code, text = run_here('--configs', 'hela', '--points', '3')
    assert code == 2 and 'no row with 3 points per cell' in text


@pytest.mark.parametrize(('arguments', 'said'), [
    (('--record', 'a clock'), '--record goes with --run'),
    (('--seeds', '0', '1', '0'), '--seeds: expected different numbers'),
    (('--seeds', '-1'), '--seeds: expected a whole number of at least 0'),
])
def test_what_makes_no_sense(run_here, arguments, said):
    code, text = run_here('--configs', 'hela', *arguments)
    assert code == 2 and said in text


def test_nothing_is_recorded_of_other_configs(hela_folder, run_here):
    code, text = run_here(*ARGUMENTS, 'model.roi_head.mask_stage=0', '--run',
                          '--record', 'a clock')
    assert code == 2 and "changes their ['model']" in text
