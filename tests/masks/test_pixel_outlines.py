import numpy as np
import pytest
import shapely
from pycocotools import mask as mask_utils

from pace_mmdet.masks.pixel_outlines import pixel_outlines

from ..inference.conftest import cells_of, random_masks


def outline(rows):
    crop = np.array([[char == '#' for char in row] for row in rows])
    return pixel_outlines([crop], np.array([[0, 0]]))[0]


@pytest.mark.parametrize(('rows', 'expected'), [
    (['#'], [[4]]),
    (['##', '#.'], [[6]]),
    (['###', '#.#', '###'], [[4, 4]]),
    (['#.', '.#'], [[4], [4]]),
    (['.#', '#.'], [[4], [4]]),
    # A ring that is closed by a corner only has no hole of its own.
    (['###', '#.#', '##.'], [[6, 4]]),
    (['####', '#.##', '##.#', '####'], [[4, 4, 4]]),
    (['#####', '#...#', '#.#.#', '#...#', '#####'], [[4, 4], [4]]),
])
def test_corners_of_rings(rows, expected):
    assert sorted(
        [len(ring) for ring in polygon] for polygon in outline(rows)
    ) == sorted(expected)


def test_a_pixel_runs_clockwise_around_its_corners():
    ring, = pixel_outlines([np.ones((1, 1), bool)], np.array([[7, 3]]))[0][0]
    assert np.array_equal(np.roll(ring, -int(np.argmin(ring.sum(1))), 0),
                          [[7, 3], [8, 3], [8, 4], [7, 4]])


def test_filled_outlines_are_the_masks():
    masks = random_masks(200, 12, 14)
    cells = cells_of(masks)
    y, x = np.mgrid[:12, :14] + 0.5
    for mask, polygons in zip(masks,
                              pixel_outlines(cells.crops, cells.corners)):
        shape = shapely.MultiPolygon(
            [shapely.Polygon(ring, holes) for ring, *holes in polygons])
        assert shape.is_valid
        assert shape.area == mask.sum()
        assert np.array_equal(shapely.contains_xy(shape, x, y), mask)


def test_pycocotools_fills_them_alike():
    masks = random_masks(200, 8, 9)
    cells = cells_of(masks)
    tested = 0
    for mask, polygons in zip(masks,
                              pixel_outlines(cells.crops, cells.corners)):
        if all(len(polygon) == 1 for polygon in polygons):
            flat = [ring.reshape(-1).astype(float).tolist()
                    for ring, in polygons]
            code = mask_utils.merge(mask_utils.frPyObjects(flat, 8, 9))
            assert np.array_equal(mask_utils.decode(code), mask)
            tested += 1
    assert tested > 50


def test_no_masks():
    assert pixel_outlines([], np.zeros((0, 2), int)) == []
