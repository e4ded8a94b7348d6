import sys

import numpy as np
import pytest

from pace_mmdet.errors import ImageFileError
from pace_mmdet.images.planes import PixelSize
from pace_mmdet.images.stacks import ImageStack, read_image

zarr = pytest.importorskip('zarr', reason='the extra "formats" is missing')
STACK = np.random.default_rng(0).integers(0, 4000, (2, 3, 24, 36)).astype(
    np.uint16)
AXES = [dict(name='t', type='time'), dict(name='c', type='channel'),
        dict(name='y', type='space', unit='micrometer'),
        dict(name='x', type='space', unit='micrometer')]


def write_image(group, stack=STACK, version='0.4'):
    """An image of two levels, as the standard has it."""
    levels = [stack, stack[..., ::2, ::2]]
    for number, level in enumerate(levels):
        group.create_array(str(number), data=level,
                           chunks=(1, 1, 16, 16))
    multiscale = dict(axes=AXES, datasets=[
        dict(path=str(k), coordinateTransformations=[
            dict(type='scale', scale=[1, 1, .5 * 2**k, .25 * 2**k])])
        for k in range(2)])
    content = dict(multiscales=[multiscale], omero=dict(
        channels=[dict(label=name) for name in ('DAPI', 'GFP', 'Cy5')]))
    group.attrs.update(content if version == '0.4' else dict(ome=content))


@pytest.mark.parametrize(('version', 'zarr_format'), [('0.4', 2), ('0.5', 3)])
def test_an_image(tmp_path, version, zarr_format):
    path = tmp_path / 'a.ome.zarr'
    write_image(zarr.open_group(str(path), mode='w', zarr_format=zarr_format),
                version=version)
    with ImageStack(path) as stack:
        assert (stack.axes, stack.shape) == ('TC', (2, 3))
        assert stack.plane_shape == (24, 36)
        assert stack.channel_names == ['DAPI', 'GFP', 'Cy5']
        assert stack.pixel_size == PixelSize(0.25, 0.5)
        assert np.array_equal(stack.read(4), STACK[1, 1])
        parts = stack.windows(4)
        assert parts.levels == [(24, 36), (12, 18)]
        assert np.array_equal(parts.read(3, 5, 36, 24), STACK[1, 1, 5:, 3:])
        assert np.array_equal(parts.read(3, 5, 18, 12, 1),
                              STACK[1, 1, ::2, ::2][5:, 3:])
    assert np.array_equal(read_image(path, 1, channel=2), STACK[1, 2])
    with pytest.raises(ImageFileError, match='--channel 0 ... 2 and --page'):
        read_image(path)


def test_a_plate(tmp_path):
    root = zarr.open_group(str(tmp_path / 'p.zarr'), mode='w', zarr_format=2)
    root.attrs['plate'] = dict(wells=[dict(path='A/1'), dict(path='B/2')])
    for number, path in enumerate(('A/1', 'B/2')):
        well = root.create_group(path)
        well.attrs['well'] = dict(images=[dict(path='0'), dict(path='1')])
        for field in range(2):
            write_image(well.create_group(str(field)),
                        STACK + 10 * number + field)
    with ImageStack(tmp_path / 'p.zarr') as stack:
        assert (stack.axes, stack.shape) == ('ITC', (4, 2, 3))
        assert stack.names == ['A/1/0', 'A/1/1', 'B/2/0', 'B/2/1']
        assert np.array_equal(stack.read(3 * 6 + 5), STACK[1, 2] + 11)


def test_a_converted_file(tmp_path):
    root = zarr.open_group(str(tmp_path / 'c.zarr'), mode='w', zarr_format=2)
    root.attrs['bioformats2raw.layout'] = 3
    for number in range(2):
        write_image(root.create_group(str(number)), STACK + number)
    with ImageStack(tmp_path / 'c.zarr', channel=0) as stack:
        assert (stack.axes, stack.shape) == ('IT', (2, 2))
        assert np.array_equal(stack.read(2), STACK[0, 0] + 1)


def test_without_the_package(tmp_path, monkeypatch):
    (tmp_path / 'a.zarr').mkdir()
    (tmp_path / 'a.zarr/.zgroup').write_text('{"zarr_format": 2}')
    with pytest.raises(ImageFileError, match='without an image'):
        read_image(tmp_path / 'a.zarr')
    monkeypatch.setitem(sys.modules, 'zarr', None)
    with pytest.raises(ImageFileError,
                       match='OME-Zarr files need the package zarr'):
        read_image(tmp_path / 'a.zarr')
