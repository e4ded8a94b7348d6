"""The sample data, as far as they don't need the network."""
import pytest

from pace_mmdet.errors import UserError
from pace_mmdet.napari import samples
from tests.tools.conftest import synthetic_hela


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    pytest.importorskip('platformdirs')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))


def test_the_data_set_that_is_here(tmp_path, monkeypatch):
    synthetic_hela(tmp_path / 'data/hela')
    monkeypatch.setattr(samples, 'prepare_hela', lambda folder: None)
    monkeypatch.setattr(samples, 'read_manifest', lambda folder: {})
    image, boxes, points = samples.hela_nuclei()
    assert image[0].ndim == 2
    assert len(points[0]) == samples.POINTS * len(boxes[0]) > 0


def test_without_a_network(monkeypatch):
    def offline(folder):
        raise UserError('pip could not download it: no route')

    monkeypatch.setattr(samples, 'prepare_hela', offline)
    with pytest.raises(UserError, match='no route\n.*pace data hela --out'):
        samples.hela_nuclei()
