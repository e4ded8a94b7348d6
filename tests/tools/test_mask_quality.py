"""The tool, on a model that was not trained."""
import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config

from pace_mmdet.evaluation.mask_quality import load_quality

from .conftest import CONFIG, run_tool

TOOL = 'analysis_tools/mask_quality.py'


@pytest.fixture(scope='module')
def checkpoint(hela_folder):
    torch.manual_seed(0)
    model = MODELS.build(Config.fromfile(CONFIG).model)
    path = hela_folder / 'untrained.pth'
    torch.save(dict(state_dict=model.state_dict(), meta={}), path)
    return path


def test_two_models_on_the_same_cells(hela_folder, checkpoint):
    code, text = run_tool(hela_folder, TOOL, CONFIG, checkpoint, '--out',
                          'cells.npz', '--against', checkpoint)
    assert code == 0, text
    measured = load_quality(hela_folder / 'cells.npz')
    assert len(measured.iou) and ((measured.iou >= 0)
                                  & (measured.iou <= 1)).all()
    assert 'differences' in text and '+0.00 ± 0.00' in text
    code, again = run_tool(hela_folder, TOOL, CONFIG, checkpoint, '--against',
                           'cells.npz')
    assert code == 0 and again.split() == text.split()


def test_what_is_missing(hela_folder, checkpoint):
    code, text = run_tool(hela_folder, TOOL, CONFIG, 'nothing.pth')
    assert code == 2 and 'nothing.pth' in text
