"""The real commands on a small stand-in for the HeLa data."""
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pace_mmdet.datasets import hela
from pace_mmdet.testing import synthetic_cells

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / 'configs/hela/pace_r18_hela_4pt.py'


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """A working folder with ``data/hela`` and a config of two iterations."""
    folder = tmp_path_factory.mktemp('work')
    images, labels = [], []
    for seed in range(2):
        cells = synthetic_cells(60, 120, 800, seed)
        label = np.zeros((120, 800), np.int32)
        for number, (x1, y1, x2, y2) in enumerate(cells.bboxes.round(), 1):
            label[int(y1):int(y2), int(x1):int(x2)] = number
        images.append(cells.image.astype(np.uint16) * 100)
        labels.append(label)
    data = folder / 'data/hela'
    counts = hela.write_parts(np.stack(images), np.stack(labels), data)
    hela._write_manifest(data, counts)
    (folder / 'short.py').write_text(
        f"_base_ = '{CONFIG}'\n"
        'train_cfg = dict(max_iters=2, val_interval=2)\n'
        'train_dataloader = dict(num_workers=0, persistent_workers=False)\n'
        'val_dataloader = dict(num_workers=0, persistent_workers=False)\n'
        'test_dataloader = dict(num_workers=0, persistent_workers=False)\n')
    return folder


def run(folder, tool, *args):
    done = subprocess.run(
        [sys.executable, ROOT / 'tools' / tool, *args],
        cwd=folder,
        env=dict(os.environ, OMP_NUM_THREADS='1', COLUMNS='100'),
        capture_output=True,
        text=True,
        timeout=300)
    return done.returncode, done.stdout + done.stderr


def test_trains_where_no_mask_of_the_training_set_exists(folder):
    """Weak means weak; the masks come back for the pictures only."""
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


def test_the_demo_goes_on_from_there(folder):
    code, text = run(folder, 'demo.py', '--config', 'short.py', '--work-dir',
                     'run')
    assert code == 0, text
    assert 'Trained without a single mask' in text
    for name in ('supervision.png', 'comparison.png', 'training.png'):
        assert (folder / 'run' / name).stat().st_size > 5000
    predictions = json.loads((folder / 'run/predictions.json').read_text())
    assert isinstance(predictions, list)


def test_a_step_that_fails_ends_the_demo(folder):
    code, text = run(folder, 'demo.py', '--config', 'nowhere.py')
    assert code == 2 and text.strip().endswith('nowhere.py: no such config')
