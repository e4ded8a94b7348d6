import numpy as np
import pytest

from pace_mmdet.inference.tiling import clearance, plan_tiles


@pytest.mark.parametrize(('length', 'size', 'overlap', 'step'), [
    (1, 64, 16, 1),
    (80, 64, 16, 1),
    (81, 64, 16, 1),
    (200, 64, 16, 1),
    (1000, 64, 61, 1),
    (1000, 64, 0, 1),
    (4321, 512, 128, 64),
    (4321, 332, 83, 42),
    (10000, 768, 192, 64),
])
def test_tiles_cover_the_image_and_overlap_enough(length, size, overlap,
                                                  step):
    layout = plan_tiles(length, 7, size, overlap, step)
    assert layout.columns == [(0, 7)]
    ranges = layout.rows
    assert ranges[0][0] == 0 and ranges[-1][1] == length
    for (start, end), (next_start, _) in zip(ranges, ranges[1:]):
        assert end - start == size
        assert end - next_start >= overlap
        assert next_start % step == 0
    if len(ranges) > 1:
        assert abs(ranges[-1][1] - ranges[-1][0] - size) <= step
        assert len(ranges) <= 2 + (length - size) / (size - overlap -
                                                     2 * step)
        assert len(ranges) >= 1 + (length - size) / (size - overlap)
    else:
        assert length <= 1.25 * size


def test_tiles_begin_at_multiples_of_the_stride():
    layout = plan_tiles(5000, 5000, 768, 192, 64)
    assert all(tile.x1 % 64 == tile.y1 % 64 == 0 for tile in layout.tiles())


def test_tiles_that_do_not_get_on():
    with pytest.raises(ValueError, match='cannot overlap by 64'):
        plan_tiles(1000, 1000, 64, 64)


def test_clearance():
    ranges = [(0, 60), (40, 100)]
    starts, ends = np.array([0, 50, 20]), np.array([10, 55, 90])
    assert clearance(starts, ends, ranges).tolist() == [[50, -40], [5, 10],
                                                        [-30, -20]]
    assert (clearance(starts, ends, [(0, 100)]) > 1e6).all()


def test_cutting_makes_no_copy():
    img = np.zeros((100, 200, 3))
    tile = plan_tiles(100, 200, 64, 16).tiles()[-1]
    part = tile.cut(img)
    assert part.base is img
    assert part.shape == (tile.y2 - tile.y1, tile.x2 - tile.x1, 3)
