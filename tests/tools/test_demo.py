"""The real commands on a small stand-in for the HeLa data."""
import json

import pytest

from .conftest import run_tool as run


def test_trains_where_no_mask_of_the_training_set_exists(hela_folder):
    """Weak means weak; the masks come back for the pictures only."""
    folder = hela_folder
    masks = folder / 'data/hela/annotations/train_masks.json'
    points = json.loads(
        masks.with_name('train_points.json').read_text())['annotations']
    assert points and not any('segmentation' in cell for cell in points)
    assert all(cell['area'] == pytest.approx(cell['bbox'][2] *
                                             cell['bbox'][3])
               for cell in points)
    hidden = masks.rename(folder / 'hidden.json')
    code, text = run(folder, 'train.py', 'short.py', '--work-dir', 'run')
    hidden.rename(masks)
    assert code == 0, text
    assert 'Trained 2 of 2 iterations' in text


def test_the_demo_goes_on_from_there(hela_folder):
    folder = hela_folder
    code, text = run(folder, 'demo.py', '--config', 'short.py', '--work-dir',
                     'run')
    assert code == 0, text
    assert 'Trained without a single mask' in text
    for name in ('supervision.png', 'comparison.png', 'training.png'):
        assert (folder / 'run' / name).stat().st_size > 5000
    predictions = json.loads((folder / 'run/predictions.json').read_text())
    assert isinstance(predictions, list)


def test_a_step_that_fails_ends_the_demo(hela_folder):
    code, text = run(hela_folder, 'demo.py', '--config', 'nowhere.py')
    assert code == 2 and 'nowhere.py: no such config' in text
