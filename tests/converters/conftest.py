import copy
import importlib

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config

from pace_mmdet.converters import convert_weights
from tests.models.conftest import CONFIGS

from .published import cell_anchors, published_shapes, seeded_weights

LIVECELL = CONFIGS / 'livecell/anchor_based_r200_dcn.py'
# The published network with fewer and narrower layers.
SMALL = dict(blocks=(3, 4, 6, 3), width=16, channels=32, fc=48, box_convs=4,
             mask_convs=8)


def small_config(path=LIVECELL):
    """A config of the ResNeSt-200 models, as narrow as ``SMALL``."""
    cfg = Config.fromfile(path)
    model = cfg.model
    model.backbone.update(depth=50, base_channels=16, stem_channels=32)
    model.neck.update(in_channels=[64, 128, 256, 512], out_channels=32)
    model.rpn_head.update(in_channels=32, feat_channels=32)
    for head in model.roi_head.bbox_head:
        head.update(in_channels=32, conv_out_channels=32, fc_out_channels=48)
    for part in ('bbox', 'mask'):
        model.roi_head[f'{part}_roi_extractor'].out_channels = 32
    model.roi_head.mask_head.update(in_channels=32, conv_out_channels=32)
    return cfg


@pytest.fixture(scope='package')
def small_cfg():
    """Gives a fresh copy of the small config."""
    cfg = small_config()
    return lambda: copy.deepcopy(cfg)


@pytest.fixture(scope='package')
def small_weights():
    """Published weights of the small network, anchors included."""
    return {**seeded_weights(published_shapes(**SMALL)), **cell_anchors()}


@pytest.fixture(scope='module')
def small_model(small_cfg, small_weights):
    """The small network with these weights converted, in double precision."""
    model = MODELS.build(small_cfg().model)
    result = convert_weights(small_weights, model)
    model.load_state_dict(result.state_dict, strict=True)
    return model.double().eval()


@pytest.fixture
def nms_in_double(monkeypatch):
    """MMCV's suppression knows single precision only: hand it that."""
    module = importlib.import_module('mmcv.ops.nms')
    compiled = module.ext_module

    class Compiled:

        @staticmethod
        def nms(boxes, scores, **options):
            return compiled.nms(boxes.float(), scores.float(), **options)

    monkeypatch.setattr(module, 'ext_module', Compiled)


def in_double(weights):
    return {
        name: value.double() if value.is_floating_point() else value
        for name, value in weights.items()
    }


def feature_maps(height, width, channels=32, seed=0):
    """p2 to p6 of one image, random."""
    generator = torch.Generator().manual_seed(seed)
    levels = []
    for stride in (4, 8, 16, 32, 64):
        shape = (1, channels, -(-height // stride), -(-width // stride))
        levels.append(
            torch.randn(shape, generator=generator, dtype=torch.float64))
    return tuple(levels)
