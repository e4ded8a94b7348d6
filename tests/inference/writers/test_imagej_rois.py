import numpy as np
import pytest
import roifile
import shapely

from pace_mmdet.inference.cells import Cells
from pace_mmdet.inference.writers.imagej_rois import write_rois

from ..conftest import bitmaps_of


def fill(roi, height, width):
    """The pixels in a ROI: those whose centres its rings surround."""
    rings = roi.coordinates(multi=True)
    y, x = np.mgrid[:height, :width] + 0.5
    inside = np.zeros((height, width), bool)
    for ring in rings:
        inside ^= shapely.contains_xy(shapely.Polygon(ring), x, y)
    return inside


def test_filled_they_are_the_masks(tmp_path, found_in):
    found = found_in(60)
    write_rois(found, tmp_path / 'r.zip')
    rois = roifile.roiread(tmp_path / 'r.zip')
    assert len(rois) == 60
    for roi, mask in zip(rois, bitmaps_of(found.planes[0])):
        assert np.array_equal(fill(roi, 30, 40), mask)
        y, x = np.nonzero(mask)
        assert (roi.left, roi.top, roi.right, roi.bottom) == (
            x.min(), y.min(), x.max() + 1, y.max() + 1)
    assert {roi.composite for roi in rois} == {True, False}
    assert [roi.name for roi in rois[:2]] == ['00001', '00002']


def test_far_from_the_corner(tmp_path, found_in):
    """Places beyond 32,767 need all of the format's 16 bits."""
    found = found_in(1)
    found.planes = [
        Cells(50000, 50000, np.zeros((2, 4)), np.ones(2), np.zeros(2, int),
              np.array([[40000, 45000], [49990, 20]]),
              [np.ones((3, 4), bool), ~np.eye(5, dtype=bool)])
    ]
    write_rois(found, tmp_path / 'r.zip')
    one, other = roifile.roiread(tmp_path / 'r.zip')
    assert one.coordinates().min(axis=0).tolist() == [40000, 45000]
    assert np.concatenate(other.coordinates(multi=True)).max() == 49995


@pytest.mark.parametrize(('attributes', 'expected'), [
    (dict(axes='T'), [dict(position=n) for n in (1, 1, 3, 4)]),
    (dict(axes='TZ', shape=(2, 2)),
     [dict(t_position=t, z_position=z)
      for t, z in ((1, 1), (1, 1), (2, 1), (2, 2))]),
    (dict(axes='QQ', shape=(2, 2)),
     [dict(position=n) for n in (1, 1, 3, 4)]),
])
def test_place_in_a_stack(tmp_path, found_in, attributes, expected):
    write_rois(found_in(2, 0, 1, 1, **attributes), tmp_path / 'r.zip')
    rois = roifile.roiread(tmp_path / 'r.zip')
    assert [roi.name for roi in rois] == ['0001-00001', '0001-00002',
                                          '0003-00001', '0004-00001']
    for roi, places in zip(rois, expected):
        assert {key: getattr(roi, key) for key in places} == places


def test_no_cells(tmp_path, found_in):
    write_rois(found_in(0), tmp_path / 'r.zip')
    assert (tmp_path / 'r.zip').stat().st_size == 22  # an empty ZIP file


def test_an_image_that_is_too_large(tmp_path, found_in):
    found = found_in(1)
    found.planes = [found.planes[0].shifted(0, 0, 30, 70000)]
    with pytest.raises(ValueError, match='beyond 60535 pixels'):
        write_rois(found, tmp_path / 'r.zip')
    assert not list(tmp_path.iterdir())
