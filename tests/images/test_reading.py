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
