import pytest

from pace_mmdet.coco.whole_file import BoxFit, check_some_left
from pace_mmdet.errors import AnnotationError

BOX = [10, 10, 20, 20]


@pytest.mark.parametrize(('boxes', 'mask_boxes', 'wrong', 'corners'), [
    ([], [], 0, 0),
    ([BOX], [BOX], 0, 0),
    ([[9, 11, 22, 19]], [BOX], 0, 0),
    ([[10, 10, 30, 30]], [BOX], 1, 1),
    ([[100, 10, 20, 20], BOX], [BOX, BOX], 1, 0),
    ([[10, 10, 0, 0]], [BOX], 1, 0),
    ([BOX] * 150, [BOX] * 150, 0, 0),
])
def test_boxes_and_their_masks(boxes, mask_boxes, wrong, corners):
    fit = BoxFit()
    fit.add(boxes, mask_boxes)
    assert (fit.seen, fit.wrong, fit.corners) == (len(boxes), wrong, corners)
    assert len(fit.lines()) == (wrong > 0)


@pytest.mark.parametrize(('kept', 'crowds', 'left_out'), [
    (1, 0, {}),
    (2, 1, {'empty mask': 7}),
    (0, 0, {}),  # a file without annotations teaches nothing, but says so
])
def test_something_is_left(kept, crowds, left_out):
    check_some_left('a.json', kept, crowds, left_out)


def test_nothing_is_left():
    with pytest.raises(AnnotationError) as error:
        check_some_left('a.json', 2, 2, {'empty mask': [1, 2, 3]}, 'So.')
    assert str(error.value).splitlines()[:3] == [
        'a.json: none of its 5 annotations can be used. So.',
        '  - 3 empty mask', '  - 2 marked "iscrowd"']
    assert 'set iscrowd to 0' in str(error.value)
