import torch
from mmdet.registry import MODELS
from mmengine.config import Config

from pace_mmdet.testing import synthetic_sample as make_sample

from .conftest import CONFIGS, prepare


def test_pace_learns_and_predicts_at_full_size():
    """ResNeSt-200 with deformable convolution, forward and backward once.

    Two images: ResNeSt cannot be trained on one, whose pooled map of 1 x 1
    gives batch normalisation a single value.
    """
    cfg = Config.fromfile(CONFIGS / 'pace/pace_r200_dcn_4pt.py')
    # Few RoIs: thousands of them in the heads are not what is tried here.
    cfg.model.train_cfg.rpn_proposal.max_per_img = 50
    cfg.model.train_cfg.rcnn[0].sampler.num = 32
    cfg.model.test_cfg.rpn.max_per_img = 20
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    samples = [make_sample(n, 64, 64, n) for n in (4, 2)]
    model.train()
    losses = model(**prepare(model, samples, True), mode='loss')
    total = sum(
        value if isinstance(value, torch.Tensor) else sum(value)
        for name, value in losses.items() if 'loss' in name)
    total.backward()
    assert torch.isfinite(total)
    offsets = model.backbone.layer4[0].conv2.conv.conv_offset
    for parameter in (offsets.weight, model.backbone.stem[0].weight,
                      model.roi_head.mask_head.conv_logits.weight):
        assert parameter.grad is not None
    model.eval()
    with torch.no_grad():
        result, = model(**prepare(model, samples[:1], False), mode='predict')
    found = result.pred_instances
    assert len(found.masks) == len(found)
