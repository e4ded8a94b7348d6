"""Parts of planes are what the whole plane has there."""
import numpy as np
import pytest
import tifffile

from pace_mmdet.images.stacks import ImageStack
from pace_mmdet.images.windows import Level, PlaneWindows, whole_plane

IMG = np.random.default_rng(0).integers(0, 4000, (70, 90)).astype(np.uint16)
RGB = np.random.default_rng(1).integers(0, 255, (70, 90, 3)).astype(np.uint8)
STACK = np.stack([IMG, IMG[::-1], IMG // 2])
TILED = dict(tile=(16, 32))
# name: image, tifffile's options, channel
FILES = {
    'plain.tif': (IMG, {}, None),
    'big endian.tif': (IMG, dict(byteorder='>'), None),
    'strips.tif': (IMG, dict(compression='zlib', rowsperstrip=7), None),
    'one strip.tif': (IMG, dict(compression='zlib', rowsperstrip=70), None),
    'tiled.tif': (IMG, dict(compression='zlib', predictor=True, **TILED),
                  None),
    'tiled plain.tif': (IMG, TILED, None),
    'floats.tif': (IMG.astype(np.float32), dict(compression='zlib', **TILED),
                   None),
    'white.tif': (IMG, dict(photometric='miniswhite', **TILED), None),
    'bits.tif': (IMG > 2000, dict(photometric='minisblack'), None),
    'rgb.tif': (RGB, dict(photometric='rgb', **TILED), None),
    'red.tif': (RGB, dict(photometric='rgb', **TILED), 0),
    'jpeg.tif': (RGB, dict(photometric='ycbcr', compression='jpeg',
                           tile=(16, 32)), None),
    'planar.tif': (np.moveaxis(RGB, -1, 0).copy(), dict(
        photometric='rgb', planarconfig='separate', **TILED), None),
    'pages.tif': (STACK, dict(photometric='minisblack', **TILED), None),
    'time.ome.tif': (STACK, dict(ome=True, metadata=dict(axes='TYX'),
                                 **TILED), None),
    'channels.ome.tif': (STACK, dict(ome=True, metadata=dict(axes='CYX')), 1),
    'imagej.tif': (STACK, dict(imagej=True, metadata=dict(axes='ZYX')), None),
    'turned.tif': (IMG, dict(extratags=[(274, 3, 1, 6, True)]), None),
}


@pytest.mark.parametrize('name', FILES)
def test_parts_are_those_of_the_plane(tmp_path, name):
    img, options, channel = FILES[name]
    tifffile.imwrite(tmp_path / name, img, **options)
    with ImageStack(tmp_path / name, channel) as stack:
        for plane in range(len(stack)):
            whole, parts = stack.read(plane), stack.windows(plane)
            assert parts.shape == whole.shape == stack.plane_shape
            assert parts.levels == [whole.shape[:2]]
            height, width = whole.shape[:2]
            for x1, y1, x2, y2 in ((0, 0, width, height), (0, 0, 1, 1),
                                   (15, 31, 34, 33), (60, 40, width, height)):
                found = parts.read(x1, y1, x2, y2)
                assert found.dtype == whole.dtype
                assert np.array_equal(found, whole[y1:y2, x1:x2])


def write_pyramid(path, img, sub_ifds, **options):
    levels = [img, img[::2, ::2], img[::4, ::4]]
    with tifffile.TiffWriter(path) as tif:
        for number, level in enumerate(levels):
            tif.write(level, subifds=2 if sub_ifds and not number else None,
                      subfiletype=1 if number else 0, **TILED,
                      **(options if not number else {}))


@pytest.mark.parametrize('sub_ifds', [True, False])
@pytest.mark.parametrize('name', ['a.tif', 'a.ome.tif'])
def test_levels_of_tiff(tmp_path, sub_ifds, name):
    write_pyramid(tmp_path / name, IMG, sub_ifds)
    with ImageStack(tmp_path / name) as stack:
        assert len(stack) == 1
        parts = stack.windows(0)
        assert parts.levels == [(70, 90), (35, 45), (18, 23)]
        assert [parts.zoom(k) for k in range(3)] == [1, 2, 4]
        assert np.array_equal(parts.read(3, 4, 40, 30, 1),
                              IMG[::2, ::2][4:30, 3:40])


def test_a_sparse_tile_is_background(tmp_path):
    tifffile.imwrite(tmp_path / 'a.tif', shape=(64, 64), dtype=np.uint8,
                     data=iter([np.full((32, 32), 7, np.uint8), None, None,
                                None]), tile=(32, 32), compression='zlib')
    with ImageStack(tmp_path / 'a.tif') as stack:
        found = stack.windows(0).read(0, 0, 64, 64)
    assert np.array_equal(found, np.kron([[7, 0], [0, 0]],
                                         np.ones((32, 32), np.uint8)))


@pytest.mark.parametrize(('factor', 'level'), [
    (2, 0), (1, 0), (0.6, 0), (0.5, 1), (0.3, 1), (0.25, 2), (0.01, 2)])
def test_the_level_that_need_not_be_enlarged(factor, level):
    sizes = [(101, 200), (50, 100), (26, 50), (7, 9)]
    parts = PlaneWindows([Level(size, (8, 8), None) for size in sizes])
    # The last is no reduced copy of the whole.
    assert [parts.zoom(k) for k in range(4)] == [1, 2, 4, 0]
    assert parts.level_for(factor) == level


def test_blocks_are_read_once_and_bounded(monkeypatch):
    img = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)
    reads = []

    def read(y1, y2, x1, x2):
        reads.append((y1, x1))
        return img[y1:y2, x1:x2]

    parts = PlaneWindows([Level((64, 64), (16, 16), read)])
    for _ in range(2):
        assert np.array_equal(parts.read(3, 3, 60, 60), img[3:60, 3:60])
    assert len(reads) == 16
    monkeypatch.setattr('pace_mmdet.images.windows._KEPT', 3 * 512)
    parts = PlaneWindows([Level((64, 64), (16, 16), read)])
    parts.read(0, 0, 64, 64)
    assert len(parts._kept) == 3 and parts._bytes == 3 * 512


def test_a_sample():
    img = np.random.default_rng(0).integers(0, 9, (2048, 1536)).astype('u1')
    parts = whole_plane(img)
    assert np.array_equal(parts.sample(), img)
    sample = parts.sample(most=600 * 600)
    assert sample.shape == (512, 512)
    sample = parts.sample(most=1024 * 1024)
    assert sample.shape == (4 * 512, 512)
    assert np.array_equal(sample[-512:], img[-512:, -512:])


def test_empty_blocks_push_no_other_out(monkeypatch):
    img = np.zeros((40, 10), np.uint16)
    img[:10] = np.arange(100).reshape(10, 10)
    read = []

    def block(y1, y2, x1, x2):
        read.append(y1)
        return img[y1:y2, x1:x2]

    parts = PlaneWindows([Level(img.shape, (10, 10), block)])
    # Room for one block that is not empty.
    monkeypatch.setattr('pace_mmdet.images.windows._KEPT', 220)
    for _ in range(2):
        assert np.array_equal(parts.read(0, 0, 10, 40), img)
    assert read == [0, 10, 20, 30]
