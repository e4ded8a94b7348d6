"""The published network at full size, from its checkpoint to training.

``livecell_reference.json`` holds what the reference itself computes on the
weights and the image of these tests: chongruo/detectron2-ResNeSt, commit
54ec876, with LIVECell's livecell_config.yaml, on a CPU. It loaded the weights
with ``strict=True``. Changed was: 61 proposals (60 would end between two of
equal score, see below); double precision, also where boxes, anchors and
pasting are cast to single; and its three compiled operators (RoIAlign,
modulated deformable convolution, non-maximum suppression), in whose place
MMCV's ran: ``test_published_blocks.py`` has plain ones beside these.

Equal scores: the two readings of p2 score alike, so proposals come in pairs.
Which of a pair comes first depends on the sorting.
"""
import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmdet.registry import MODELS, TRANSFORMS
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.optim import build_optim_wrapper
from pycocotools import mask as mask_utils

from pace_mmdet.datasets import CellMaskDataset
from pace_mmdet.engine import load_checkpoint_file
from pace_mmdet.testing import write_synthetic_coco

from .conftest import LIVECELL
from .published import cell_anchors, published_shapes, seeded_weights
from .test_published_blocks import by_row

TOOL = Path(
    __file__).parents[2] / 'tools/model_converters/detectron2_resnest.py'
REFERENCE = json.loads(
    (Path(__file__).parent / 'livecell_reference.json').read_text())


@pytest.fixture(scope='module')
def state_dict(tmp_path_factory):
    """What the tool makes of a checkpoint in the published form."""
    folder = tmp_path_factory.mktemp('livecell')
    published = folder / 'LIVECell_anchor_based_model.pth'
    torch.save(
        dict(
            model={
                **seeded_weights(published_shapes()),
                **cell_anchors()
            },
            iteration=29999),
        published,
        _use_new_zipfile_serialization=False)
    out = folder / 'livecell.pth'
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, 'argv', [TOOL.name, str(published), str(out)])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(TOOL), run_name='__main__')
    assert not ended.value.code
    weights = load_checkpoint_file(out)['state_dict']
    # Half a gigabyte each.
    published.unlink()
    out.unlink()
    return weights


def build(state_dict, **settings):
    cfg = Config.fromfile(LIVECELL)
    cfg.merge_from_dict(settings)
    model = MODELS.build(cfg.model)
    model.load_state_dict(state_dict, strict=True)
    return cfg, model


@torch.no_grad()
def test_the_numbers_of_the_reference(state_dict, nms_in_double):
    model = build(state_dict, **{'model.test_cfg.rpn.max_per_img': 61})[1]
    model = model.double().eval()
    # An image of 90 x 117, normalised already, padded to a multiple of 32.
    image = np.random.RandomState(0).normal(0, 1, (3, 90, 117))
    inputs = torch.zeros(1, 3, 96, 128, dtype=torch.float64)
    inputs[0, :, :90, :117] = torch.from_numpy(image)
    sample = DetDataSample(
        metainfo=dict(
            img_shape=(90, 117), ori_shape=(60, 78), scale_factor=(1.5, 1.5)))

    features = model.extract_feat(inputs)
    for level, (name, expected) in zip(
            features, REFERENCE['features'].items(), strict=True):
        height, width = level.shape[2:]
        assert list(level.shape) == expected['shape'], name
        close(level.mean(), expected['mean'])
        close(level.std(), expected['std'])
        close(level[0, :4, 0, 0], expected['corner'])
        close(level[0, 100:104, height // 2, width // 2], expected['middle'])

    proposals, = model.rpn_head.predict(features, [sample], rescale=False)
    close(
        by_row(
            torch.cat([proposals.bboxes, proposals.scores[:, None]], dim=1)),
        by_row(
            torch.cat([
                as_double(REFERENCE['proposals']),
                as_double(REFERENCE['objectness']).sigmoid()[:, None]
            ],
                      dim=1)))
    found, = model.roi_head.predict(
        features, [proposals], [sample], rescale=True)
    close(found.scores, REFERENCE['scores'])
    close(found.bboxes, REFERENCE['boxes'])
    assert mask_utils.area(found.masks).tolist() == REFERENCE['areas']


def as_double(values):
    return torch.as_tensor(values, dtype=torch.float64)


def close(found, expected):
    torch.testing.assert_close(
        found, as_double(expected), rtol=1e-5, atol=1e-5)


def images(tmp_path, cfg, pipeline):
    """Two images of a LIVECell-like data set through a pipeline."""
    ann_file = write_synthetic_coco(tmp_path, 2, 6, 52, 70)
    dataset = CellMaskDataset(
        ann_file=str(ann_file),
        data_prefix=dict(img=str(tmp_path / 'images')),
        test_mode=pipeline == 'test_pipeline',
        pipeline=[])
    steps = cfg[pipeline]
    for step in steps:
        # A tenth of the published size.
        if step.type == 'Resize':
            step.scale = (133, 80)
        elif step.type == 'RandomChoiceResize':
            step.scales = [(133, 64)]
    compose = Compose([TRANSFORMS.build(step) for step in steps
                       if step.type != 'SeedSample'])
    return pseudo_collate([compose(dataset[index]) for index in range(2)])


@torch.no_grad()
def test_it_predicts_an_image(state_dict, tmp_path):
    """By the config's own pipeline, in single precision."""
    cfg, model = build(state_dict, **{'model.test_cfg.rpn.max_per_img': 30})
    batch = images(tmp_path, cfg, 'test_pipeline')
    result = model.eval().test_step(batch)[0].pred_instances
    assert 0 < len(result) <= 30
    assert len(result.masks) == len(result)
    assert result.masks[0]['size'] == [52, 70]
    assert (result.scores > 0.05).all()
    assert torch.isfinite(result.bboxes).all()


def test_it_is_fine_tuned(state_dict, tmp_path):
    """One iteration on two small images, as the config trains."""
    cfg, model = build(
        state_dict, **{
            'model.train_cfg.rpn_proposal.max_per_img': 40,
            'model.train_cfg.rcnn.0.sampler.num': 32
        })
    optimizer = build_optim_wrapper(model, cfg.optim_wrapper)
    torch.manual_seed(0)
    logged = model.train().train_step(
        images(tmp_path, cfg, 'train_pipeline'), optimizer)
    assert {'loss_rpn_cls', 's2.loss_bbox', 'loss_mask'} <= set(logged)
    assert all(torch.isfinite(value).all() for value in logged.values())
    trained = model.state_dict()
    # Frozen is nothing; the last layers of each part have learned.
    for name in ('backbone.stem.0.weight', 'neck.fpn_convs.0.conv.weight',
                 'backbone.layer2.0.conv2.conv.conv_offset.weight',
                 'rpn_head.rpn_reg.weight', 'roi_head.bbox_head.2.fc_reg.bias',
                 'roi_head.mask_head.conv_logits.weight'):
        assert torch.isfinite(trained[name]).all()
        assert not torch.equal(trained[name], state_dict[name]), name
