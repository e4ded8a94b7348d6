"""The metric as MMDetection calls it."""
import json
import logging
import math

import numpy as np
import pytest
import torch
from mmdet.registry import METRICS
from mmdet.structures import DetDataSample
from mmengine.evaluator import Evaluator
from mmengine.logging import MMLogger
from mmengine.structures import InstanceData
from pycocotools import mask as mask_utils

import pace_mmdet  # noqa: F401  (registers the metric)
from pace_mmdet.errors import AnnotationError
from pace_mmdet.evaluation import livecell_metric
from pace_mmdet.evaluation.coco_protocol import METRIC_NAMES, evaluate


@pytest.fixture
def made(scene):
    made = scene(3, names=['A172_Phase_1.tif', 'A172_Phase_2.tif', 'x.tif'])
    for image_id in (1, 2):
        made.cell(image_id, (5, 5, 15, 15)).cell(image_id, (40, 40, 20, 25))
        made.found(image_id, (5, 5, 15, 14), 0.75)
        made.found(image_id, (42, 40, 20, 25), 0.5)
    return made.found(3, (5, 5, 15, 15), 0.25)


@pytest.fixture
def metric(made, tmp_path):

    def build(**kwargs):
        path = tmp_path / 'gt.json'
        path.write_text(json.dumps(made.gt))
        return METRICS.build(
            dict(type='LIVECellMetric', ann_file=str(path), **kwargs))

    return build


@pytest.fixture
def log(caplog):
    """What the metric logs."""
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    caplog.set_level(logging.INFO, logger=logger.name)
    yield caplog
    logger.removeHandler(caplog.handler)


def sample(made, image_id, masks='rle'):
    results = [r for r in made.results if r['image_id'] == image_id]
    bboxes = torch.tensor([r['bbox'] for r in results]).reshape(-1, 4)
    bboxes[:, 2:] += bboxes[:, :2]
    fields = dict(
        bboxes=bboxes,
        scores=torch.tensor([r['score'] for r in results]),
        labels=torch.zeros(len(results), dtype=torch.int64))
    rles = [r['segmentation'] for r in results]
    if masks == 'rle':
        fields['masks'] = rles
    elif masks == 'bitmaps':
        bitmaps = [mask_utils.decode(rle) for rle in rles]
        fields['masks'] = torch.from_numpy(
            np.stack(bitmaps) if bitmaps else np.zeros((0, *made.size))).bool()
    data_sample = DetDataSample(
        metainfo=dict(img_id=image_id, ori_shape=made.size))
    data_sample.pred_instances = InstanceData(**fields)
    return data_sample


def run(metric, samples):
    evaluator = Evaluator([metric])
    for data_sample in samples:
        evaluator.process([data_sample])
    return evaluator.evaluate(len(samples))


@pytest.mark.parametrize('masks', ['rle', 'bitmaps'])
def test_scores_are_the_protocols(made, metric, masks):
    scores = run(metric(), [sample(made, i, masks) for i in (1, 2, 3)])
    for iou_type in ('bbox', 'segm'):
        expected = evaluate(made.gt, made.results, iou_type)
        for name in METRIC_NAMES:
            assert scores[f'livecell/{iou_type}_{name}'] == pytest.approx(
                expected[name], nan_ok=True)
        assert 0 < expected['AP'] < 1
        assert f'livecell/{iou_type}_AP_A172' in scores
    assert len(scores) == 2 * (len(METRIC_NAMES) + 1)


def test_processed_results_hold_no_bitmaps(made, metric):
    built = metric()
    built.process({}, [sample(made, 1, 'bitmaps').to_dict()])
    assert [type(count) for count in built.results[0].counts] == [bytes] * 2


def test_a_size_without_cells_is_nan_and_said_so(made, metric, log):
    scores = run(metric(metric='segm'), [sample(made, i) for i in (1, 2, 3)])
    assert math.isnan(scores['livecell/segm_APl'])
    assert 'no ground-truth cells for segm_APl' in log.text


def test_part_of_the_images(made, metric, log):
    scores = run(metric(metric='bbox'), [sample(made, 1)])
    gt = dict(
        made.gt,
        images=made.gt['images'][:1],
        annotations=made.gt['annotations'][:2])
    assert scores['livecell/bbox_AP'] == pytest.approx(
        evaluate(gt, made.results[:2], 'bbox')['AP'])
    assert '1 of the 3 images' in log.text


@pytest.mark.parametrize('masks', ['rle', 'bitmaps'])
def test_nothing_detected(made, metric, masks, log):
    made.results = []
    scores = run(metric(), [sample(made, i, masks) for i in (1, 2, 3)])
    assert scores['livecell/segm_AP'] == scores['livecell/bbox_AP'] == 0
    assert scores['livecell/segm_AFNR'] == 1
    assert 'detected nothing in 3 images' in log.text


def test_predictions_are_written(made, metric, tmp_path):
    out = tmp_path / 'out.json'
    scores = run(metric(out_json=str(out)),
                 [sample(made, i, 'bitmaps') for i in (1, 2, 3)])
    assert evaluate(made.gt, json.loads(out.read_text()),
                    'segm')['AP'] == scores['livecell/segm_AP']


def test_a_model_without_masks(made, metric):
    samples = [sample(made, i, masks=None) for i in (1, 2, 3)]
    assert run(metric(metric='bbox'), samples)['livecell/bbox_AP'] > 0
    with pytest.raises(ValueError, match="no masks.*metric='bbox'"):
        run(metric(), samples)


@pytest.mark.parametrize('ids, error, message', [
    ([], ValueError, 'no image was evaluated'),
    ([1, 2, 1], ValueError,
     r'1 images were evaluated twice \(ids \[1\]\)'),
    ([1, 7], AnnotationError,
     r'1 of 2 evaluated images are not in this file \(ids \[7\]\)'),
])
def test_wrong_images(made, metric, ids, error, message):
    with pytest.raises(error, match=message):
        run(metric(), [sample(made, i) for i in ids])


def test_diverged_models(made, metric):
    made.results[0]['score'] = float('nan')
    with pytest.raises(ValueError, match='image 1: scores or boxes.*finite'):
        run(metric(), [sample(made, 1)])


def test_masks_of_another_size(made, metric):
    wrong = sample(made, 1, 'bitmaps')
    wrong.set_metainfo(dict(ori_shape=(50, 60)))
    with pytest.raises(ValueError, match=r'\(100, 120\).*has \(50, 60\)'):
        run(metric(), [wrong])


def test_broken_masks(made, metric):
    made.results[0]['segmentation']['counts'] = '0000'
    with pytest.raises(ValueError, match='image 1: mask 0 .*cut off'):
        run(metric(), [sample(made, 1)])


def test_point_labels_score_boxes_only(made, metric):
    for ann in made.gt['annotations']:
        del ann['segmentation']
        ann['point_coords'] = [[6, 6]]
    with pytest.raises(AnnotationError, match='points, not masks'):
        metric()
    samples = [sample(made, i) for i in (1, 2, 3)]
    assert run(metric(metric='bbox'), samples)['livecell/bbox_AP'] > 0


@pytest.mark.parametrize('wrong', ['mask', (), ('bbox', 'proposal')])
def test_unknown_metric(metric, wrong):
    with pytest.raises(ValueError, match="'bbox', 'segm'"):
        metric(metric=wrong)


def test_unknown_argument(metric):
    with pytest.raises(TypeError, match='metrics'):
        metric(metrics='bbox')


def test_only_the_first_process_reads_the_cells(metric, monkeypatch):
    monkeypatch.setattr(livecell_metric, 'is_main_process', lambda: False)
    assert metric()._truth is None
