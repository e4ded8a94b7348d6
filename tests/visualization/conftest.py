"""Cells to draw."""
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData
from pycocotools import mask as mask_utils

from pace_mmdet.points import draw_points, label_points
from pace_mmdet.structures import InstancePoints
from pace_mmdet.testing import synthetic_cells


def _cells(num_cells, height, width, num_points=4):
    cells = synthetic_cells(num_cells, height, width)
    polygons = [[polygon] for polygon in cells.polygons]
    codes = [mask_utils.frPyObjects(p, height, width)[0] for p in polygons]
    pixels = draw_points(cells.bboxes, np.arange(num_cells), num_points,
                         height, width)
    points = InstancePoints(pixels + 0.5,
                            label_points(pixels, codes, height, width), height,
                            width)
    return SimpleNamespace(
        image=cells.image,
        bboxes=cells.bboxes,
        polygons=polygons,
        codes=codes,
        points=points)


def _sample(cells, truth=None, prediction=None, scores=None):
    sample = DetDataSample()
    count = len(cells.bboxes)
    common = dict(
        bboxes=torch.tensor(cells.bboxes, dtype=torch.float32),
        labels=torch.zeros(count, dtype=torch.int64))
    if truth is not None:
        sample.gt_instances = InstanceData(**common, masks=truth)
    if prediction is not None:
        scores = torch.ones(count) if scores is None else torch.tensor(scores)
        sample.pred_instances = InstanceData(
            **common, masks=prediction, scores=scores)
    return sample


@pytest.fixture
def make_cells():
    return _cells


@pytest.fixture
def make_sample():
    return _sample
