import json

import numpy as np
import pytest
from mmengine.logging import MMLogger

from pace_mmdet.errors import AnnotationError
from pace_mmdet.evaluation.ground_truth import load_ground_truth


@pytest.fixture
def gt(scene):
    return scene(2).cell(1, (5, 5, 20, 20)).cell(1, (50, 5, 9, 7)).gt


def test_arrays_per_image(gt, tmp_path):
    gt['annotations'][1]['iscrowd'] = 1
    path = tmp_path / 'gt.json'
    path.write_text(json.dumps(gt))
    truth = load_ground_truth(path)
    first, second = truth.images[1], truth.images[2]
    assert truth.source == str(path) and truth.category_ids == (1, )
    np.testing.assert_array_equal(first.bboxes,
                                  [[5, 5, 20, 20], [50, 5, 9, 7]])
    np.testing.assert_array_equal(first.areas, [400, 63])
    np.testing.assert_array_equal(first.crowd, [False, True])
    assert len(first.counts) == 2
    assert second.bboxes.shape == (0, 4) and second.counts == []


def change(**changes):

    def apply(gt):
        gt['annotations'][0].update(changes)

    return apply


def drop(key):

    def apply(gt):
        del gt['annotations'][0][key]

    return apply


@pytest.mark.parametrize('spoil, message', [
    (change(image_id=7), 'annotation 1: image_id 7 is not among the images'),
    (change(id=2), 'annotation 2: this id is used twice'),
    (change(bbox=[0, 0, float('inf'), 1]), 'annotation 1: bbox'),
    (change(area=float('nan')), 'annotation 1: area nan should be a number'),
    (drop('segmentation'), 'annotation 1: no segmentation'),
    (change(segmentation=[]), 'annotation 1: no segmentation'),
    (change(segmentation=[[1, 2, 3]]), 'annotation 1: polygon that is not'),
    (change(segmentation=dict(size=[3, 4], counts='00')),
     'annotation 1: run-length code without counts or of another size'),
    (change(segmentation=dict(size=[100, 120], counts='00')),
     'annotation 1: run-length code that is cut off or does not fill its'),
    (change(bbox=[1, 2, 3]), r'`array` of length 4.*annotations\[0\].bbox'),
    (drop('bbox'), 'missing required field `bbox`'),
    (lambda gt: gt['images'].append(gt['images'][0]),
     'an image id is used twice'),
    (lambda gt: gt['images'][0].update(width=0), 'less than 1 pixel high'),
    (lambda gt: gt.pop('images'), 'missing required field `images`'),
])
def test_faults(gt, spoil, message):
    spoil(gt)
    with pytest.raises(AnnotationError, match=message):
        load_ground_truth(gt)


def test_all_faults_are_counted_and_twenty_shown(scene, tmp_path):
    made = scene()
    for _ in range(25):
        made.cell(9, (5, 5, 20, 20))
    path = tmp_path / 'gt.json'
    path.write_text(json.dumps(made.gt))
    with pytest.raises(AnnotationError) as caught:
        load_ground_truth(path)
    lines = str(caught.value).splitlines()
    assert lines[0] == f'{path}: 25 faults'
    assert len(lines) == 23 and lines[21] == '  ... and 5 more'


@pytest.mark.parametrize('spoil, message', [
    (lambda gt: gt['images'].append(gt['images'][0]),
     'image 1: this id occurs more than once'),
    (lambda gt: gt['images'][1].update(height=0), 'at least 1 pixel, got 0'),
    (change(area='big'), 'annotation 1: "area"'),
    (change(area=float('nan')), 'annotation 1: area nan should be a number'),
    (change(id=2, bbox=[1, 2, 3]), 'annotation 2: "bbox"'),
])
def test_faults_of_a_file(gt, spoil, message, tmp_path):
    spoil(gt)
    path = tmp_path / 'gt.json'
    path.write_text(json.dumps(gt))
    with pytest.raises(AnnotationError, match=message):
        load_ground_truth(path)


def test_annotations_as_an_object(gt, tmp_path):
    # LIVECell's files have {id: annotation} where COCO has a list.
    gt['annotations'] = {ann['id']: ann for ann in gt['annotations']}
    path = tmp_path / 'gt.json'
    path.write_text(json.dumps(gt))
    assert len(load_ground_truth(path).images[1].counts) == 2


def test_masks_of_no_pixel_are_kept_and_counted(gt, caplog):
    gt['annotations'][0]['segmentation'] = [[5, 5, 9, 9]]
    MMLogger.get_current_instance().addHandler(caplog.handler)
    truth = load_ground_truth(gt)
    MMLogger.get_current_instance().removeHandler(caplog.handler)
    assert len(truth.images[1].counts) == 2
    assert '1 cells have a mask of no pixel' in caplog.text


def test_point_labels_can_only_score_boxes(gt):
    for ann in gt['annotations']:
        del ann['segmentation']
        ann.update(point_coords=[[6, 6]], point_labels=[1])
    with pytest.raises(AnnotationError, match="points, not mas.*ic='bbox'"):
        load_ground_truth(gt)
    boxes = load_ground_truth(gt, with_masks=False)
    assert boxes.images[1].counts is None and not boxes.has_masks
    with pytest.raises(ValueError, match='was read without masks'):
        load_ground_truth(boxes)


def test_truncated_file(gt, tmp_path):
    path = tmp_path / 'gt.json'
    path.write_text(json.dumps(gt)[:200])
    with pytest.raises(AnnotationError, match='gt.json.*early, at byte 200'):
        load_ground_truth(path)


def test_missing_file(tmp_path):
    with pytest.raises(AnnotationError, match='no such annotation file'):
        load_ground_truth(tmp_path / 'gt.json')
