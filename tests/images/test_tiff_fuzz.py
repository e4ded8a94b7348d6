"""Whatever tifffile writes is read back as the same picture."""
import itertools
import random

import numpy as np
import pytest
import tifffile

from pace_mmdet.errors import ImageFileError
from pace_mmdet.images.labels import read_label_image
from pace_mmdet.images.stacks import ImageStack, read_image

HEIGHT, WIDTH = 24, 36
TYPES = ('uint8', 'uint16', 'uint32', 'int8', 'int16', 'int32', 'float16',
         'float32', 'float64', 'bool')
LENGTHS = dict(T=2, Z=3, C=2, Y=HEIGHT, X=WIDTH)
# Named axes, and how a format is told them.
KINDS = dict(
    plain=dict(metadata=None),
    shaped=dict(),
    ome=dict(ome=True),
    imagej=dict(imagej=True))
AXES = ('YX', 'ZYX', 'TYX', 'CYX', 'TCYX', 'ZCYX', 'TZCYX')
COMPRESSIONS = (None, 'lzw', 'zlib', 'packbits', 'zstd', 'lzma')


def values(shape, dtype, seed):
    rng = np.random.default_rng(seed)
    if dtype == 'bool':
        return rng.integers(0, 2, shape).astype(bool)
    if np.dtype(dtype).kind == 'f':
        return rng.normal(100, 30, shape).astype(dtype)
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max, shape, dtype, endpoint=True)


def sample(count, *choices):
    """Some of all combinations, the same ones each time."""
    every = list(itertools.product(*choices))
    return random.Random(0).sample(every, min(count, len(every)))


def test_stacks_of_any_axes_types_and_layouts(tmp_path):
    table = sample(180, KINDS, AXES, TYPES, COMPRESSIONS, '<>',
                   (None, (16, 16)), (False, True))
    written = 0
    for seed, row in enumerate(table):
        kind, axes, dtype, compression, order, tile, is_big = row
        options = dict(KINDS[kind], photometric='minisblack', tile=tile,
                       compression=compression)
        if kind == 'imagej':
            if dtype not in ('uint8', 'uint16', 'float32') or is_big:
                continue
            order, options['tile'] = '>', None
        if kind in ('ome', 'imagej'):
            options['metadata'] = dict(axes=axes)
        if kind == 'ome' and dtype == 'float16':
            continue  # OME has no such type
        if dtype == 'bool':
            options.update(compression=None, tile=None)
        path = tmp_path / f'{seed}.tif'
        img = values([LENGTHS[axis] for axis in axes], dtype, seed)
        tifffile.imwrite(path, img, byteorder=order,
                         bigtiff=is_big and kind != 'imagej', **options)
        with ImageStack(path) as stack:
            assert len(stack) == img[..., 0, 0].size, row
            planes = [stack.read(k) for k in range(len(stack))]
            if kind in ('ome', 'imagej'):
                # ImageJ keeps its axes in an order of its own.
                assert sorted(stack.axes) == sorted(axes[:-2]), row
                assert stack.num_channels == (2 if 'C' in axes else 1), row
            assert stack.plane_shape == (HEIGHT, WIDTH), row
        assert np.array_equal(np.reshape(planes, img.shape), img), row
        assert planes[0].dtype == img.dtype, row
        written += 1
        path.unlink()
    assert written > 100


