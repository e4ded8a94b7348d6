import pytest
import torch
from mmengine.structures import InstanceData

from pace_mmdet.models import PointMaskHead, SingleMaskCascadeRoIHead
from pace_mmdet.testing import synthetic_sample as make_sample

from .conftest import build, prepare


@pytest.fixture(scope='module')
def model(small_model_cfg):
    return build(small_model_cfg())


def total(losses):
    return sum(
        value if isinstance(value, torch.Tensor) else sum(value)
        for name, value in losses.items() if 'loss' in name)


def losses_of(model, samples):
    model.train()
    torch.manual_seed(0)
    return model(**prepare(model, samples, True), mode='loss')


def test_one_mask_head(model):
    assert isinstance(model.roi_head, SingleMaskCascadeRoIHead)
    assert isinstance(model.roi_head.mask_head, PointMaskHead)
    assert len(model.roi_head.bbox_head) == 3


@pytest.mark.parametrize('counts', [(9, 5), (3, 0), (0, 0), (1, 120)])
def test_every_parameter_gets_a_gradient(model, counts):
    samples = [make_sample(n, seed=i) for i, n in enumerate(counts)]
    model.zero_grad()
    loss = total(losses_of(model, samples))
    loss.backward()
    assert torch.isfinite(loss)
    missing = [
        name for name, parameter in model.named_parameters()
        if parameter.requires_grad and parameter.grad is None
    ]
    assert not missing


@pytest.mark.parametrize('mask_stage, expected', [(-1, 2), (0, 0), (1, 1)])
def test_the_mask_loss_counts_in_full(small_model_cfg, mask_stage, expected):
    samples = [make_sample(9), make_sample(5, seed=1)]
    losses = []
    for weights in ([1, 1, 1], [1, 0.5, 0.25], [0, 0, 0]):
        model = build(
            small_model_cfg(
                mask_stage=mask_stage, stage_loss_weights=weights))
        assert model.roi_head.mask_stage == expected
        result = losses_of(model, samples)
        assert not [n for n in result if n.endswith('.loss_mask')]
        losses.append(result['loss_mask'])
    torch.testing.assert_close(losses[0], losses[1])
    torch.testing.assert_close(losses[0], losses[2])
    if expected == 0:
        assert losses[0] > 0


def test_a_batch_without_a_single_roi_ends_early(model):
    """Every head still takes part, with a loss of zero."""
    head = model.roi_head
    model.train()
    model.zero_grad()
    features = tuple(
        torch.randn(2, 128, 24 // 2**i, 32 // 2**i) for i in range(5))
    samples = [make_sample(0)[1], make_sample(0)[1]]
    proposals = [
        InstanceData(bboxes=torch.zeros(0, 4), scores=torch.zeros(0))
        for _ in samples
    ]
    losses = head.loss(features, proposals, samples)
    loss = total(losses)
    loss.backward()
    assert loss.item() == 0 and 'loss_unused' in losses
    assert all(p.grad is not None and (p.grad == 0).all()
               for p in head.parameters())


@pytest.mark.parametrize('codes', [True, False])
def test_prediction(model, codes):
    samples = [make_sample(7), make_sample(0, seed=1)]
    model.eval()
    model.roi_head.test_cfg.mask_codes = codes
    with torch.no_grad():
        results = model(**prepare(model, samples, False), mode='predict')
    for result in results:
        found = result.pred_instances
        assert len(found.masks) == len(found) > 0
        assert (found.scores > 0.05).all()
        if codes:
            assert found.masks[0]['size'] == [96, 128]
        else:
            assert found.masks.shape[1:] == (96, 128)


def test_no_detections_at_all(model):
    head = model.roi_head
    sample = make_sample(1)[1]
    features = tuple(
        torch.randn(1, 128, 24 // 2**i, 32 // 2**i) for i in range(5))
    model.eval()
    with torch.no_grad():
        results = head.predict(
            features,
            [InstanceData(bboxes=torch.zeros(0, 4), scores=torch.zeros(0))],
            [sample])
    assert len(results[0]) == 0 and len(results[0].masks) == 0


def test_scores_are_mean_probabilities_of_the_stages(model):
    head = model.roi_head
    model.eval()
    features = tuple(
        torch.randn(1, 128, 24 // 2**i, 32 // 2**i) for i in range(5))
    boxes = torch.tensor([[0., 5., 5., 30., 40.], [0., 50., 20., 90., 60.]])
    with torch.no_grad():
        _, scores, _ = head._refine_roi(features, boxes,
                                        [make_sample(0)[1].metainfo], (2, ))
        rois, expected = boxes, 0
        for stage in range(3):
            out = head._bbox_forward(stage, features, rois)
            expected = expected + out['cls_score'].softmax(-1) / 3
            rois = head.bbox_head[stage].bbox_coder.decode(
                rois[:, 1:], out['bbox_pred'], max_shape=(96, 128))
            rois = torch.cat([boxes[:, :1], rois], dim=1)
    torch.testing.assert_close(scores[0].softmax(-1), expected)


def test_each_box_head_passes_on_a_third_of_its_gradient(model):
    head = model.roi_head
    features = [
        torch.randn(1, 128, 24 // 2**i, 32 // 2**i, requires_grad=True)
        for i in range(5)
    ]
    rois = torch.tensor([[0., 5., 5., 30., 40.]])
    head._bbox_forward(1, features, rois)['cls_score'].sum().backward()
    scaled = features[0].grad.clone()
    features[0].grad = None
    extractor = head.bbox_roi_extractor[1]
    head.bbox_head[1](extractor(features[:4], rois))[0].sum().backward()
    assert scaled.abs().sum() > 0
    torch.testing.assert_close(scaled * 3, features[0].grad)


def test_forward_gives_the_networks_outputs(model):
    samples = [make_sample(3), make_sample(2, seed=1)]
    model.eval()
    with torch.no_grad():
        outputs = model(**prepare(model, samples, False), mode='tensor')
    masks = outputs[-1][-1]
    assert masks.shape[1:] == (1, 28, 28)


@pytest.mark.parametrize('changes, message', [
    (dict(mask_stage=3), 'one of 3 stages, got 3'),
    (dict(mask_stage=-4), 'one of 3 stages, got -4'),
    (dict(mask_roi_extractor=None), 'one mask_head and'),
])
def test_bad_arguments(small_model_cfg, changes, message):
    with pytest.raises(ValueError, match=message):
        build(small_model_cfg(**changes))
