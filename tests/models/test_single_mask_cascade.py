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


def test_a_cascade_without_a_mask_head_learns_boxes(small_model_cfg):
    cfg = small_model_cfg()
    for key in ('mask_head', 'mask_roi_extractor'):
        cfg.roi_head.pop(key)
    losses = losses_of(build(cfg), [make_sample(9), make_sample(0, seed=1)])
    assert 'loss_mask' not in losses
    assert {f's{stage}.loss_bbox' for stage in range(3)} <= set(losses)


def losses_without_rois(model):
    model.train()
    model.zero_grad()
    features = tuple(
        torch.randn(2, 128, 24 // 2**i, 32 // 2**i) for i in range(5))
    samples = [make_sample(0)[1], make_sample(0)[1]]
    proposals = [
        InstanceData(bboxes=torch.zeros(0, 4), scores=torch.zeros(0))
        for _ in samples
    ]
    return model.roi_head.loss(features, proposals, samples)


def test_mask_losses_have_the_same_keys_without_a_roi(model, monkeypatch):
    """Processes compare them."""

    def with_another(*args, **kwargs):
        results = plain(*args, **kwargs)
        results['loss_mask']['loss_box_projection'] = kwargs[
            'mask_preds'].sum() * 0
        return results

    head = model.roi_head.mask_head
    plain = head.loss_and_target
    monkeypatch.setattr(head, 'loss_and_target', with_another)
    for losses in (losses_of(model, [make_sample(9), make_sample(5)]),
                   losses_without_rois(model)):
        assert {'loss_mask', 'loss_box_projection'} <= set(losses)


def test_a_batch_without_a_single_roi_ends_early(model):
    """Every head still takes part, with a loss of zero."""
    head = model.roi_head
    losses = losses_without_rois(model)
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


def sampled_rois(small_model_cfg, sampler, num_cells, offset):
    """RoIs and positive ones at each stage, from proposals near true boxes.

    The box heads are made to shift nothing, so that a stage's RoIs are those
    that the stage before handed on.

    Args:
        sampler (dict): Of the stages after the first.
        num_cells (int): Cells in the image.
        offset (float): Of proposals, in widths of a cell.
    """
    cfg = small_model_cfg()
    stages = cfg.train_cfg.rcnn
    stages[0].sampler.num = 512
    for stage in stages[1:]:
        stage.sampler = dict(sampler)
    model = build(cfg)
    head = model.roi_head
    for box_head in head.bbox_head:
        torch.nn.init.zeros_(box_head.fc_reg.weight)
        torch.nn.init.zeros_(box_head.fc_reg.bias)
    sample = make_sample(num_cells, 520, 704)[1]
    boxes = sample.gt_instances.bboxes
    boxes = getattr(boxes, 'tensor', boxes)
    shift = offset * (boxes[:, 2:] - boxes[:, :2])
    away = torch.rand(2000, 2) * torch.tensor([500., 370.])
    proposals = torch.cat([
        boxes + torch.cat([shift, shift], dim=1),
        torch.cat([away, away + torch.tensor([200., 150.])], dim=1)
    ])
    counts = []
    stock = head.bbox_loss

    def bbox_loss(stage, x, sampling_results):
        result, = sampling_results
        counts.append((len(result.priors), len(result.pos_priors)))
        return stock(stage, x, sampling_results)

    head.bbox_loss = bbox_loss
    head.train()
    features = tuple(
        torch.zeros(1, 128, -(-520 // 2**i), -(-704 // 2**i))
        for i in range(2, 7))
    head.loss(features, [
        InstanceData(bboxes=proposals, scores=torch.ones(len(proposals)))
    ], [sample])
    return counts


@pytest.mark.parametrize('num_cells, offset', [(300, 0.05), (100, 0.6)])
def test_rois_drawn_once_stay_through_the_stages(small_model_cfg, num_cells,
                                                 offset):
    """True boxes among them, too, which are the only positive ones where
    proposals are poor."""
    counts = sampled_rois(small_model_cfg, dict(type='PseudoSampler'),
                          num_cells, offset)
    assert counts == 3 * [(512, min(num_cells, 128))]


def test_stages_that_draw_anew_get_true_boxes_once(small_model_cfg):
    """As MMDetection has it: left out, then added by the sampler."""
    sampler = dict(small_model_cfg().train_cfg.rcnn[1].sampler, num=512)
    counts = sampled_rois(small_model_cfg, sampler, 100, 0.6)
    assert counts == 3 * [(512, 100)]
