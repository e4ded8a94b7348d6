import json
import re
from types import SimpleNamespace

import numpy as np
import pytest

from pace_mmdet.coco.converting import masks_to_points
from pace_mmdet.coco.files import CocoFile
from pace_mmdet.coco.points import read_point_coco
from pace_mmdet.coco.regions import (centers_within, complete_regions,
                                     cut_off, note_faults)
from pace_mmdet.errors import AnnotationError, Faults

HEIGHT, WIDTH = 20, 30


@pytest.mark.parametrize('complete, expected', [
    (True, None),
    (False, []),
    ([], []),
    ([[0, 0, 30, 20]], [[0, 0, 30, 20]]),
    ([[2, 3, 4, 5], [10.0, 0, 5, 5]], [[2, 3, 6, 8], [10, 0, 15, 5]]),
    # Pixels whose centres are in it.
    ([[2.5, 3.6, 4, 5]], [[2, 4, 6, 9]]),
    ([[2.4, 3.4, 1, 1.2]], [[2, 3, 3, 5]]),
    # Beyond the image there is nothing.
    ([[-5, -5, 8, 100]], [[0, 0, 3, 20]]),
    ([[29.4, 19, 1e300, 1]], [[29, 19, 30, 20]]),
])
def test_regions(complete, expected):
    found = complete_regions(complete, HEIGHT, WIDTH)
    assert (found if found is None else found.tolist()) == expected


@pytest.mark.parametrize('complete, said', [
    (True, []), (False, []), ([], []), ([[2, 3, 4, 5]], []),
    (None, ['expected true, false, or a list of boxes .* got None']),
    (1, ['got 1']), ('yes', ["got 'yes'"]), ({'a': 1}, ['got {']),
    ([2, 3, 4, 5], ['got the box 2', 'got the box 3', 'got the box 4',
                    'got the box 5']),
    ([[2, 3, 4]], [r'got the box \[2, 3, 4\]']),
    ([[2, 3, 4, 'x']], ['got the box']),
    ([[2, 3, 4, float('nan')]], ['got the box']),
    ([[2, 3, 0, 5], [2, 3, 4, -1]], ['above 0', 'above 0']),
    ([[30, 3, 4, 5]], ['no pixel of its image of 30 x 20']),
    ([[2.6, 3, 0.5, 5]], ['no pixel']),
    ([[0, 0, 9, 9], [-9, 0, 5, 5]], ['no pixel']),
    ('x' * 1000, [r"got 'x+ \.\.\.$"]),
])
def test_faults(complete, said):
    faults = Faults('a.json')
    note_faults([SimpleNamespace(id=7, file_name='a.tif', complete=complete,
                                 height=HEIGHT, width=WIDTH)], faults)
    assert faults.count == len(said)
    for text, pattern in zip(faults.listed, said):
        assert text.startswith('image 7 (a.tif): "complete": ')
        assert re.search(pattern, text)


def by_pixels(bboxes, regions):
    """The same pixel by pixel."""
    inside = np.zeros((HEIGHT, WIDTH), bool)
    for x1, y1, x2, y2 in regions:
        inside[y1:y2, x1:x2] = True
    cut = []
    for x1, y1, x2, y2 in bboxes:
        on = [inside[row, column] for row in range(HEIGHT)
              for column in range(WIDTH)
              if x1 <= column + 0.5 < x2 and y1 <= row + 0.5 < y2]
        cut.append(not all(on))
    return cut


@pytest.mark.parametrize('num_regions', [0, 1, 2, 5, 20])
@pytest.mark.parametrize('num_boxes', [0, 1, 150])
def test_cells_cut_by_a_border(num_regions, num_boxes):
    rng = np.random.default_rng(num_regions)

    def boxes(count, most):
        corners = rng.uniform(-5, 28, (count, 2))
        return np.c_[corners, corners + rng.uniform(1, most, (count, 2))]

    made = boxes(num_regions, 20)
    made[:, 2:] -= made[:, :2]
    regions = complete_regions(made.tolist(), HEIGHT, WIDTH)
    bboxes = boxes(num_boxes, 12)
    found = cut_off(bboxes, regions, HEIGHT, WIDTH)
    # Those outside the image are the readers' fault to find.
    shown = ((bboxes[:, 2:] > 1).all(1) & (bboxes[:, 0] < WIDTH - 1) &
             (bboxes[:, 1] < HEIGHT - 1))
    expected = np.array(by_pixels(bboxes, regions), bool)
    assert (found == expected)[shown].all()
    if num_boxes > 1 and num_regions in (5, 20):
        assert 0 < found[shown].sum() < shown.sum()


def test_thin_cells_and_two_regions_side_by_side():
    regions = np.array([[0, 0, 10, 20], [10, 0, 20, 20]])
    bboxes = [[5, 5, 15, 9], [15, 5, 21, 9], [4.6, 5, 5.4, 9],
              [24.6, 5, 25.4, 9], [3, 3, 3, 3]]
    assert cut_off(bboxes, regions, HEIGHT, WIDTH).tolist() == [
        False, True, False, True, False]
    assert centers_within(
        np.array([[0, 0, 1, 1], [19, 0, 1.9, 1], [19, 0, 2, 1.0]]),
        regions).tolist() == [True, True, False]
    assert centers_within(np.zeros((0, 4)), regions).tolist() == []
    assert centers_within(np.ones((2, 4)), regions[:0]).tolist() == [
        False, False]


def test_all_faults_of_a_file_at_once(point_file, edit):

    def spoil(document):
        document['images'][0]['complete'] = 'yes'
        document['images'][2]['complete'] = [[0, 0, -1, 5], [500, 0, 5, 5]]
        document['annotations'][0]['bbox'] = [0, 0, 0, 0]

    edit(point_file, spoil)
    with pytest.raises(AnnotationError) as error:
        read_point_coco(point_file, 1)
    assert '4 faults' in str(error.value)
    assert str(error.value).count('"complete"') == 3


def test_converting_carries_it_on(mask_file, edit):
    edit(mask_file, lambda document: document['images'][1].update(
        complete=[[1, 2, 30, 40]]))
    target = mask_file.with_name('points.json')
    masks_to_points(mask_file, target)
    assert [image.complete for image in CocoFile(target).images] == [
        True, [[1, 2, 30, 40]], True]
    assert ['complete' in image for image in
            json.loads(target.read_text())['images']] == [False, True, False]
