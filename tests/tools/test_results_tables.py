"""The tools for results, and the page that they keep."""
import runpy
import shutil
import sys
from pathlib import Path

import pytest
import yaml
from mmengine.config import Config

from pace_mmdet.reporting.results_figures import (FIGURE, draw_figure,
                                                  figure_is_current,
                                                  supervision_panels)
from pace_mmdet.reporting.results_tables import BLOCKS, fill_blocks

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def run(monkeypatch, capsys):
    """Function (tool, *arguments) -> exit code, stdout, stderr."""

    def call(tool, *arguments):
        path = str(ROOT / 'tools' / 'analysis_tools' / tool)
        monkeypatch.setattr(sys, 'argv', [path, *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(path, run_name='__main__')
        return (ended.value.code, *capsys.readouterr())

    return call


def test_tables_are_printed(run):
    code, printed, _ = run('results_tables.py')
    assert code == 0
    assert all(f'{name}\n' in printed for name in BLOCKS)
    assert '| PACE | 4 |' in printed


def test_write_and_check(run, tmp_path):
    page = tmp_path / 'results.md'
    page.write_text('# Title\n<!-- begin: paper-table -->\n'
                    '<!-- end: paper-table -->\n')
    code, _, errors = run('results_tables.py', '--check', '--page', page)
    assert code == 2 and 'stale; run tools/analysis_tools/results_t' in errors
    assert run('results_tables.py', '--write', '--page', page)[0] == 0
    assert '| PACE | 4 |' in page.read_text()
    assert run('results_tables.py', '--check', '--page', page)[0] == 0
    # The picture, too, is that of the metafiles.
    figure = tmp_path / FIGURE
    draw_figure(figure, {})
    code, _, errors = run('results_tables.py', '--check', '--page', page)
    assert code == 2 and 'points.png are stale' in errors
    assert run('results_tables.py', '--write', '--page', page)[0] == 0
    assert figure_is_current(figure, supervision_panels(ROOT))


def test_a_missing_page(run, tmp_path):
    code, _, errors = run('results_tables.py', '--check', '--page',
                          tmp_path / 'no')
    assert code == 2 and 'no such file' in errors


def test_the_page_is_up_to_date():
    text = (ROOT / 'docs/results.md').read_text()
    for name in BLOCKS:
        assert f'<!-- begin: {name} -->' in text
    assert fill_blocks(text, ROOT) == text
    assert f']({FIGURE})' in text
    assert figure_is_current(ROOT / 'docs' / FIGURE, supervision_panels(ROOT))


def test_curves_of_what_is_on_record(tmp_path):
    def run_of(seed, start, **scores):
        return {'Seed': seed, 'Start': start, 'Iterations': 1, 'Scored': 'x',
                'Hardware': 'y', 'Scores': scores}

    for folder in ('livecell_small', 'usiigaci', 'hela'):
        runs = [run_of(0, 'scratch', **{'mask AP': 1.0})]
        if folder != 'usiigaci':
            runs += [run_of(0, 'boxes aaaa', **{'mask AP': 2.0}),
                     run_of(1, 'boxes aaaa', **{'mask AP': 3.0,
                                                'mask IoU': 60.0})]
        if folder == 'hela':
            runs.append(run_of(2, 'boxes bbbb', **{'mask AP': 4.0}))
        path = tmp_path / 'configs' / folder / 'metafile.yml'
        path.parent.mkdir(parents=True)
        path.write_text(yaml.safe_dump(dict(Models=[{
            'In Collection': 'PACE on cells', 'Runs': runs,
            'Metadata': {'Points per Cell': 4}}])))
    panels = supervision_panels(tmp_path)
    ap, iou = 'mask AP (%)', 'mask IoU in true boxes (%)'
    assert panels == {
        'LIVECell sample': {ap: {'PACE': {'4': [2.0, 3.0]}},
                            iou: {'PACE': {'4': [60.0]}}},
        'HeLa nuclei': {
            ap: {'PACE, start aaaa': {'4': [2.0, 3.0]},
                 'PACE, start bbbb': {'4': [4.0]}},
            iou: {'PACE, start aaaa': {'4': [60.0]}}}}


def test_a_run_is_recorded(run, tmp_path):
    folder = tmp_path / 'configs' / 'hela'
    shutil.copytree(ROOT / 'configs' / 'hela', folder)
    shutil.copytree(ROOT / 'configs' / '_base_', tmp_path / 'configs/_base_')
    config = folder / 'pace_r18_hela_4pt.py'
    vis_data = tmp_path / 'work' / '20260101_000000' / 'vis_data'
    vis_data.mkdir(parents=True)
    (vis_data / 'config.py').write_text(f"_base_ = '{config}'\n")
    (vis_data / 'scalars.json').write_text('{"livecell/segm_AP": 0.75}\n')
    last = Config.fromfile(config).train_cfg.max_iters
    (tmp_path / 'work' / 'last_checkpoint').write_text(f'iter_{last}.pth')
    code, printed, errors = run('record_results.py', config,
                                tmp_path / 'work', '--hardware', '2 CPUs')
    assert code == 0, errors
    assert '1 run(s) of pace_r18_hela_4pt.py recorded' in printed
    assert 'mask AP: 75.0' in (folder / 'metafile.yml').read_text()
