import numpy as np

from pace_mmdet.masks.outlines import bitmap_outline, outlines_within


def test_a_bitmap_is_outlined_where_it_lies():
    bitmap = np.zeros((6, 9), bool)
    bitmap[1:5, 2:8] = True
    bitmap[2:4, 4:6] = False
    rings = bitmap_outline(bitmap, corner=(10, 20))
    assert sorted([*ring.min(0), *ring.max(0)] for ring in rings) == [
        [12, 21, 18, 25], [14, 22, 16, 24]]
    assert bitmap_outline(np.zeros((6, 9), bool)) == []


def test_outlines_within_a_window():
    outlines = [[np.array([[0, 0], [4, 0], [4, 4]])],
                [np.array([[6, 6], [9, 6], [9, 9]])], []]
    assert outlines_within(outlines, (5, 5, 8, 8)) == [outlines[1]]
    assert outlines_within(outlines, (4, 4, 6, 6)) == []
    assert outlines_within(outlines, (0, 0, 9, 9)) == outlines[:2]
