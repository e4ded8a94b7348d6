"""Pipelines' contents as pictures."""
import numpy as np
import pytest
import torch
from mmdet.datasets.transforms import PackDetInputs
from mmdet.structures.bbox import HorizontalBoxes
from mmdet.structures.mask import BitmapMasks

from pace_mmdet.structures import InstancePoints
from pace_mmdet.visualization.samples import (from_data_info, from_packed,
                                              from_results)

BLUE = np.zeros((4, 6, 3), np.uint8)
BLUE[..., 0] = 255  # BGR, as pipelines have it
BOX = [1., 1, 3, 4]


def results(image=BLUE, **kwargs):
    points = InstancePoints([[[1.5, 2.5]]], [[1]], 4, 6)
    return dict(
        img=image,
        img_shape=image.shape[:2],
        ori_shape=(4, 6),
        gt_bboxes=HorizontalBoxes(torch.tensor([BOX])),
        gt_bboxes_labels=np.array([0]),
        **{
            'gt_masks': points,
            **kwargs
        })


def info(**cell):
    return dict(instances=[dict(bbox=BOX, bbox_label=0, **cell)])


def test_from_results():
    image, sample = from_results(results())
    assert (image == (0, 0, 255)).all()
    assert sample.gt_instances.bboxes.tolist() == [BOX]
    assert len(sample.gt_instances.masks) == 1


@pytest.mark.parametrize('image', [
    np.full((4, 6), 300.),
    np.full((4, 6, 1), 255, np.uint8),
    np.full((4, 6, 3), 255, np.uint8)
])
def test_before_annotations_are_loaded(image):
    drawn, sample = from_results(dict(img=image))
    assert drawn.shape == (4, 6, 3) and (drawn == 255).all()
    assert len(sample.gt_instances) == 0


def test_from_data_info_with_points():
    _, sample = from_data_info(BLUE,
                               info(point_coords=[[1, 2]], point_labels=[0]))
    points = sample.gt_instances.masks
    assert points.coords.tolist() == [[[1.5, 2.5]]]  # centre of the pixel
    assert points.labels.tolist() == [[0]]


def test_from_data_info_with_masks():
    mask = [[1., 1, 3, 1, 3, 4]]
    _, sample = from_data_info(BLUE, info(mask=mask))
    assert sample.gt_instances.masks == [mask]
    assert sample.gt_instances.labels.tolist() == [0]


@pytest.mark.parametrize('cell', [[], [dict(bbox=BOX, bbox_label=0)]])
def test_from_data_info_without_masks(cell):
    _, sample = from_data_info(BLUE, dict(instances=cell))
    assert len(sample.gt_instances) == len(cell)
    assert 'masks' not in sample.gt_instances


def pack(data):
    return PackDetInputs(meta_keys=('ori_shape', 'img_shape'))(data)


def test_training_samples_are_drawn_at_the_images_size():
    enlarged = BLUE.repeat(2, 0).repeat(2, 1)
    points = InstancePoints([[[1.5, 2.5]]], [[1]], 8, 12)
    image, sample = from_packed(pack(results(enlarged, gt_masks=points)))
    assert image.shape == (8, 12, 3) and (image == (0, 0, 255)).all()
    assert sample.gt_instances.bboxes.tolist() == [BOX]


def test_test_samples_are_drawn_at_the_annotations_size():
    enlarged = BLUE.repeat(2, 0).repeat(2, 1)
    masks = BitmapMasks(np.ones((1, 4, 6), np.uint8), 4, 6)
    image, sample = from_packed(pack(results(enlarged, gt_masks=masks)))
    assert image.shape == (4, 6, 3)
    assert sample.gt_instances.masks is masks


def test_annotations_of_the_data_set_where_the_pipeline_loads_none():
    packed = pack(
        dict(
            img=BLUE.repeat(2, 0).repeat(2, 1),
            img_shape=(8, 12),
            ori_shape=(4, 6)))
    image, sample = from_packed(packed, info(mask=[[1., 1, 3, 1, 3, 4]]))
    assert image.shape == (4, 6, 3) and (image == (0, 0, 255)).all()
    assert sample.gt_instances.bboxes.tolist() == [BOX]
    assert len(from_packed(packed).sample.gt_instances) == 0
