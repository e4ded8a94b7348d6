import numpy as np
import pytest
from skimage.measure import regionprops

from pace_mmdet.inference import shape_measures
from pace_mmdet.inference.shape_measures import measure_shapes


def blobs():
    rng = np.random.default_rng(0)
    yield np.ones((1, 1), bool)
    yield np.ones((1, 7), bool)
    yield np.ones((5, 1), bool)
    yield np.ones((6, 6), bool)
    yield np.eye(5, dtype=bool)
    yield np.eye(5, dtype=bool)[::-1]
    y, x = np.mgrid[:30, :40]
    yield ((y - 14) / 15)**2 + ((x - 19) / 20)**2 < 1
    for _ in range(60):
        mask = rng.random(rng.integers(1, 25, 2)) > rng.choice((0, .3, .6))
        mask.flat[rng.integers(mask.size)] = True
        yield mask


@pytest.mark.parametrize('pixels', [1, 1000, 1 << 20])
def test_as_regionprops(monkeypatch, pixels):
    monkeypatch.setattr(shape_measures, '_SHEET', pixels)
    masks = list(blobs())
    found = measure_shapes(masks)
    for mask, values in zip(masks, found, strict=True):
        region, = regionprops(mask.astype(np.uint8))
        y, x = region.centroid
        wanted = [
            x + 0.5, y + 0.5, region.axis_major_length,
            region.axis_minor_length, region.orientation,
            region.eccentricity, region.perimeter]
        near = np.abs(values - wanted)
        # Of round masks, any direction and a tiny eccentricity will do.
        if region.eccentricity < 1e-3:
            near[4:6] = 0
            assert values[5] < 1e-3
        # The same axis either way.
        near[4] = min(near[4], abs(near[4] - np.pi))
        assert near.max() < 1e-6, (values, wanted)


def test_none():
    assert measure_shapes([]).shape == (0, 7)
