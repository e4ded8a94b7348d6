import json

import numpy as np
import pytest

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
    (drop('area'), 'annotation 1: area None should be a number'),
    (drop('segmentation'), 'annotation 1: no segmentation'),
    (change(segmentation=[]), 'annotation 1: no segmentation'),
    (change(segmentation=[[1, 2, 3]]), 'annotation 1: expected a polygon'),
    (change(segmentation=dict(size=[3, 4], counts='00')),
     'annotation 1: the RLE has size'),
    (change(bbox=[1, 2, 3]), 'annotations'),
    (drop('bbox'), 'missing required field `bbox`'),
    (lambda gt: gt['images'].append(gt['images'][0]),
     'image 1: this id is used twice'),
    (lambda gt: gt['images'][1].update(height=0),
     'image 2: height 0 and width 120 should be positive'),
    (lambda gt: gt.pop('images'), 'missing required field `images`'),
])
def test_faults(gt, spoil, message):
    spoil(gt)
    with pytest.raises(ValueError, match=message):
        load_ground_truth(gt)


def test_all_faults_are_counted_and_twenty_shown(scene):
    made = scene()
    for _ in range(25):
        made.cell(9, (5, 5, 20, 20))
    with pytest.raises(ValueError) as caught:
        load_ground_truth(made.gt)
    lines = str(caught.value).splitlines()
    assert lines[0].startswith('ground truth: 25 fault(s).')
    assert len(lines) == 22 and lines[-1] == '  ... and 5 more'


def test_point_labels_can_only_score_boxes(gt):
    for ann in gt['annotations']:
        del ann['segmentation']
        ann.update(point_coords=[[6, 6]], point_labels=[1])
    with pytest.raises(ValueError, match="points, not masks.*metric='bbox'"):
        load_ground_truth(gt)
    boxes = load_ground_truth(gt, with_masks=False)
    assert boxes.images[1].counts is None and not boxes.has_masks
    with pytest.raises(ValueError, match='was read without masks'):
        load_ground_truth(boxes)


def test_truncated_file(gt, tmp_path):
    path = tmp_path / 'gt.json'
    path.write_text(json.dumps(gt)[:200])
    with pytest.raises(ValueError, match='gt.json.*ends after 200 bytes'):
        load_ground_truth(path)


def test_malformed_file(tmp_path):
    path = tmp_path / 'gt.json'
    path.write_text('{"images": [], "annotations": [}')
    with pytest.raises(ValueError, match='byte 31.*near.*annotations'):
        load_ground_truth(path)


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match='no such file; expected a CO'):
        load_ground_truth(tmp_path / 'gt.json')
