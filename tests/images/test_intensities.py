import numpy as np
import pytest

from pace_mmdet.images.intensities import (percentile_range, remarks, stretch,
                                           to_uint8)

GREY = np.arange(24, dtype=np.uint8).reshape(4, 6)


@pytest.mark.parametrize(('values', 'low', 'high', 'expected'), [
    ([0, 100, 200], 0, 100, [0, 127.5, 255]),
    ([33000, 34000, 35000], 0, 100, [0, 127.5, 255]),
    ([-1.0, 0.0, 3.0], 0, 100, [0, 63.75, 255]),
    ([0, 1, 2, 3, 100], 25, 75, [0, 0, 127.5, 255, 255]),
    ([7, 7, 7], 0.1, 99.9, [0, 0, 0]),
    ([0] * 99 + [5], 1, 90, [0] * 99 + [255]),
    ([False, True], 0, 100, [0, 255]),
])
def test_stretch(values, low, high, expected):
    img = np.array([values])
    scaled = stretch(img, 'percentile', low, high)
    assert scaled.dtype == np.float32
    assert np.allclose(scaled, [expected], atol=1e-3)
    rounded = to_uint8(img, 'percentile', low, high)
    assert rounded.dtype == np.uint8
    assert np.abs(rounded - np.array([expected])).max() <= 0.5 + 1e-3


def test_none_passes_8_bits_only():
    assert to_uint8(GREY, 'none') is GREY
    assert np.array_equal(stretch(GREY, 'none'), GREY)
    with pytest.raises(ValueError, match="uint16: use normalize='percentile'"):
        to_uint8(GREY.astype(np.uint16), 'none')


@pytest.mark.parametrize(('img', 'options', 'message'), [
    (GREY, dict(mode='minmax'), 'normalize must be one of'),
    (GREY, dict(low=50, high=50), 'expected percentiles'),
    (GREY, dict(high=101), 'expected percentiles'),
    (GREY, dict(mode='range', low=5, high=5), 'expected a range of two'),
    (GREY, dict(mode='range', low=0, high=np.inf), 'expected a range of two'),
    (GREY.astype(complex), {}, 'expected integer or float pixels'),
    (np.array([[np.inf, np.nan]]), {}, '2 of 2 values are NaN or infinite'),
])
def test_refused(img, options, message):
    with pytest.raises(ValueError, match=message):
        stretch(img, **options)


def test_16_bits_are_stretched_as_numpy_does():
    rng = np.random.default_rng(0)
    for img in (rng.integers(0, 65536, (7, 9)).astype(np.uint16),
                rng.integers(-32768, 32768, (50, 60)).astype(np.int16),
                rng.normal(100, 9, (30, 40)).astype(np.uint8)):
        low, high = np.percentile(img.astype(np.float64), (2.5, 97))
        expected = (img.astype(np.float64) - low) * (255 / (high - low))
        found = stretch(img, 'percentile', 2.5, 97)
        assert np.allclose(found, expected.clip(0, 255), atol=1e-4)


def test_livecell_flattens_the_background():
    y, x = np.mgrid[:200, :300]
    light = 1000 + 4.0 * x  # brighter to the right
    img = light.copy()
    cell = (y - 100)**2 + (x - 150)**2 < 15**2
    img[cell] *= 1.2
    img[0, :5] = 60000, 0, 0, 0, 0
    for dtype in (np.uint16, np.float32):
        flat = to_uint8(img.astype(dtype), 'livecell')
        assert flat.dtype == np.uint8
        assert (flat[0, 0], flat[0, 1]) == (180, 70)
        inner = np.s_[40:160, 40:260]
        background = flat[inner][~cell[inner]]
        assert abs(background.astype(int) - 128).max() <= 4
        assert abs(np.median(flat[cell]) - 1.2 * 128) < 3
    exact = stretch(img, 'livecell')
    assert exact.dtype == np.float32
    assert 0 < abs(exact - flat).max() <= 0.5


def test_livecell_is_not_for_fluorescence_on_black():
    img = np.zeros((20, 20), np.uint16)
    img[5:9, 5:9] = 900
    with pytest.raises(ValueError, match='the median of this one is 0'):
        to_uint8(img, 'livecell')


def test_a_range_is_the_same_for_all_images():
    img = np.array([[0, 100, 201, 300]], np.uint16)
    assert to_uint8(img, 'range', 100, 300).tolist() == [[0, 0, 129, 255]]
    assert to_uint8(img[:, :2], 'range', 100, 300).tolist() == [[0, 0]]


