import json

import numpy as np
import pytest

from pace_mmdet.coco.point_checks import find_ids
from pace_mmdet.coco.points import read_point_coco
from pace_mmdet.errors import AnnotationError

# Images of 8 x 4 pixels (width x height).
IMAGES = [
    dict(id=7, file_name='a.tif', height=4, width=8),
    dict(id=3, file_name='b.tif', height=4, width=8)
]
CATEGORIES = [dict(id=1, name='cell')]


def cell(**changes):
    good = dict(
        id=1,
        image_id=7,
        category_id=1,
        bbox=[1, 1, 2.5, 2],
        point_coords=[[0, 0], [7, 3], [2, 1]],
        point_labels=[1, 0, -1])
    return {**good, **changes}


def write(path, annotations, **changes):
    coco = dict(
        images=IMAGES, categories=CATEGORIES, annotations=annotations)
    path.write_text(json.dumps({**coco, **changes}))
    return path


def test_content(tmp_path):
    other = cell(id=9, image_id=3, iscrowd=1, point_coords=[[1, 2.0]] * 4,
                 point_labels=[0, 1, 0, 1])
    path = write(tmp_path / 'a.json', [cell(), other], info=dict(seed=4))
    coco = read_point_coco(path, 2)
    assert coco.ann_ids.tolist() == [1, 9]
    assert coco.image_index.tolist() == [0, 1]
    assert coco.category_ids.tolist() == [1, 1]
    assert coco.bboxes.tolist() == [[1, 1, 3.5, 3]] * 2
    assert coco.iscrowd.tolist() == [False, True]
    assert coco.coords.tolist() == [[[0, 0], [7, 3]], [[1, 2], [1, 2]]]
    assert coco.labels.tolist() == [[1, 0], [0, 1]]
    assert coco.info == dict(seed=4)
    assert (coco.bboxes.dtype, coco.coords.dtype, coco.labels.dtype) == (
        np.float32, np.int32, np.int8)


def test_points_are_nested(tmp_path):
    path = write(tmp_path / 'a.json', [cell()])
    three = read_point_coco(path, 3)
    assert three.labels.tolist() == [[1, 0, -1]]
    one = read_point_coco(path, 1)
    assert np.array_equal(one.coords, three.coords[:, :1])


def test_no_annotations(tmp_path):
    coco = read_point_coco(write(tmp_path / 'a.json', []), 4)
    assert coco.coords.shape == (0, 4, 2)
    assert coco.labels.shape == (0, 4)
    assert coco.bboxes.shape == (0, 4)


