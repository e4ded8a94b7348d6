"""Makers' formats: a true CZI file where a writer is there; for ND2 and LIF,
of which there is no writer, stand-ins that answer as their readers do."""
import sys
from types import SimpleNamespace

import imagecodecs
import numpy as np
import pytest

from pace_mmdet.errors import ImageFileError
from pace_mmdet.images.planes import PixelSize
from pace_mmdet.images.stacks import ImageStack, read_image
from pace_mmdet.images.vendors import array_series, unpack_zstd

FIVE = np.random.default_rng(0).integers(0, 4000, (2, 3, 2, 20, 30)).astype(
    np.uint16)


@pytest.mark.parametrize(('axes', 'shape', 'found', 'plane'), [
    ('TZCYX', (2, 3, 2, 20, 30), ('TZC', (2, 3, 2)), 7),
    ('YX', (20, 30), ('', ()), 0),
    ('HSTCYX0', (1, 1, 2, 1, 20, 30, 1), ('T', (2, )), 1),
    ('YXC', (20, 30, 2), ('C', (2, )), 1),
])
def test_arrays_of_any_axes(axes, shape, found, plane):
    whole = np.arange(np.prod(shape)).reshape(shape)
    series = array_series(axes, shape, lambda: whole, samples_axis='0')
    assert (series.axes, series.shape) == found
    assert series.size == (20, 30)
    y, x = axes.index('Y'), axes.index('X')
    outer = [k for k in range(len(axes)) if k not in (y, x)]
    expected = whole.transpose(outer + [y, x]).reshape(-1, 20, 30)
    assert np.array_equal(series.read(plane), expected[plane])


def test_colours():
    img = np.random.default_rng(0).integers(0, 255, (20, 30, 3))
    series = array_series('YX0', img.shape, lambda: img, '0')
    assert series.samples.kind == 'rgb'
    assert np.array_equal(series.read(0), img)


@pytest.mark.parametrize('is_split', [False, True])
def test_czi_zstandard(is_split):
    pixels = FIVE[0, 0, 0]
    data = pixels.view(np.uint8).ravel()
    if is_split:
        data = np.r_[data[::2], data[1::2]]
    header = bytes([3, 1, 1]) if is_split else bytes([1])
    packed = header + imagecodecs.zstd_encode(data.tobytes())
    assert unpack_zstd(packed) == pixels.tobytes()


@pytest.mark.parametrize('compression', ['uncompressed:', 'zstd0:', 'zstd1:'])
def test_a_true_czi(tmp_path, compression):
    pytest.importorskip('czifile', reason='the extra "formats" is missing')
    writer = pytest.importorskip(
        'pylibCZIrw.czi', reason='there is no writer of CZI files')
    path = tmp_path / 'a.czi'
    with writer.create_czi(
            str(path), compression_options=compression) as czi:
        for t in range(2):
            for c in range(2):
                czi.write(FIVE[t, 0, c][..., None],
                          plane=dict(T=t, C=c, Z=0))
        czi.write_metadata('a', channel_names={0: 'DAPI', 1: 'GFP'},
                           scale_x=.25e-6, scale_y=.5e-6)
    with ImageStack(path) as stack:
        assert (stack.axes, stack.shape) == ('TC', (2, 2))
        assert stack.channel_names == ['DAPI', 'GFP']
        assert stack.pixel_size == PixelSize(0.25, 0.5)
        assert np.array_equal(stack.read(3), FIVE[1, 0, 1])
    assert np.array_equal(read_image(path, 1, channel=0), FIVE[1, 0, 0])


