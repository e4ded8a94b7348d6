import numpy as np
import pytest
import tifffile

from pace_mmdet.images.labels import read_label_image
from pace_mmdet.images.stacks import ImageStack, PixelSize
from pace_mmdet.inference.cells import Cells
from pace_mmdet.inference.writers.label_images import write_label_image

SIZE = PixelSize(0.25, 0.5, 2.0)


@pytest.mark.parametrize(('counts', 'attributes', 'axes'), [
    ((7, ), {}, 'YX'),
    ((0, ), {}, 'YX'),
    ((7, ), dict(is_ome=True), 'YX'),
    ((3, 0, 5), {}, 'TYX'),
    ((3, 0, 5), dict(is_ome=True, axes='Z'), 'ZYX'),
    ((3, 0, 5, 2), dict(axes='TZ', shape=(2, 2)), 'TZYX'),
    ((3, 0, 5, 2), dict(axes='QQ', shape=(2, 2)), 'QQYX'),
    ((3, 0), dict(axes='I'), 'IYX'),
])
def test_written_as_a_stack_of_the_same_shape(tmp_path, found_in, counts,
                                              attributes, axes):
    found = found_in(*counts, pixel_size=SIZE, **attributes)
    path = tmp_path / 'l.tif'
    write_label_image(found, path)
    with tifffile.TiffFile(path) as tif:
        assert len(tif.series) == 1 and tif.series[0].axes == axes
        labels = tif.asarray()
    assert labels.dtype == np.uint16
    assert labels.shape == (*found.shape, 30, 40)
    for plane, cells in zip(labels.reshape(-1, 30, 40), found.planes):
        assert np.array_equal(plane, cells.label_image())
    with ImageStack(path) as stack:
        assert stack.is_ome == attributes.get('is_ome', False)
        assert (stack.pixel_size.x, stack.pixel_size.y) == (
            pytest.approx(0.25), pytest.approx(0.5))
        # A plain TIFF, of axes without a name, has no place for it.
        if set(found.axes) <= set('TZ'):
            assert stack.pixel_size.z == 2.0


def test_without_a_pixel_size(tmp_path, found_in):
    write_label_image(found_in(3), tmp_path / 'l.tif')
    with ImageStack(tmp_path / 'l.tif') as stack:
        assert stack.pixel_size is None


def test_more_cells_than_16_bits_number(tmp_path, found_in):
    count = 65600
    corners = np.stack([np.arange(count) % 300, np.arange(count) // 300], 1)
    many = Cells(300, 300, np.zeros((count, 4)), np.linspace(1, 0, count),
                 np.zeros(count, int), corners,
                 [np.ones((1, 1), bool)] * count)
    found = found_in(1, pixel_size=SIZE)
    found.planes = [many]
    write_label_image(found, tmp_path / 'l.tif')
    labels = read_label_image(tmp_path / 'l.tif')
    assert labels.max() == count
    with ImageStack(tmp_path / 'l.tif') as stack:
        assert stack.read(0).dtype == np.uint32
        assert stack.pixel_size.x == 0.25
