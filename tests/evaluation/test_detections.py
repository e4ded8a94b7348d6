import json

import numpy as np
import pytest

from pace_mmdet.errors import AnnotationError
from pace_mmdet.evaluation.detections import load_detections, write_results
from pace_mmdet.evaluation.ground_truth import load_ground_truth

BOTH = ('bbox', 'segm')


@pytest.fixture
def made(scene):
    return scene(2).cell(1, (5, 5, 20, 20)).found(2, (5, 5, 20, 20), 0.25)


def test_every_image_has_an_entry(made):
    first, second = load_detections(made.results, load_ground_truth(made.gt),
                                    BOTH)
    assert (first.image_id, second.image_id) == (1, 2)
    assert first.bboxes.shape == (0, 4) and first.counts == []
    np.testing.assert_array_equal(second.bboxes, [[5, 5, 20, 20]])
    np.testing.assert_array_equal(second.scores, [0.25])
    assert len(second.counts) == 1


def test_only_what_is_scored_is_needed(made):
    truth = load_ground_truth(made.gt)
    result = made.results[0]
    boxes = [{key: result[key] for key in ('image_id', 'score', 'bbox')}]
    masks = [{key: result[key] for key in
              ('image_id', 'score', 'segmentation')}]
    assert load_detections(boxes, truth, ['bbox'])[1].counts is None
    assert len(load_detections(masks, truth, ['segm'])[1].counts) == 1


@pytest.mark.parametrize('changes, message', [
    (dict(image_id=9), 'entry 0: image_id 9 is not in ground truth'),
    (dict(score=float('nan')), r'entry 0 \(image 2\): score nan'),
    (dict(score='high'), 'Expected `float`, got `str`'),
    (dict(bbox=None), r'entry 0 \(image 2\): bbox None should be'),
    (dict(bbox=[1, 2, 3]), r'bbox \[1, 2, 3\] should be \[x, y, w, h\]'),
    (dict(bbox=[1, 2, 3, float('inf')]), 'bbox'),
    (dict(segmentation=None), r'entry 0 \(image 2\): no mask: None'),
    (dict(segmentation=[]), r'entry 0 \(image 2\): no mask: \[\]'),
    (dict(segmentation=dict(size=[1, 2], counts='0')), 'of another size'),
    (dict(segmentation=dict(size=[100, 120], counts='zz')),
     r'entry 0 \(image 2\): run-length code that is cut off or does not '),
])
def test_faults(made, changes, message):
    made.results[0].update(changes)
    with pytest.raises(AnnotationError, match=message):
        load_detections(made.results, load_ground_truth(made.gt), BOTH)


@pytest.mark.parametrize('text, message', [
    ('[{"image_id": 1, "score": 0.5, ', 'it ends early, at byte 31'),
    ('[{"image_id": 1, "score": NaN}]', 'at byte 26 of 31, before .NaN'),
    ('{"annotations": []}', 'not a COCO results file.*Expected `array`'),
    ('', 'it ends early, at byte 0'),
])
def test_unreadable_files(made, tmp_path, text, message):
    path = tmp_path / 'results.json'
    path.write_text(text)
    with pytest.raises(AnnotationError, match=message):
        load_detections(path, load_ground_truth(made.gt), BOTH)


def test_missing_file(made, tmp_path):
    with pytest.raises(AnnotationError, match='No such file.*expected a COCO'):
        load_detections(tmp_path / 'no.json', load_ground_truth(made.gt),
                        BOTH)


def test_what_is_written_is_read_again(made, tmp_path):
    made.found(1, (7, 8, 9, 10), 0.125)
    truth = load_ground_truth(made.gt)
    written = load_detections(made.results, truth, BOTH)
    path = tmp_path / 'new' / 'results.json'
    assert write_results(path, written, truth) == 2
    for one, other in zip(load_detections(path, truth, BOTH), written):
        np.testing.assert_array_equal(one.bboxes, other.bboxes)
        np.testing.assert_array_equal(one.scores, other.scores)
        assert one.counts == other.counts
    entry = json.loads(path.read_text())[0]
    assert entry['category_id'] == 1
    assert isinstance(entry['segmentation']['counts'], str)


def test_no_detections_are_an_empty_list(made, tmp_path):
    path = tmp_path / 'results.json'
    assert write_results(path, [], load_ground_truth(made.gt)) == 0
    assert json.loads(path.read_text()) == []


def test_a_failure_leaves_the_old_file(made, tmp_path):
    truth = load_ground_truth(made.gt)
    path = tmp_path / 'results.json'
    path.write_text('old')

    def broken():
        yield from load_detections(made.results, truth, BOTH)
        raise RuntimeError('broken off')

    with pytest.raises(RuntimeError, match='broken off'):
        write_results(path, broken(), truth)
    assert path.read_text() == 'old'
    assert list(tmp_path.iterdir()) == [path]
