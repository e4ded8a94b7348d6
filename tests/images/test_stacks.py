import imageio.v3 as imageio
import numpy as np
import pytest
import tifffile

from pace_mmdet.errors import ImageFileError
from pace_mmdet.images.stacks import ImageStack, PixelSize, read_image

STACK = np.random.default_rng(0).integers(0, 4000, (2, 3, 40, 60)).astype(
    np.uint16)
KINDS = dict(
    plain=dict(photometric='minisblack'),
    pages=dict(photometric='minisblack', metadata=None),
    imagej=dict(imagej=True, metadata=dict(axes='TCYX')),
    ome=dict(ome=True, metadata=dict(axes='TCYX')),
    lzw=dict(photometric='minisblack', compression='lzw'),
    tiled=dict(
        photometric='minisblack', compression='zlib', tile=(16, 16)))


@pytest.fixture(params=KINDS)
def stack_file(request, tmp_path):
    path = tmp_path / f'{request.param}.tif'
    tifffile.imwrite(path, STACK, **KINDS[request.param])
    return path


def test_all_planes_in_order(stack_file):
    with ImageStack(stack_file) as stack:
        assert len(stack) == 6 and stack.plane_shape == (40, 60)
        planes = [stack.read(i) for i in range(6)]
    assert np.array_equal(np.reshape(planes, STACK.shape), STACK)
    assert planes[0].dtype == np.uint16
    named = stack_file.stem in ('imagej', 'ome')
    assert (stack.axes == 'TC') == named
    assert stack.num_channels == (3 if named else 1)


@pytest.mark.parametrize('part', [0.3, 0.6, 0.9, 0.97])
def test_a_stack_that_is_cut_off_is_not_read_in_part(stack_file, part):
    data = stack_file.read_bytes()
    stack_file.write_bytes(data[:int(len(data) * part)])
    with pytest.raises(ImageFileError, match='cannot be read as an image'):
        with ImageStack(stack_file) as stack:
            for plane in range(len(stack)):
                stack.read(plane)


@pytest.mark.parametrize('kind', ['imagej', 'ome'])
def test_one_channel(tmp_path, kind):
    path = tmp_path / 'a.tif'
    tifffile.imwrite(path, STACK, **KINDS[kind])
    with ImageStack(path, channel=1) as stack:
        assert (stack.axes, stack.shape) == ('T', (2, ))
        assert np.array_equal(stack.read(1), STACK[1, 1])
    assert np.array_equal(read_image(path, 0, channel=2), STACK[0, 2])
    with pytest.raises(ImageFileError, match='channel 3 .* which has 3'):
        ImageStack(path, channel=3)


def test_channel_in_the_middle_of_five_axes(tmp_path):
    five = np.arange(2 * 3 * 2 * 4 * 5, dtype=np.uint16).reshape(2, 3, 2, 4, 5)
    path = tmp_path / 'a.ome.tif'
    tifffile.imwrite(path, five, ome=True, metadata=dict(axes='TZCYX'))
    with ImageStack(path, channel=1) as stack:
        assert (stack.axes, stack.shape) == ('TZ', (2, 3))
        assert np.array_equal(stack.read(4), five[1, 1, 1])


def test_colours_as_channels(tmp_path):
    img = STACK[0].astype(np.uint8).transpose(1, 2, 0)
    imageio.imwrite(tmp_path / 'a.png', img)
    tifffile.imwrite(tmp_path / 'a.tif', img, photometric='rgb')
    for name in ('a.png', 'a.tif'):
        assert np.array_equal(
            read_image(tmp_path / name, channel=1), img[..., 1])
    imageio.imwrite(tmp_path / 'grey.png', img[..., 0])
    assert np.array_equal(
        read_image(tmp_path / 'grey.png', channel=0), img[..., 0])
    with pytest.raises(ImageFileError, match='channel 1 .* which has 1'):
        read_image(tmp_path / 'grey.png', channel=1)


def test_five_samples_a_pixel_need_a_channel(tmp_path):
    img = np.arange(4 * 6 * 5, dtype=np.uint8).reshape(4, 6, 5)
    tifffile.imwrite(tmp_path / 'a.tif', img, photometric='minisblack',
                     planarconfig='contig')
    assert np.array_equal(
        read_image(tmp_path / 'a.tif', channel=4), img[..., 4])


MICRONS = dict(PhysicalSizeX=.25, PhysicalSizeY=.5, PhysicalSizeXUnit='µm')


@pytest.mark.parametrize(('options', 'expected'), [
    (dict(), None),
    (dict(imagej=True), None),
    (dict(imagej=True, resolution=(4, 2)), None),
    (dict(imagej=True, resolution=(4, 2), metadata=dict(unit='micron')),
     PixelSize(0.25, 0.5)),
    (dict(imagej=True, resolution=(4, 2),
          metadata=dict(unit='nm', spacing=3.0)),
     PixelSize(0.25, 0.5, 3.0, 'nm')),
    (dict(ome=True), None),
    (dict(ome=True, metadata=MICRONS), PixelSize(0.25, 0.5)),
    (dict(ome=True, metadata=dict(MICRONS, PhysicalSizeZ=2.)),
     PixelSize(0.25, 0.5, 2.0)),
    (dict(resolution=(40000, 20000), resolutionunit='CENTIMETER'),
     PixelSize(0.25, 0.5)),
    (dict(resolution=(300, 300), resolutionunit='INCH'), None),
])
def test_pixel_size(tmp_path, options, expected):
    tifffile.imwrite(tmp_path / 'a.tif', STACK[0, 0], **options)
    with ImageStack(tmp_path / 'a.tif') as stack:
        assert stack.pixel_size == expected
        assert stack.is_ome == options.get('ome', False)


def test_channel_names(tmp_path):
    tifffile.imwrite(
        tmp_path / 'a.tif', STACK[0], ome=True,
        metadata=dict(axes='CYX', Channel=dict(Name=['DAPI', 'GFP', 'Cy5'])))
    with ImageStack(tmp_path / 'a.tif') as stack:
        assert stack.channel_names == ['DAPI', 'GFP', 'Cy5']


def test_images_of_several_sizes(tmp_path):
    with tifffile.TiffWriter(tmp_path / 'a.tif') as tif:
        tif.write(STACK[0, 0])
        tif.write(STACK[0, 1, :20])
    with ImageStack(tmp_path / 'a.tif') as stack:
        assert len(stack) == 2 and not stack.is_uniform
        assert np.array_equal(stack.read(1), STACK[0, 1, :20])


def test_positions_of_a_plate(tmp_path):
    with tifffile.TiffWriter(tmp_path / 'a.ome.tif', ome=True) as tif:
        for position in STACK:
            tif.write(position, metadata=dict(axes='CYX'))
    with ImageStack(tmp_path / 'a.ome.tif') as stack:
        assert (stack.axes, stack.shape) == ('IC', (2, 3))
        assert stack.is_uniform and stack.num_channels == 3
        assert np.array_equal(stack.read(4), STACK[1, 1])
    with ImageStack(tmp_path / 'a.ome.tif', channel=2) as stack:
        assert (stack.axes, stack.shape) == ('I', (2, ))
        assert np.array_equal(stack.read(1), STACK[1, 2])


def test_an_empty_file(tmp_path):
    (tmp_path / 'a.tif').touch()
    with pytest.raises(ImageFileError, match='a.tif: the file is empty'):
        ImageStack(tmp_path / 'a.tif')
