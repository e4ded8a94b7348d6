import csv

import numpy as np
import pytest

from pace_mmdet.images.stacks import PixelSize
from pace_mmdet.inference.writers.measurements import (intensities_of, measure,
                                                       write_table)

from ..conftest import bitmaps_of, cells_of


def rows_of(path):
    with open(path, newline='', encoding='utf-8') as file:
        return list(csv.DictReader(file))


def test_values_against_whole_bitmaps(tmp_path, found_in):
    found = found_in(5, 0, 4)
    write_table(found, tmp_path / 't.csv')
    rows = rows_of(tmp_path / 't.csv')
    assert [row['plane'] for row in rows] == ['0'] * 5 + ['2'] * 4
    assert [row['t'] for row in rows] == [row['plane'] for row in rows]
    masks = np.concatenate([bitmaps_of(cells) for cells in found.planes])
    for row, mask in zip(rows, masks):
        values = found.read(int(row['plane']))[mask].astype(float)
        y, x = np.nonzero(mask)
        expected = dict(
            area=mask.sum(), centroid_x=x.mean() + 0.5,
            centroid_y=y.mean() + 0.5, box_x=x.min(), box_y=y.min(),
            box_width=np.ptp(x) + 1, box_height=np.ptp(y) + 1,
            mean_intensity=values.mean(), sum_intensity=values.sum())
        for key, value in expected.items():
            assert float(row[key]) == pytest.approx(value, abs=1e-4)
        assert row['file'] == 'a b.tif' and row['class'] == 'cell'
    assert 'area_um2' not in rows[0]


def test_intensities_however_small(tmp_path, found_in):
    found = found_in(1)
    found.read = lambda plane: np.full((30, 40), 3e-5, np.float32)
    write_table(found, tmp_path / 't.csv')
    row, = rows_of(tmp_path / 't.csv')
    assert float(row['mean_intensity']) == pytest.approx(3e-5, rel=1e-7)
    assert float(row['sum_intensity']) == pytest.approx(
        3e-5 * int(row['area']), rel=1e-7)


def test_a_disc_and_an_ellipse():
    y, x = np.mgrid[:60, :100]
    disc = (y - 30)**2 + (x - 20)**2 < 15**2
    ellipse = ((y - 30) / 10)**2 + ((x - 70) / 20)**2 < 1
    cells = cells_of([disc, ellipse])
    rows = measure(cells, intensities_of(cells, np.ones((60, 100))))
    (major, minor, _, eccentricity, perimeter), other = (
        row[10:15] for row in rows)
    assert (major, minor) == pytest.approx((30, 30), rel=0.02)
    assert eccentricity < 0.1
    assert perimeter == pytest.approx(np.pi * 30, rel=0.06)
    assert other[:2] == pytest.approx((40, 20), rel=0.03)
    assert other[3] == pytest.approx(np.sqrt(0.75), rel=0.02)


@pytest.mark.filterwarnings('error')
def test_a_single_pixel_and_colours():
    img = np.dstack([np.full((3, 3), value, np.uint8)
                     for value in (10, 20, 60)])
    cells = cells_of([np.eye(3) * [0, 1, 0]])
    row, = measure(cells, intensities_of(cells, img))
    assert row[3] == 1 and row[-2:].tolist() == [30.0, 30.0]


def test_intensities_of_a_reduced_part():
    img = np.arange(12.).reshape(3, 4)
    mask = np.zeros((9, 11), bool)
    mask[3:5, 5:8] = True
    cells = cells_of([mask])
    whole = np.kron(img, np.ones((3, 3)))[:9, :11]
    found = intensities_of(cells, img[1:, 1:], (3, 3), 3)
    assert np.allclose(found, intensities_of(cells, whole))


def test_square_microns(tmp_path, found_in):
    found = found_in(3, pixel_size=PixelSize(0.5, 0.25))
    write_table(found, tmp_path / 't.csv')
    for row in rows_of(tmp_path / 't.csv'):
        assert float(row['area_um2']) == int(row['area']) / 8


def test_no_cells(tmp_path, found_in):
    write_table(found_in(0), tmp_path / 't.csv')
    assert rows_of(tmp_path / 't.csv') == []
    assert (tmp_path / 't.csv').read_text().startswith('file,plane,label,')