@pytest.mark.parametrize('missing', [np.nan, np.inf, -np.inf])
def test_pixels_without_a_value_are_background(missing):
    img = np.linspace(1000, 2000, 10000, dtype=np.float32).reshape(100, 100)
    holes = img.copy()
    holes[40:60, 40:60] = missing
    scaled = stretch(holes)
    known = np.isfinite(holes)
    assert (scaled[~known] == 0).all()
    expected = np.percentile(holes[known], (0.1, 99.9))
    assert np.allclose(percentile_range(holes, 0.1, 99.9), expected)
    assert np.abs(scaled[known] - stretch(img)[known]).max() < 1
    assert remarks(holes) == [
        '400 of 10000 values are NaN or infinite; they count as background']
    assert (to_uint8(holes, 'range', 1000, 2000)[~known] == 0).all()
    assert (to_uint8(holes, 'livecell')[~known] == 128).all()


def frame(side, cells=1, dtype=np.uint16, seed=0):
    """Cells of 16 pixels across on noise, like nuclei on a dark camera."""
    rng = np.random.default_rng(seed)
    img = rng.normal(33020, 4, (side, side))
    y, x = np.mgrid[:32, :32] - 15.5
    cell = 1500 * np.exp(-((x**2 + y**2) / 16**2)**4)
    for place in range(cells):
        row, column = divmod(place, side // 32)
        img[row * 32:row * 32 + 32, column * 32:column * 32 + 32] += cell
    return img.astype(dtype)


@pytest.mark.parametrize('dtype', [np.uint16, np.int32, np.float32])
def test_one_cell_is_as_bright_in_a_large_frame_as_in_a_small(dtype):
    for side in (64, 128, 512, 1024):
        scaled = to_uint8(frame(side, dtype=dtype))
        assert np.median(scaled) < 6, side
        assert scaled[12:20, 12:20].mean() > 235, side


def test_frames_with_more_than_one_hundredth_of_cells_keep_their_percentiles():
    img = frame(256, cells=3)
    expected = np.percentile(img.astype(np.float64), (0.1, 99.9))
    assert percentile_range(img, 0.1, 99.9) == tuple(expected)


def test_hot_pixels_do_not_set_the_scale():
    img = frame(512)
    rng = np.random.default_rng(1)
    hot = img.copy()
    hot.reshape(-1)[rng.integers(0, img.size, 25)] = 65535
    assert percentile_range(hot, 0.1, 99.9)[1] < 34700
    assert to_uint8(hot)[12:20, 12:20].mean() > 235


def test_on_black_the_cell_sets_the_scale():
    img = np.zeros((512, 512), np.uint8)
    img[8:24, 8:24] = 90
    assert percentile_range(img, 0.1, 99.9) == (0, 90)


def test_contrast_near_the_noise_is_remarked():
    noise = np.random.default_rng(0).normal(500, 10, (300, 300))
    for dtype in (np.uint16, np.float32):
        text, = remarks(noise.astype(dtype))
        assert 'hardly more than its noise' in text and '--range' in text
    assert not remarks(noise.astype(np.uint16), 'range', 0, 4000)
    assert not remarks(frame(512))
    assert not remarks(np.zeros((30, 30), np.uint16))


@pytest.mark.parametrize('dtype', [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize('contrast', [0.2, 1.0])
def test_standard_makes_contrast_alike(dtype, contrast):
    noise = np.random.default_rng(0).normal(size=(60, 70))
    img = (128 + 25 * contrast * noise).astype(dtype)
    found = stretch(img, 'standard')
    assert found.dtype == np.float32
    assert found.mean() == pytest.approx(96, abs=0.5)
    assert found.std() == pytest.approx(32, abs=0.5)
    clipped = np.clip(img, *np.percentile(img, (0.1, 99.9)))
    expected = 96 + 32 * (clipped - clipped.mean()) / clipped.std()
    assert np.allclose(found, expected.clip(0, 255), atol=0.01)
    assert np.abs(to_uint8(img, 'standard') - found).max() <= 0.5


def test_standard_without_contrast_and_without_values():
    assert not stretch(np.full((3, 4), 7), 'standard').any()
    img = np.random.default_rng(0).normal(size=(40, 50)).astype(np.float32)
    known = stretch(img, 'standard')[1:]
    img[0] = np.nan
    found = stretch(img, 'standard')
    assert not found[0].any()
    assert np.abs(found[1:] - known).mean() < 2
