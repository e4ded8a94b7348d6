"""Images that are annotated in part are scored in part."""
import json

import pytest

from pace_mmdet.errors import AnnotationError
from pace_mmdet.evaluation.coco_protocol import evaluate
from pace_mmdet.evaluation.detections import load_detections
from pace_mmdet.evaluation.ground_truth import load_ground_truth
from pace_mmdet.evaluation.thresholds import f1_curve

# Cells are annotated in the left half only, one reaches over the border.
LEFT = [[0, 0, 60, 100]]
INSIDE, CUT, OUTSIDE = (5, 5, 15, 15), (52, 40, 20, 20), (80, 10, 15, 15)


def scored(scene, complete, found, iou_type='segm', num_images=1):
    made = scene(num_images)
    made.gt['images'][0]['complete'] = complete
    made.cell(1, INSIDE).cell(1, CUT)
    for box in found:
        made.found(1, box)
    return made, evaluate(made.gt, made.results, iou_type)


@pytest.mark.parametrize('iou_type', ['bbox', 'segm'])
@pytest.mark.parametrize('found, whole, part', [
    ([INSIDE, CUT], 1.0, 1.0),
    # Missed or found, the cut cell counts neither way.
    ([INSIDE], 0.505, 1.0),
    # Nobody has looked there.
    ([OUTSIDE, INSIDE, CUT], 0.667, 1.0),
    ([CUT, OUTSIDE], 0.505, 0.0),
    # A mistake where everybody could see it.
    ([(30, 70, 15, 15), INSIDE], 0.2525, 0.5),
    ([], 0.0, 0.0),
])
def test_scores(scene, found, iou_type, whole, part):
    assert scored(scene, True, found, iou_type)[1]['AP'] == pytest.approx(
        whole, abs=0.002)
    assert scored(scene, LEFT, found, iou_type)[1]['AP'] == pytest.approx(part)


def test_an_incomplete_image_says_nothing(scene):
    made, _ = scored(scene, False, [INSIDE, OUTSIDE], num_images=2)
    made.cell(2, INSIDE).found(2, INSIDE)
    assert evaluate(made.gt, made.results, 'segm')['AP'] == 1


def test_thresholds(scene, tmp_path):
    made, _ = scored(scene, LEFT, [])
    made.found(1, INSIDE, 0.5).found(1, CUT, 0.6).found(1, OUTSIDE, 0.7)
    path = tmp_path / 'gt.json'
    path.write_text(json.dumps(made.gt))
    truth = load_ground_truth(path)
    curve = f1_curve(truth, load_detections(made.results, truth, ['segm']))
    assert curve.thresholds.tolist() == [0.5]
    assert curve.f1.tolist() == [1.0]


@pytest.mark.parametrize('in_memory', [True, False])
def test_faults(scene, tmp_path, in_memory):
    made = scene().cell(1, INSIDE)
    made.gt['images'][0]['complete'] = [[1, 2, 3]]
    path = tmp_path / 'gt.json'
    path.write_text(json.dumps(made.gt))
    with pytest.raises(AnnotationError, match='1 fault') as error:
        load_ground_truth(made.gt if in_memory else path)
    assert '"complete"' in str(error.value)
