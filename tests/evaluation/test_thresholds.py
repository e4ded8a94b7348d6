import numpy as np
import pytest

from pace_mmdet.errors import UserError
from pace_mmdet.evaluation.detections import load_detections
from pace_mmdet.evaluation.ground_truth import load_ground_truth
from pace_mmdet.evaluation.thresholds import f1_curve
from pace_mmdet.masks.codes import encode_bitmaps


def code(x, y, width, height, size=(20, 40)):
    mask = np.zeros((1, *size), bool)
    mask[0, y:y + height, x:x + width] = True
    return dict(size=list(size), counts=encode_bitmaps(mask)[0].decode())


def curve_of(cells, found, iou_thr=0.5, crowd=()):
    """Of cells and detections (image, x, width[, score]), 10 pixels high."""
    anns = [
        dict(id=number, image_id=image, category_id=1, bbox=[x, 0, width, 10],
             area=10 * width, iscrowd=int(number in crowd),
             segmentation=code(x, 0, width, 10))
        for number, (image, x, width) in enumerate(cells)
    ]
    truth = load_ground_truth(dict(
        images=[dict(id=i, file_name=f'{i}.tif', height=20, width=40)
                for i in (1, 2)],
        annotations=anns, categories=[dict(id=1)]))
    results = [
        dict(image_id=image, category_id=1, score=score,
             segmentation=code(x, 0, width, 10))
        for image, x, width, score in found
    ]
    return f1_curve(truth, load_detections(results, truth, ['segm']), iou_thr)


CELLS = [(1, 0, 10), (1, 20, 10), (2, 0, 10)]


def test_by_hand():
    curve = curve_of(CELLS, [
        (1, 0, 10, 0.9),  # right
        (1, 1, 10, 0.8),  # again the same cell: wrong
        (2, 0, 6, 0.7),  # IoU 0.6: right
        (1, 20, 4, 0.7),  # IoU 0.4: wrong
        (2, 20, 10, 0.1),  # nothing there: wrong
    ])
    assert curve.thresholds.tolist() == [0.9, 0.8, 0.7, 0.1]
    assert curve.precision.tolist() == [1, 1 / 2, 2 / 4, 2 / 5]
    assert curve.recall.tolist() == [1 / 3, 1 / 3, 2 / 3, 2 / 3]
    assert np.allclose(curve.f1, [0.5, 0.4, 4 / 7, 0.5])
    assert curve.best == 2
    assert [curve.at(t) for t in (0.95, 0.9, 0.85, 0.7, 0.3, 0.1, 0)] == [
        -1, 0, 0, 2, 2, 3, 3
    ]


def test_stricter():
    found = [(1, 0, 10, 0.9), (2, 0, 6, 0.7)]
    assert curve_of(CELLS, found, 0.6).recall[-1] == pytest.approx(2 / 3)
    assert curve_of(CELLS, found, 0.61).recall[-1] == pytest.approx(1 / 3)


def test_each_takes_the_free_cell_that_fits_best():
    """The better scoring one is first, whatever is left for the other."""
    cells = [(1, 0, 10), (1, 4, 10)]
    curve = curve_of(cells, [(1, 4, 10, 0.5), (1, 2, 10, 0.9)])
    assert curve.recall[-1] == 1
    curve = curve_of(cells, [(1, 0, 10, 0.9), (1, 1, 10, 0.8),
                             (1, 5, 10, 0.7)])
    # The second fits the other cell well enough, the third only that one.
    assert curve.precision.tolist() == [1, 1, pytest.approx(2 / 3)]


def test_crowds_neither_help_nor_harm():
    curve = curve_of(CELLS, [(1, 0, 10, 0.9), (1, 22, 4, 0.8),
                             (2, 30, 4, 0.7)], crowd={1})
    assert curve.thresholds.tolist() == [0.9, 0.7]
    assert curve.recall.tolist() == [0.5, 0.5]
    assert curve.precision.tolist() == [1, 0.5]


def test_agrees_with_the_recall_of_the_protocol():
    from pace_mmdet.evaluation.coco_protocol import match
    rng = np.random.default_rng(0)
    cells = [(image, int(x), 8) for image in (1, 2)
             for x in rng.permutation(32)[:6]]
    found = [(image, int(x), 8, float(score)) for image in (1, 2)
             for x, score in zip(rng.integers(0, 32, 9), rng.random(9))]
    curve = curve_of(cells, found)
    anns = [dict(id=i, image_id=image, category_id=1, bbox=[x, 0, w, 10],
                 area=10 * w, iscrowd=0, segmentation=code(x, 0, w, 10))
            for i, (image, x, w) in enumerate(cells)]
    truth = load_ground_truth(dict(
        images=[dict(id=i, file_name=f'{i}.tif', height=20, width=40)
                for i in (1, 2)],
        annotations=anns, categories=[dict(id=1)]))
    dets = load_detections([
        dict(image_id=image, category_id=1, score=score,
             segmentation=code(x, 0, w, 10)) for image, x, w, score in found
    ], truth, ['segm'])
    # Interpolated precision, averaged over 101 recalls, is AP50.
    best_after = np.maximum.accumulate(curve.precision[::-1])[::-1]
    levels = np.linspace(0, 1, 101)
    at = np.searchsorted(curve.recall, levels - 1e-12)
    precision = np.where(at < len(best_after),
                         best_after[np.minimum(at, len(best_after) - 1)], 0)
    assert precision.mean() == pytest.approx(
        match(truth, dets, 'segm').score()['AP50'], abs=1e-9)


@pytest.mark.parametrize(('cells', 'found'), [
    ([], [(1, 0, 10, 0.9)]), (CELLS, [])
])
def test_nothing_to_choose_from(cells, found):
    with pytest.raises(UserError, match='both are needed'):
        curve_of(cells, found)
