import imageio.v3 as imageio
import numpy as np
import pytest

from pace_mmdet.inference.writers.overlays import (draw_overlay, endings,
                                                   write_overlay)

from ..conftest import cells_of


def test_lines_are_around_the_cell():
    mask = np.zeros((50, 60), bool)
    mask[10:30, 20:45] = True
    picture = draw_overlay(np.zeros((50, 60), np.uint8), cells_of([mask]))
    assert picture.shape == (200, 240, 3)  # enlarged
    y, x = np.nonzero(picture.any(axis=2))
    assert (y.min(), y.max(), x.min(), x.max()) == pytest.approx(
        (40, 120, 80, 180), abs=3)
    assert not picture[60:100, 100:160].any()


def test_large_images_keep_their_size():
    img = np.full((2000, 30, 3), 90.4, np.float32)
    picture = draw_overlay(img, cells_of([np.ones((2000, 30))]))
    assert picture.shape == img.shape and picture.dtype == np.uint8
    assert picture[1000, 15].tolist() == [90, 90, 90]


@pytest.mark.parametrize(('shape', 'expected'), [
    ((), ['_overlay.png']),
    ((2, ), ['_overlay_000.png', '_overlay_001.png']),
    ((40, 50), ['_overlay_0000.png', '_overlay_1999.png']),
])
def test_a_picture_for_each_plane(shape, expected):
    names = endings(shape)
    assert [names[0], names[-1]][:len(names)] == expected
    assert len(names) == np.prod(shape)


def test_written(tmp_path, found_in):
    write_overlay(found_in(3, 0), tmp_path / 'o.png', 1)
    assert imageio.imread(tmp_path / 'o.png').shape == (120, 160, 3)
