"""A model on the pixels of a layer, without napari itself."""
import numpy as np
import pytest

from pace_mmdet.inference import Segmenter
from pace_mmdet.inference.preparation import Preparation
from pace_mmdet.inference.thresholding import ThresholdDetector
from pace_mmdet.napari.segmenting import Stopped, segment_planes


@pytest.fixture
def segmenter():
    return Segmenter(ThresholdDetector(100), Preparation(normalize='none'))


def image_with(*corners):
    """Squares of 5 pixels whose corners are at (x, y)."""
    img = np.zeros((40, 60), np.uint8)
    for x, y in corners:
        img[y:y + 5, x:x + 5] = 200
    return img


def test_cells_of_a_stack_are_numbered_on(segmenter):
    planes = [image_with((3, 4), (20, 10)), image_with(),
              image_with((30, 30))]
    seen = []
    found = segment_planes(segmenter, np.stack(planes).reshape(3, 1, 40, 60),
                           False, [(0, 0), (1, 0), (2, 0)],
                           lambda *now: seen.append(now))
    assert found.labels.shape == (3, 1, 40, 60)
    assert [np.unique(plane).tolist() for plane in found.labels] == [
        [0, 1, 2], [0], [0, 3]]
    assert (found.labels[2, 0, 30:35, 30:35] == 3).all()
    assert found.features['index'] == [1, 2, 3]
    assert found.features['area'] == [25, 25, 25]
    assert len(found.features['score']) == len(found) == 3
    assert seen == [(n, done, 1) for n in range(3) for done in (0, 1)]


def test_one_plane_of_a_stack(segmenter):
    data = np.stack([image_with((3, 4)), image_with((9, 9))])
    found = segment_planes(segmenter, data, False, [(1, )])
    assert found.labels[0].max() == 0
    assert (found.labels[1, 9:14, 9:14] == 1).all()


def test_colours_and_nothing(segmenter):
    for colours in (3, 4):
        data = np.repeat(image_with((3, 4))[..., None], colours, axis=2)
        found = segment_planes(segmenter, data, True, [()])
        assert (found.labels == (data[..., 0] > 0)).all()
    nothing = segment_planes(segmenter, image_with(), False, [()])
    assert len(nothing) == nothing.labels.max() == 0
    assert nothing.labels.shape == (40, 60)


def test_stopping(segmenter):
    def stop(*_):
        raise Stopped

    with pytest.raises(Stopped):
        segment_planes(segmenter, image_with((3, 4)), False, [()], stop)
