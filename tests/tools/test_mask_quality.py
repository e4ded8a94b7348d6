"""The tool, on a model that was not trained."""
import json
import re
import runpy
import sys

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config

from pace_mmdet.evaluation.mask_quality import load_quality

from .conftest import CONFIG, ROOT

TOOL = str(ROOT / 'tools/analysis_tools/mask_quality.py')


@pytest.fixture
def run_here(hela_folder, monkeypatch, capsys):
    """The tool in this process: exit code and output."""

    def run(*arguments):
        monkeypatch.chdir(hela_folder)
        monkeypatch.setenv('COLUMNS', '120')
        monkeypatch.setattr(sys, 'argv', [TOOL, *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(TOOL, run_name='__main__')
        return ended.value.code, ''.join(capsys.readouterr())

    return run


@pytest.fixture(scope='module')
def checkpoint(hela_folder):
    torch.manual_seed(0)
    model = MODELS.build(Config.fromfile(CONFIG).model)
    path = hela_folder / 'untrained.pth'
    torch.save(dict(state_dict=model.state_dict(), meta={}), path)
    return path


def test_two_models_on_the_same_cells(hela_folder, checkpoint, run_here):
    code, text = run_here(CONFIG, checkpoint, '--out', 'cells.npz',
                          '--against', checkpoint, '--results', 'cells.json')
    assert code == 0, text
    measured = load_quality(hela_folder / 'cells.npz')
    assert len(measured.iou) and ((measured.iou >= 0)
                                  & (measured.iou <= 1)).all()
    assert 'differences' in text and '+0.00 ± 0.00' in text
    results = json.loads((hela_folder / 'cells.json').read_text())
    assert len(results) == len(measured.iou)
    truth = json.loads(
        (hela_folder / 'data/hela/annotations/val_masks.json').read_text())
    images = {image['id'] for image in truth['images']}
    assert {result['image_id'] for result in results} <= images
    code, again = run_here(CONFIG, checkpoint, '--against', 'cells.npz')
    assert code == 0 and again.split() == text.split()


def test_weights_saved_by_several_processes(hela_folder, checkpoint,
                                            run_here):
    """Their names begin with 'module.', and a random model would not fail."""
    content = torch.load(checkpoint)
    content['state_dict'] = {f'module.{name}': value for name, value in
                             content['state_dict'].items()}
    torch.save(content, hela_folder / 'wrapped.pth')
    code, text = run_here(CONFIG, checkpoint, '--against', 'wrapped.pth')
    assert code == 0, text
    assert set(re.findall(r'[+-]\S+ ± \S+', text)) == {
        '+0.00 ± 0.00', '+nan ± nan'}  # No cell is large.


def test_points_are_no_masks(checkpoint, run_here):
    code, text = run_here(CONFIG, checkpoint, '--cfg-options',
                          'test_dataloader.dataset.type=CellPointDataset')
    assert code == 2 and 'its test set has no masks' in text


def test_what_is_missing(run_here):
    code, text = run_here(CONFIG, 'nothing.pth')
    assert code == 2 and 'nothing.pth' in text


@pytest.mark.parametrize('against', [(), ('--against', 'cells.npz')])
def test_a_config_of_no_other_model(run_here, against):
    code, text = run_here(CONFIG, 'nothing.pth', *against,
                          '--against-config', CONFIG)
    assert code == 2 and '--against-config goes with --against' in text
