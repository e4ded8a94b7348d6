import imageio.v3 as imageio
import numpy as np
import pytest
import tifffile

from pace_mmdet.errors import ImageFileError
from pace_mmdet.images.stacks import read_image

GREY = np.arange(24, dtype=np.uint8).reshape(4, 6)
COLOUR = np.stack([GREY, GREY + 100, GREY + 200], axis=2)


@pytest.mark.parametrize('dtype', [
    np.uint8, np.uint16, np.int16, np.uint32, np.float32, np.float64, bool
])
def test_tiff_of_any_type(tmp_path, dtype):
    img = (GREY % 3).astype(dtype)
    # By default, tifffile writes bits as MinIsWhite.
    tifffile.imwrite(tmp_path / 'a.tif', img, photometric='minisblack')
    read = read_image(tmp_path / 'a.tif')
    assert read.dtype == dtype
    assert np.array_equal(read, img)


@pytest.mark.parametrize(('name', 'img', 'options'), [
    ('a.png', GREY, {}),
    ('a.png', GREY.astype(np.uint16) * 1000, {}),
    ('a.png', COLOUR, {}),
    ('a.tiff', COLOUR, dict(photometric='rgb')),
    ('a.TIF', COLOUR.astype(np.uint16), dict(photometric='rgb')),
])
def test_grey_and_colour_files(tmp_path, name, img, options):
    path = tmp_path / name
    if path.suffix == '.png':
        imageio.imwrite(path, img)
    else:
        tifffile.imwrite(path, img, **options)
    read = read_image(path)
    assert read.dtype == img.dtype
    assert np.array_equal(read, img)


def test_planar_colour_and_alpha(tmp_path):
    tifffile.imwrite(
        tmp_path / 'a.tif',
        COLOUR.transpose(2, 0, 1),
        photometric='rgb',
        planarconfig='separate')
    imageio.imwrite(tmp_path / 'a.png', np.dstack([COLOUR, GREY]))
    assert np.array_equal(read_image(tmp_path / 'a.tif'), COLOUR)
    assert np.array_equal(read_image(tmp_path / 'a.png'), COLOUR)


STACK = np.arange(6 * 24, dtype=np.uint16).reshape(2, 3, 4, 6)


@pytest.mark.parametrize('options', [
    dict(photometric='minisblack'),
    dict(imagej=True, metadata=dict(axes='TCYX')),
    dict(ome=True, metadata=dict(axes='TCYX')),
    dict(photometric='minisblack', truncate=True),
])
def test_stack_needs_a_page(tmp_path, options):
    path = tmp_path / 'a.tif'
    tifffile.imwrite(path, STACK, **options)
    with pytest.raises(ImageFileError, match='a.tif: holds 6 planes'):
        read_image(path)
    assert np.array_equal(read_image(path, 4), STACK[1, 1])
    with pytest.raises(ImageFileError, match='page 6 is not in the file'):
        read_image(path, 6)


def test_stack_of_colour_images(tmp_path):
    tifffile.imwrite(
        tmp_path / 'a.tif', np.stack([COLOUR, COLOUR + 1]), photometric='rgb')
    assert np.array_equal(read_image(tmp_path / 'a.tif', 1), COLOUR + 1)


def test_thumbnail_is_no_plane(tmp_path):
    with tifffile.TiffWriter(tmp_path / 'a.tif') as tif:
        tif.write(GREY)
        tif.write(GREY[::2, ::2], subfiletype=1)
    assert np.array_equal(read_image(tmp_path / 'a.tif'), GREY)


def test_animation_needs_a_page(tmp_path):
    imageio.imwrite(tmp_path / 'a.gif', np.stack([COLOUR, COLOUR[::-1]]))
    with pytest.raises(ImageFileError, match='holds 2 planes'):
        read_image(tmp_path / 'a.gif')
    assert read_image(tmp_path / 'a.gif', 1).shape == (4, 6, 3)


@pytest.mark.parametrize('name', ['a.tif', 'a.png'])
def test_truncated_file(tmp_path, name):
    path = tmp_path / name
    img = np.random.default_rng(0).integers(0, 255, (50, 50), dtype=np.uint8)
    imageio.imwrite(path, img)
    path.write_bytes(path.read_bytes()[:1500])
    with pytest.raises(ImageFileError, match=f'{name}: cannot be read'):
        read_image(path)


def test_other_broken_files(tmp_path):
    with pytest.raises(ImageFileError, match='none.tif: no such image file'):
        read_image(tmp_path / 'none.tif')
    (tmp_path / 'a.tif').write_text('no image')
    with pytest.raises(ImageFileError, match='a.tif: cannot be read'):
        read_image(tmp_path / 'a.tif')
    tifffile.imwrite(
        tmp_path / 'b.tif',
        np.zeros((4, 6, 5), np.uint8),
        photometric='minisblack',
        planarconfig='contig')
    with pytest.raises(ImageFileError, match='5 channels.* --channel 0 ... 4'):
        read_image(tmp_path / 'b.tif')
<<<<<<< HEAD:tests/images/test_reading.py
=======


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


def test_standard_of_a_single_value():
    assert not stretch(np.full((3, 4), 7), 'standard').any()


def test_none_passes_8_bits_only():
    assert to_uint8(GREY, 'none') is GREY
    assert np.array_equal(stretch(GREY, 'none'), GREY)
    with pytest.raises(ValueError, match="uint16: use normalize='percentile'"):
        to_uint8(GREY.astype(np.uint16), 'none')


@pytest.mark.parametrize(('img', 'options', 'message'), [
    (np.array([[1.0, np.nan]]), {}, '1 of 2 values are NaN or infinite'),
    (np.array([[np.inf, np.nan]]), {}, '2 of 2 values are NaN or infinite'),
    (GREY, dict(mode='minmax'), 'normalize must be one of'),
    (GREY, dict(low=50, high=50), 'expected percentiles'),
    (GREY, dict(high=101), 'expected percentiles'),
    (GREY.astype(complex), {}, 'expected integer or float pixels'),
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
>>>>>>> 3f9108a (The arena: ours beside Cellpose at equal label hours and CPU time):tests/images/test_microscopy.py
