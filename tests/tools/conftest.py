"""A small stand-in for the HeLa data, and the real commands."""
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pace_mmdet.sources.hela import preparing as hela
from pace_mmdet.testing import synthetic_cells

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / 'configs/hela/pace_r18_hela_4pt.py'


def copy_sources(folder):
    """What a wheel is built of, apart from the checkout that it would soil."""
    for name in ('pyproject.toml', 'setup.py', 'MANIFEST.in', 'README.md',
                 'LICENSE', 'pace_mmdet', 'configs'):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)


def synthetic_hela(data):
    """Write a small stand-in for the HeLa data into a folder."""
    images, labels = [], []
    for seed in range(2):
        cells = synthetic_cells(60, 120, 800, seed)
        label = np.zeros((120, 800), np.int32)
        for number, (x1, y1, x2, y2) in enumerate(cells.bboxes.round(), 1):
            label[int(y1):int(y2), int(x1):int(x2)] = number
        images.append(cells.image.astype(np.uint16) * 100)
        labels.append(label)
    counts = hela.write_parts(np.stack(images), np.stack(labels), data)
    hela._write_manifest(data, counts)


@pytest.fixture(scope='module')
def hela_folder(tmp_path_factory):
    """A working folder with ``data/hela`` and a config of two iterations."""
    folder = tmp_path_factory.mktemp('work')
    synthetic_hela(folder / 'data/hela')
    (folder / 'short.py').write_text(
        f"_base_ = '{CONFIG}'\n"
        'train_cfg = dict(max_iters=2, val_interval=2)\n'
        'train_dataloader = dict(num_workers=0, persistent_workers=False)\n'
        'val_dataloader = dict(num_workers=0, persistent_workers=False)\n'
        'test_dataloader = dict(num_workers=0, persistent_workers=False)\n')
    return folder


def run_tool(folder, tool, *args):
    """Exit code and output of a tool, run in a folder."""
    done = subprocess.run(
        [sys.executable, ROOT / 'tools' / tool, *args],
        cwd=folder,
        env=dict(os.environ, OMP_NUM_THREADS='1', COLUMNS='100'),
        capture_output=True,
        text=True,
        timeout=300)
    return done.returncode, done.stdout + done.stderr
