"""The protocol against pycocotools, which it must equal to 1e-6."""
import math

import pytest

from pace_mmdet.evaluation import coco_protocol
from pace_mmdet.evaluation.coco_protocol import (LIVECELL, METRIC_NAMES,
                                                 CocoProtocol, evaluate, match)
from pace_mmdet.evaluation.detections import load_detections
from pace_mmdet.evaluation.ground_truth import load_ground_truth
from pace_mmdet.testing import synthetic_coco, synthetic_results


def same(scores):
    """To compare with, NaN being equal to NaN."""
    return pytest.approx(scores, abs=1e-12, nan_ok=True)


def crowded(scene):
    """150 cells an image, found more or less well, some twice or nowhere."""
    made = scene()
    _, made.gt = synthetic_coco(2, 150, 260, 352)
    made.results = synthetic_results(made.gt)
    return made


def area_borders(scene):
    """18 x 18 = 324 and 31 x 31 = 961 belong to two ranges each."""
    made = scene(1, (200, 200))
    boxes = [(0, 0, 18, 18), (0, 30, 17, 19), (0, 60, 13, 25),
             (60, 0, 31, 31), (60, 60, 32, 30), (60, 120, 37, 26)]
    for i, (x, y, w, h) in enumerate(boxes):
        made.cell(1, (x, y, w, h))
        made.found(1, (x, y, w, h - i % 2), 0.9 - i / 10)
    return made.found(1, (150, 150, 18, 18), 0.95)


def empties(scene):
    """No cells, no detections, neither."""
    return (scene(4).cell(1, (5, 5, 20, 20)).found(1, (5, 5, 20, 18)).cell(
        2, (5, 5, 20, 20)).found(3, (5, 5, 20, 20), 0.95))


def crowd(scene):
    """Detections inside a crowd region are neither right nor wrong."""
    return (scene().cell(1, (0, 0, 60, 60), iscrowd=1).cell(
        1, (70, 5, 20, 20)).found(1, (5, 5, 20, 20), 0.99).found(
            1, (70, 5, 20, 19), 0.5).found(1, (70, 60, 20, 20), 0.9))


def ties(scene):
    """Equal scores, of which the order given decides."""
    made = scene(2)
    for image_id in (2, 1):
        made.cell(image_id, (10, 10, 20, 20)).cell(image_id, (50, 50, 20, 20))
        for shift in (8, 0, 3, 1):
            made.found(image_id, (10 + shift, 10, 20, 20), 0.5)
            made.found(image_id, (50, 50 + shift, 20, 20), 0.5)
    return made


def same_file_twice(scene):
    """Two ids of one file are two images."""
    made = scene(2, names=['A172_Phase_1.tif'] * 2)
    return made.cell(1, (5, 5, 20, 20)).cell(2, (5, 5, 20, 20)).found(
        1, (5, 5, 20, 20))


def categories(scene):
    """A cell of one category may be found as another."""
    made = scene().cell(1, (5, 5, 20, 20), category_id=2).cell(
        1, (50, 5, 20, 20)).found(1, (5, 5, 20, 20)).found(
            1, (50, 5, 20, 20), 0.8, category_id=2).cell(
                1, (80, 60, 20, 20))
    made.gt['categories'].append(dict(id=2, name='debris'))
    return made


def many_detections(scene):
    """The 2000 with the highest scores count; good ones are beyond."""
    made = scene()
    for i in range(30):
        made.cell(1, (4 * i, 0, 3, 30))
        made.found(1, (4 * i, 0, 3, 30), 0.5 if i < 10 else 0.01)
    for i in range(2050):
        made.found(1, (i % 100, 60 + i % 10, 5, 5), 0.1 + (i % 7) / 100)
    return made


SCENES = [
    crowded, area_borders, empties, crowd, ties, same_file_twice, categories,
    many_detections
]


@pytest.mark.parametrize('iou_type', ['bbox', 'segm'])
@pytest.mark.parametrize('make', SCENES)
def test_equals_pycocotools(make, iou_type, scene, pycocotools_scores):
    made = make(scene)
    expected = pycocotools_scores(made.gt, made.results, iou_type)
    scores = evaluate(made.gt, made.results, iou_type)
    assert list(scores) == list(METRIC_NAMES)
    for name in METRIC_NAMES:
        assert scores[name] == pytest.approx(
            expected[name], abs=1e-6, nan_ok=True), name
    assert 0 < expected['AP'] < 1  # the scene tells right from wrong