@pytest.mark.parametrize('compression', ['uncompressed:', 'zstd1:'])
def test_parts_of_a_true_czi(tmp_path, compression):
    """A mosaic of two channels, as slide scanners write them, with a gap."""
    pytest.importorskip('czifile', reason='the extra "formats" is missing')
    writer = pytest.importorskip(
        'pylibCZIrw.czi', reason='there is no writer of CZI files')
    whole = np.random.default_rng(0).integers(1, 4000, (2, 70, 100)).astype(
        np.uint16)
    whole[:, 64:, 40:80] = 0
    path = tmp_path / 'a.czi'
    with writer.create_czi(
            str(path), compression_options=compression) as czi:
        for c in range(2):
            for y in range(0, 70, 32):
                for x in range(0, 100, 40):
                    tile = whole[c, y:y + 32, x:x + 40]
                    if tile.any():
                        czi.write(tile[..., None], location=(x - 20, y + 7),
                                  plane=dict(C=c))
    with ImageStack(path, channel=1) as stack:
        assert np.array_equal(stack.read(0), whole[1])
        parts = stack.windows(0)
        assert parts.levels == [(70, 100)]
        for x1, y1, x2, y2 in ((0, 0, 100, 70), (39, 31, 41, 33),
                               (85, 60, 100, 70), (50, 66, 51, 67)):
            assert np.array_equal(parts.read(x1, y1, x2, y2),
                                  whole[1, y1:y2, x1:x2])


@pytest.mark.parametrize('compression', ['uncompressed:', 'zstd1:'])
def test_a_true_czi_in_colour(tmp_path, compression):
    pytest.importorskip('czifile', reason='the extra "formats" is missing')
    writer = pytest.importorskip(
        'pylibCZIrw.czi', reason='there is no writer of CZI files')
    rgb = np.random.default_rng(0).integers(0, 255, (20, 30, 3), np.uint8)
    with writer.create_czi(str(tmp_path / 'a.czi'),
                           compression_options=compression) as czi:
        czi.write(rgb[..., ::-1].copy(), plane=dict(T=0, C=0, Z=0))
    assert np.array_equal(read_image(tmp_path / 'a.czi'), rgb)


@pytest.fixture
def nd2_module(monkeypatch):
    """Answers as nd2 does."""

    def open_file(path):
        return SimpleNamespace(
            sizes=dict(zip('TZCYX', FIVE.shape)), asarray=lambda: FIVE,
            voxel_size=lambda: SimpleNamespace(x=.25, y=.25, z=1.),
            metadata=SimpleNamespace(channels=[
                SimpleNamespace(channel=SimpleNamespace(name=name))
                for name in ('DAPI', 'GFP')]),
            close=lambda: None)

    monkeypatch.setitem(sys.modules, 'nd2',
                        SimpleNamespace(ND2File=open_file))


def test_nd2(tmp_path, nd2_module):
    path = tmp_path / 'a.nd2'
    path.write_bytes(b'\xda\xce\xbe\n')
    with ImageStack(path, channel=1) as stack:
        assert (stack.axes, stack.shape) == ('TZ', (2, 3))
        assert stack.pixel_size == PixelSize(0.25, 0.25, 1.)
        assert np.array_equal(stack.read(4), FIVE[1, 1, 1])


def test_lif(tmp_path, monkeypatch):
    images = [
        SimpleNamespace(dims=tuple('CYX'), shape=FIVE[k, 0].shape,
                        asarray=lambda k=k: FIVE[k, 0]) for k in range(2)]
    monkeypatch.setitem(sys.modules, 'liffile', SimpleNamespace(
        LifFile=lambda path: SimpleNamespace(
            images=images, close=lambda: None)))
    path = tmp_path / 'a.lif'
    path.write_bytes(b'\x70\0\0\0\x10\0\0\0\x2a')
    with ImageStack(path) as stack:
        assert (stack.axes, stack.shape) == ('IC', (2, 2))
        assert np.array_equal(stack.read(3), FIVE[1, 0, 1])


@pytest.mark.parametrize(('name', 'start', 'package'), [
    ('a.czi', b'ZISRAWFILE', 'czifile'),
    ('a.nd2', b'\xda\xce\xbe\n', 'nd2'),
    ('a.lif', b'\x70\0\0\0\x10\0\0\0\x2a', 'liffile'),
])
def test_the_install_line_where_a_reader_is_missing(
        tmp_path, monkeypatch, name, start, package):
    monkeypatch.setitem(sys.modules, package, None)
    (tmp_path / name).write_bytes(start)
    with pytest.raises(ImageFileError, match=rf'{name}: .* need the package '
                       rf"{package}: install the extra 'formats'"):
        read_image(tmp_path / name)
