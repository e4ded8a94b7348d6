"""What the tests of data sets share."""
import pytest


@pytest.fixture
def log(monkeypatch):
    """What the data sets log, as a list of lines."""
    lines = []
    for module in ('cell_masks', 'cell_points'):
        monkeypatch.setattr(f'pace_mmdet.datasets.{module}.print_log',
                            lambda line, **kwargs: lines.append(line))
    return lines


@pytest.fixture(autouse=True)
def _no_gc(monkeypatch):
    """mmengine collects garbage for each data set: half a second each."""
    monkeypatch.setattr('mmengine.dataset.base_dataset.gc.collect', int)