def expected(kind, img, table):
    """The picture by what was written, by the plainest means."""
    if kind == 'miniswhite':
        if img.dtype.kind == 'u':
            return np.iinfo(img.dtype).max - img
        return ~img if img.dtype.kind in 'bi' else -img
    if kind == 'palette':
        return (table.T[img] // 257).astype(np.uint8)
    return img[..., :3] if img.ndim > 2 else img


@pytest.mark.parametrize('kind', ['minisblack', 'miniswhite', 'rgb', 'rgba',
                                  'premultiplied', 'palette', 'grey alpha'])
def test_photometrics(tmp_path, kind):
    table = np.random.default_rng(0).integers(0, 256, (3, 256)) * 257
    types = {'palette': ('uint8', )}.get(kind, TYPES)
    colours = {'rgb': 3, 'rgba': 4, 'premultiplied': 4, 'grey alpha': 2}
    for seed, (dtype, order, compression, planar, tile) in enumerate(
            sample(40, types, '<>', COMPRESSIONS, ('contig', 'separate'),
                   (None, (16, 16)))):
        shape = (HEIGHT, WIDTH)
        options = dict(
            photometric=kind if kind in ('minisblack', 'miniswhite',
                                         'palette') else
            'minisblack' if kind == 'grey alpha' else 'rgb')
        if kind in colours:
            if dtype == 'bool':
                continue
            shape += (colours[kind], )
            options['planarconfig'] = planar
        if colours.get(kind, 3) != 3:
            options['extrasamples'] = ['assocalpha' if kind == 'premultiplied'
                                       else 'unassalpha']
        if kind == 'palette':
            options['colormap'] = table.astype(np.uint16)
        if dtype == 'bool':
            compression = tile = None
        img = values(shape, dtype, seed)
        wanted = expected(kind, img[..., 0] if kind == 'grey alpha' else img,
                          table)
        stored = img
        if kind in colours and planar == 'separate':
            stored = np.moveaxis(img, -1, 0)
        # Without metadata: with it, four planes are no colours and alpha.
        tifffile.imwrite(tmp_path / 'a.tif', stored, byteorder=order,
                         compression=compression, tile=tile, metadata=None,
                         **options)
        found = read_image(tmp_path / 'a.tif')
        row = (kind, dtype, order, compression, planar, tile)
        assert found.shape == wanted.shape, row
        assert found.dtype == wanted.dtype, row
        assert np.array_equal(found, wanted), row


@pytest.mark.parametrize('count', range(2, 11))
def test_channels_last_as_tifffile_writes_them(tmp_path, count):
    """An array (H, W, C) becomes H pages of W x C pixels."""
    img = values((HEIGHT, WIDTH, count), 'uint16', count)
    tifffile.imwrite(tmp_path / 'a.tif', img, photometric='minisblack')
    with ImageStack(tmp_path / 'a.tif') as stack:
        assert (stack.axes, stack.shape) == ('C', (count, ))
        assert stack.plane_shape == (HEIGHT, WIDTH)
    for channel in range(count):
        assert np.array_equal(
            read_image(tmp_path / 'a.tif', channel=channel),
            img[..., channel])


@pytest.mark.parametrize('compression', ['jpeg', 'jpeg2000', 'png', 'webp',
                                         'jpegxr'])
def test_compressions_of_pictures(tmp_path, compression):
    y, x = np.mgrid[:HEIGHT * 2, :WIDTH * 2]
    img = np.stack([y * 3, x * 2, 255 - y - x], axis=2).astype(np.uint8)
    tifffile.imwrite(tmp_path / 'a.tif', img, photometric='rgb', tile=(32, 32),
                     compression=compression)
    found = read_image(tmp_path / 'a.tif')
    assert found.shape == img.shape
    assert np.abs(found.astype(int) - img).mean() < 5


@pytest.mark.parametrize(('kind', 'name'), [
    ('separated', 'SEPARATED'), ('cielab', 'CIELAB'), ('icclab', 'ICCLAB'),
    ('ycbcr', 'YCBCR'),
])
def test_colours_that_are_not_read_are_named(tmp_path, kind, name):
    count = 4 if kind == 'separated' else 3
    img = np.zeros((HEIGHT, WIDTH, count), np.uint8)
    tifffile.imwrite(tmp_path / 'a.tif', img, photometric=kind)
    with pytest.raises(ImageFileError, match=f'its colours are {name}'):
        read_image(tmp_path / 'a.tif')


def test_few_bits(tmp_path):
    for bits in (2, 4, 10, 12):
        img = np.arange(24).reshape(4, 6) % 2**bits
        img = img.astype(np.uint8 if bits < 9 else np.uint16)
        for photometric, wanted in (('minisblack', img),
                                    ('miniswhite', 2**bits - 1 - img)):
            tifffile.imwrite(tmp_path / 'a.tif', img, bitspersample=bits,
                             photometric=photometric)
            assert np.array_equal(read_image(tmp_path / 'a.tif'), wanted)


def test_labels_are_the_numbers_however_they_are_shown(tmp_path):
    labels = np.array([[0, 1, 2], [0, 3, 2]], np.uint8)
    table = np.random.default_rng(0).integers(0, 65536, (3, 256))
    for options in (dict(photometric='palette',
                         colormap=table.astype(np.uint16)),
                    dict(photometric='miniswhite'),
                    dict(photometric='minisblack', byteorder='>')):
        tifffile.imwrite(tmp_path / 'a.tif', labels, **options)
        assert np.array_equal(read_label_image(tmp_path / 'a.tif'), labels)
    # Grey that was saved as colours.
    tifffile.imwrite(tmp_path / 'a.tif', np.dstack([labels] * 3),
                     photometric='rgb')
    assert np.array_equal(read_label_image(tmp_path / 'a.tif'), labels)
