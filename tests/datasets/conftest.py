"""Synthetic data sets shared by the tests of this folder."""
import json

import pytest

from pace_mmdet.datasets.converters import masks_to_points
from pace_mmdet.testing import write_synthetic_coco


@pytest.fixture
def mask_file(tmp_path):
    """3 images of 96 x 128 pixels with 12 cells each."""
    return write_synthetic_coco(tmp_path / 'data', 3, 12, 96, 128)


@pytest.fixture
def point_file(mask_file):
    """The same with 10 points per cell instead of masks."""
    path = mask_file.with_name('points.json')
    masks_to_points(mask_file, path)
    return path


@pytest.fixture
def edit():
    """Gives a function that changes a JSON file through a callback."""

    def change(path, callback):
        document = json.loads(path.read_text())
        callback(document)
        path.write_text(json.dumps(document))
        return path

    return change


@pytest.fixture
def log(monkeypatch):
    """What the data sets log, as a list of lines."""
    lines = []
    for module in ('cell_masks', 'livecell_points'):
        monkeypatch.setattr(f'pace_mmdet.datasets.{module}.print_log',
                            lambda line, **kwargs: lines.append(line))
    return lines


@pytest.fixture(autouse=True)
def _no_gc(monkeypatch):
    """mmengine collects garbage for each data set: half a second each."""
    monkeypatch.setattr('mmengine.dataset.base_dataset.gc.collect', int)