@pytest.mark.parametrize(('changes', 'message'), [
    (dict(point_coords=None), 'annotation 1: no point_coords or no point_'),
    (dict(point_labels=[1, 0]), '3 point_coords but 2 point_labels'),
    (dict(point_coords=[]), '0 point_coords but 3 point_labels'),
    (dict(point_coords=[[0, 0]], point_labels=[1]),
     '1 points, expected at least num_points=2'),
    (dict(point_labels=[1, 2, 0]), 'point label 2, expected 1 (on the cell)'),
    (dict(point_labels=[1, .5, 0]), 'point label 0.5, expected 1 (on'),
    (dict(point_labels=[1, float('nan'), 0]), 'point label nan, expected 1'),
    (dict(point_labels=[1, True, 0]), 'expected `float`, got `bool`'),
    (dict(point_coords=[[8, 0], [0, 0], [0, 0]]),
     'point [8, 0] lies outside its image of 8 x 4 pixels (width x'),
    (dict(point_coords=[[0, 4], [0, 0], [0, 0]]), 'point [0, 4] lies out'),
    (dict(point_coords=[[0, 0], [0, 0], [-1, 0]]), 'point [-1, 0] lies'),
    (dict(point_coords=[[.5, 0], [0, 0], [0, 0]]), 'expected whole numbers'),
    (dict(point_coords=[[float('nan'), 0], [0, 0], [0, 0]]),
     'point [nan, 0], expected whole numbers'),
    (dict(point_coords=[[1e300, 0], [0, 0], [0, 0]]), 'lies outside'),
    (dict(point_coords=[[1, 2, 3], [0, 0], [0, 0]]), 'length 2'),
    (dict(bbox=[1, 1, 0, 2]), 'expected a width and height above 0'),
    (dict(bbox=[1, 1, 2, -2]), 'expected a width and height above 0'),
    (dict(bbox=[1, 1, float('nan'), 2]), 'expected 4 finite numbers'),
    (dict(bbox=[1, 1, float('inf'), 2]), 'expected 4 finite numbers'),
    (dict(bbox=[8, 1, 2, 2]), 'lies outside its image of 8 x 4 pixels'),
    (dict(bbox=[-2, 1, 2, 2]), 'lies outside its image'),
    (dict(bbox=[1, 2, 2]), '"bbox"'),
    (dict(image_id=4), "image_id 4 is none of the file's images"),
    (dict(category_id=2), "category_id 2 is none of the file's categories"),
    (dict(id='one'), 'annotation one: "id": expected `int`'),
    (dict(id=2**64), 'annotation'),
])
def test_one_fault(tmp_path, changes, message):
    path = write(tmp_path / 'a.json', [cell(id=5), cell(**changes)])
    before = path.read_bytes()
    with pytest.raises(AnnotationError) as error:
        read_point_coco(path, 2)
    assert message in str(error.value)
    assert str(error.value).startswith(f'{path}: 1 fault\n')
    assert 'pace data points' in str(error.value)
    assert path.read_bytes() == before


def test_missing_bbox_names_the_annotation(tmp_path):
    broken = cell(id=6)
    del broken['bbox']
    with pytest.raises(AnnotationError, match='annotation 6: object missing '
                       'required field `bbox`'):
        read_point_coco(write(tmp_path / 'a.json', [broken]), 2)


def test_all_faults_at_once(tmp_path):
    many = [cell(id=i, point_labels=[1, 0, 5]) for i in range(30)]
    broken = [cell(id=40, bbox=[1, 1, 0, 1], image_id=0), cell(id=41, bbox=3)]
    path = write(tmp_path / 'a.json', many + broken + [cell(id=2)])
    with pytest.raises(AnnotationError) as error:
        read_point_coco(path, 2)
    text = str(error.value)
    # 30 labels, a box, an image, an unreadable annotation, a doubled id.
    assert text.startswith(f'{path}: 34 faults')
    assert text.count('\n  - ') == 20
    assert '... and 14 more' in text


def test_doubled_ids(tmp_path):
    path = write(tmp_path / 'a.json', [cell(), cell(id=2), cell()])
    with pytest.raises(AnnotationError, match='annotation 1: this id occurs '
                       '2 times'):
        read_point_coco(path, 1)


def test_mask_file_says_which_command_makes_points(tmp_path):
    mask = dict(id=1, image_id=7, category_id=1, bbox=[1, 1, 2, 2],
                segmentation=[[1, 1, 3, 1, 3, 3]], area=2)
    path = write(tmp_path / 'a.json', [mask])
    with pytest.raises(AnnotationError, match='none of its 1 annotations has '
                       '(.|\n)*pace data points'):
        read_point_coco(path, 1)


@pytest.mark.parametrize('num_points', [0, -1, 1.5, '4', None, True])
def test_num_points(tmp_path, num_points):
    with pytest.raises(ValueError, match='num_points must be a whole number'):
        read_point_coco(write(tmp_path / 'a.json', [cell()]), num_points)


@pytest.mark.parametrize(('wanted', 'table', 'expected'), [
    ([], [], []),
    ([1], [], [-1]),
    ([5, 1, 3, 9, 0], [3, 9, 5], [2, -1, 0, 1, -1]),
])
def test_find_ids(wanted, table, expected):
    found = find_ids(np.array(wanted, dtype=np.int64), table)
    assert found.tolist() == expected
