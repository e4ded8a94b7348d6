"""A small cascade and samples to train it on."""
import copy
from pathlib import Path

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config

CONFIGS = Path(__file__).parents[2] / 'configs'


@pytest.fixture(scope='session')
def small_model_cfg():
    """Config of the small PACE model, to be built after changes."""
    cfg = Config.fromfile(CONFIGS / '_base_/models/pace_r18_small.py')

    def make(**roi_head):
        model = copy.deepcopy(cfg.model)
        model.roi_head.update(roi_head)
        return model

    return make


def prepare(model, samples, training):
    """Data as the model takes it, batched and normalised."""
    return model.data_preprocessor(
        dict(
            inputs=[image for image, _ in samples],
            data_samples=[copy.deepcopy(sample) for _, sample in samples]),
        training)


def build(cfg):
    torch.manual_seed(0)
    model = MODELS.build(cfg)
    model.init_weights()
    return model
