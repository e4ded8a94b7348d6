"""Percentiles are NumPy's."""
import numpy as np
import pytest

from pace_mmdet.images import histograms
from pace_mmdet.images.histograms import percentiles

PERCENT = (0, 0.1, 37.3, 50, 99.9, 100)
DRAWN = np.random.default_rng(0).normal(0, 1, (40, 53, 3))
IMAGES = {
    'uint8': DRAWN[..., 0] * 40 + 120,
    'uint16': DRAWN[..., 0] * 9000 + 30000,
    '>u2': DRAWN[..., 0] * 9000 + 30000,
    'int16': DRAWN[..., 0] * 9000,
    'uint32': DRAWN[..., 0] * 9000 + 1e6,
    'float32': DRAWN[..., 0],
    'bool': DRAWN[..., 0] > 0.5,
}


@pytest.mark.parametrize('dtype', IMAGES)
def test_as_numpy(monkeypatch, dtype):
    monkeypatch.setattr(histograms, '_PIXELS_AT_ONCE', 700)
    img = IMAGES[dtype].astype(dtype)
    expected = np.percentile(img.astype(np.float64), PERCENT)
    assert percentiles(img, PERCENT) == pytest.approx(expected)
    # Parts of others, which are not in one piece.
    assert percentiles(img[::2, ::3], PERCENT) == pytest.approx(
        np.percentile(img[::2, ::3].astype(np.float64), PERCENT))


@pytest.mark.parametrize('values', [0, 255, 65535])
def test_one_value_at_the_ends_of_the_range(values):
    img = np.full((5, 7), values, np.uint16)
    assert percentiles(img, PERCENT) == (values, ) * len(PERCENT)
    img[2, 3] = 65535 - values
    assert percentiles(img, (0, 100)) == (img.min(), img.max())


def test_colours_and_missing_values():
    img = (DRAWN * 40 + 120).astype(np.uint8)
    assert percentiles(img, PERCENT) == pytest.approx(
        np.percentile(img, PERCENT))
    img = DRAWN.copy()
    img[:20] = np.nan
    img[20, 0] = np.inf
    assert percentiles(img, PERCENT) == pytest.approx(
        np.percentile(img[np.isfinite(img)], PERCENT))
    assert percentiles(np.full((2, 2), np.nan), PERCENT) is None
