"""A small cascade and samples to train it on."""
import copy
from pathlib import Path

import pytest
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.structures import InstanceData

from pace_mmdet.points import draw_points, label_points
from pace_mmdet.structures import InstancePoints
from pace_mmdet.testing import synthetic_cells

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


def make_sample(num_cells, height=96, width=128, seed=0, num_points=4):
    """Image and data sample with point labels, as the pipeline packs them."""
    cells = synthetic_cells(num_cells, height, width, seed)
    pixels = draw_points(cells.bboxes, range(num_cells), num_points, height,
                         width)
    labels = label_points(pixels, [[p] for p in cells.polygons], height,
                          width)
    sample = DetDataSample(
        metainfo=dict(
            img_shape=(height, width),
            ori_shape=(height, width),
            scale_factor=(1.0, 1.0)))
    sample.gt_instances = InstanceData(
        bboxes=torch.tensor(cells.bboxes, dtype=torch.float32).reshape(-1, 4),
        labels=torch.zeros(num_cells, dtype=torch.long),
        masks=InstancePoints(pixels + 0.5, labels, height, width))
    sample.ignored_instances = InstanceData(
        bboxes=torch.zeros(0, 4), labels=torch.zeros(0, dtype=torch.long))
    image = torch.from_numpy(cells.image)[None].repeat(3, 1, 1)
    return image, sample


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