@pytest.mark.parametrize('iou_type', ['bbox', 'segm'])
def test_more_than_100_perfect_detections_score_one(iou_type):
    _, gt = synthetic_coco(1, 150, 260, 352, rle=True)
    results = [
        dict(ann, score=0.9, category_id=1) for ann in gt['annotations']
    ]
    scores = evaluate(gt, results, iou_type)
    assert scores['AP'] == pytest.approx(1)
    assert scores['AFNR'] == pytest.approx(0)


@pytest.mark.parametrize('iou_type', ['bbox', 'segm'])
def test_no_detections_at_all_score_zero(iou_type, scene):
    scores = evaluate(scene().cell(1, (5, 5, 15, 15)).gt, [], iou_type)
    assert (scores['AP'], scores['APs'], scores['AFNR']) == (0, 0, 1)


def test_a_size_without_cells_has_no_score(scene):
    made = scene().cell(1, (5, 5, 15, 15)).found(1, (5, 5, 15, 15))
    scores = evaluate(made.gt, made.results, 'segm')
    assert scores['APs'] == pytest.approx(1)
    assert math.isnan(scores['APm']) and math.isnan(scores['APl'])


@pytest.mark.parametrize('results', [[], [(5, 5, 20, 20)]])
def test_without_any_cell_there_is_no_score(results, scene):
    made = scene()
    for box in results:
        made.found(1, box)
    scores = evaluate(made.gt, made.results, 'bbox')
    assert all(math.isnan(value) for value in scores.values())


def test_annotation_id_zero_can_be_found(scene):
    made = scene().cell(1, (5, 5, 20, 20), id=0).found(1, (5, 5, 20, 20))
    assert evaluate(made.gt, made.results, 'bbox')['AP'] == pytest.approx(1)


def test_the_size_of_a_detection_is_its_mask_for_segm(scene):
    # A wrong detection with a small mask in a large box lowers APs, not APl.
    made = scene().cell(1, (0, 0, 10, 10)).cell(1, (40, 40, 40, 40)).found(
        1, (0, 0, 10, 10), 0.5).found(1, (40, 40, 40, 40), 0.5)
    made.found(1, (90, 0, 10, 10), 0.9, bbox=[80.0, 0.0, 40.0, 40.0])
    segm = evaluate(made.gt, made.results, 'segm')
    assert segm['APs'] == pytest.approx(0.5)
    assert segm['APl'] == pytest.approx(1)
    bbox = evaluate(made.gt, made.results, 'bbox')
    assert bbox['APs'] == pytest.approx(1)
    assert bbox['APl'] == pytest.approx(0.5)


def test_matching_in_batches_changes_nothing(scene, monkeypatch):
    made = crowded(scene)
    at_once = evaluate(made.gt, made.results, 'segm')
    monkeypatch.setattr(coco_protocol, '_PAIRS_AT_ONCE', 1)
    assert evaluate(made.gt, made.results, 'segm') == same(at_once)


def test_scoring_some_images_equals_a_file_of_these(scene):
    made = crowded(scene)
    truth = load_ground_truth(made.gt)
    matches = match(truth, load_detections(made.results, truth, ['segm']),
                    'segm')
    second = [a for a in made.gt['annotations'] if a['image_id'] == 2]
    results = [r for r in made.results if r['image_id'] == 2]
    alone = dict(made.gt, images=made.gt['images'][1:], annotations=second)
    assert matches.score([2]) == same(evaluate(alone, results, 'segm'))
    assert matches.score([2])['AP'] != matches.score()['AP']


def test_the_limit_of_detections_is_the_protocols(scene):
    made = scene().cell(1, (5, 5, 20, 20)).found(1, (5, 5, 20, 20), 0.1)
    made.found(1, (60, 60, 20, 20), 0.9)
    assert evaluate(made.gt, made.results, 'bbox')['AP'] == pytest.approx(0.5)
    one = CocoProtocol(max_dets=(1, ), area_ranges=LIVECELL.area_ranges)
    assert evaluate(made.gt, made.results, 'bbox', one)['AP'] == 0


def test_unknown_iou_type(scene):
    with pytest.raises(ValueError, match="'bbox', 'segm'.*'mask'"):
        evaluate(scene().gt, [], 'mask')
