import pytest

from pace_mmdet.evaluation.cell_types import cell_type
from pace_mmdet.evaluation.detections import load_detections
from pace_mmdet.evaluation.ground_truth import load_ground_truth
from pace_mmdet.evaluation.report import score_table
from pace_mmdet.evaluation.scoring import score_groups


@pytest.mark.parametrize('name, expected', [
    ('A172_Phase_C7_1_02d16h00m_2.tif', 'A172'),
    ('images/BV2_Phase_A4_2.tif', 'BV2'),
    ('SkBr3_Phase_', 'SkBr3'),
    ('hela_000.tif', None),
    ('_Phase_1.tif', None),
    ('', None),
])
def test_cell_type(name, expected):
    assert cell_type(name) == expected


@pytest.fixture
def made(scene):
    made = scene(3, names=['SkBr3_Phase_1.tif', 'A172_Phase_1.tif', 'x.tif'])
    made.cell(1, (5, 5, 20, 20)).found(1, (5, 5, 20, 20))
    made.cell(2, (5, 5, 20, 20)).cell(2, (50, 50, 20, 20), iscrowd=1)
    return made.cell(3, (5, 5, 20, 20)).found(3, (5, 5, 20, 20))


def rows_of(made, **kwargs):
    truth = load_ground_truth(made.gt)
    found = load_detections(made.results, truth, ['segm'])
    return score_groups(truth, found, ['segm'], **kwargs)['segm']


def test_rows_per_cell_type(made):
    rows = rows_of(made)
    assert [(row.name, row.images, row.cells) for row in rows] == [
        ('all', 3, 3), ('A172', 1, 1), ('SkBr3', 1, 1)
    ]
    assert rows[1].scores['AP'] == 0
    assert rows[2].scores['AP'] == pytest.approx(1)
    assert rows[0].scores['AFNR'] == pytest.approx(1 / 3)


def test_without_cell_types(made):
    assert [row.name for row in rows_of(made, per_cell_type=False)] == ['all']


def test_table(made):
    lines = score_table('LIVECell segm', rows_of(made)).splitlines()
    assert lines[0].strip() == 'LIVECell segm (%)'
    skbr3 = next(line for line in lines if 'SkBr3' in line).split()
    assert skbr3 == [
        'SkBr3', '1', '1', '100.00', '100.00', '100.00', '-', '100.00', '-',
        '0.00'
    ]
