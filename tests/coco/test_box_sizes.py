import json

import pytest

from pace_mmdet.coco.box_sizes import measure_boxes
from pace_mmdet.errors import AnnotationError


def write(path, boxes, **others):
    path.write_text(json.dumps(dict(
        images=[], categories=[],
        annotations=[dict(bbox=box, **others) for box in boxes])))
    return path


@pytest.mark.parametrize('boxes, expected', [
    ([[0, 0, 4, 9]], (9, 6, 1)),
    ([[0, 0, 4, 9], [5, 5, 10, 10]], (9.5, 8, 2)),
    ([[0, 0, 4, 9], [5, 5, 10, 10], [0, 0, 90, 90.0]], (10, 10, 3)),
    # Boxes without area, or no boxes, are for the data set to complain of.
    ([[0, 0, 4, 9], [0, 0, 0, 70], [0, 0, -5, 70], [0, 0], None], (9, 6, 1)),
    ([[0, 0, 0, 70]], None),
    ([], None),
])
def test_medians(tmp_path, boxes, expected):
    assert measure_boxes([write(tmp_path / 'a.json', boxes)]) == expected


def test_several_files_and_crowds(tmp_path):
    paths = [write(tmp_path / 'a.json', [[0, 0, 4, 9]]),
             write(tmp_path / 'b.json', [[0, 0, 16, 9]], iscrowd=0),
             write(tmp_path / 'c.json', [[0, 0, 500, 500]], iscrowd=1)]
    assert measure_boxes(paths) == (12.5, 9, 2)
    assert measure_boxes([]) is None


def test_livecells_form(tmp_path):
    path = tmp_path / 'a.json'
    path.write_text(json.dumps(dict(
        images=[], categories=[], annotations={'7': dict(bbox=[0, 0, 4, 9])})))
    assert measure_boxes([path]).length == 9


def test_no_coco_file(tmp_path):
    path = tmp_path / 'a.json'
    with pytest.raises(AnnotationError, match='no such annotation file'):
        measure_boxes([path])
    path.write_text('{"annotations": [')
    with pytest.raises(AnnotationError, match='a.json'):
        measure_boxes([path])
