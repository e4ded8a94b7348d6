import numpy as np
import pytest
from mmdet.registry import DATASETS, TRANSFORMS

from pace_mmdet.coco.converting import masks_to_points
from pace_mmdet.datasets import (CellMaskDataset, CellPointDataset,
                                 RandomPointLabel)
from pace_mmdet.errors import ImageFileError
from pace_mmdet.testing import write_synthetic_coco

LOAD_IMAGE = dict(type='LoadMicroscopyImage', normalize='none')


def build(path, *steps, kind='CellMaskDataset'):
    return DATASETS.build(
        dict(
            type=kind,
            ann_file=str(path),
            metainfo=CellMaskDataset.METAINFO,
            data_prefix=dict(img=str(path.parent / 'images')),
            pipeline=[LOAD_IMAGE, *steps]))


@pytest.mark.parametrize('rle', [False, True])
@pytest.mark.parametrize('load', [
    dict(with_mask=False),
    dict(with_mask=True, poly2mask=True),
    dict(with_mask=True, poly2mask=False)
])
@pytest.mark.parametrize('options', [
    dict(num_points=4),
    dict(num_points=10, seed=5, label_flip_prob=0.3)
])
def test_same_points_as_on_disk(tmp_path, rle, load, options):
    path = write_synthetic_coco(tmp_path, 2, 120, 150, 200, rle=rle)
    points = tmp_path / 'points.json'
    masks_to_points(path, points, 10, options.get('seed', 0),
                    options.get('label_flip_prob', 0))
    flying = build(path, dict(type='LoadAnnotations', with_bbox=True, **load),
                   dict(type='RandomPointLabel', **options))
    stored = CellPointDataset(
        ann_file=str(points),
        data_prefix=dict(img=str(tmp_path / 'images')),
        num_points=options['num_points'],
        pipeline=[LOAD_IMAGE, dict(type='LoadPointAnnotations')])
    for index in (1, 0, 0):
        ours, theirs = flying[index], stored[index]
        for name in ('coords', 'labels', 'height', 'width'):
            assert np.array_equal(
                getattr(ours['gt_masks'], name),
                getattr(theirs['gt_masks'], name))
        assert ours['gt_ignore_flags'].dtype == bool
        assert np.array_equal(ours['gt_ignore_flags'],
                              theirs['gt_ignore_flags'])
        assert np.allclose(ours['gt_bboxes'].tensor,
                           theirs['gt_bboxes'].tensor)


def test_crowds_stay_ignored(mask_file, edit):

    def crowd(coco):
        coco['annotations'][1]['iscrowd'] = 1

    dataset = build(
        edit(mask_file, crowd), dict(type='LoadAnnotations', with_bbox=True),
        dict(type='RandomPointLabel', num_points=2))
    assert dataset[0]['gt_ignore_flags'].tolist() == [False, True
                                                      ] + [False] * 10


def test_image_without_cells(tmp_path):
    path = write_synthetic_coco(tmp_path, 1, 0, 20, 30)
    dataset = build(path, dict(type='LoadAnnotations', with_bbox=True),
                    dict(type='RandomPointLabel', num_points=3))
    assert dataset[0]['gt_masks'].coords.shape == (0, 3, 2)
    assert dataset[0]['gt_ignore_flags'].shape == (0, )


@pytest.mark.parametrize(('step', 'message'), [
    (dict(type='Resize', scale=(256, 256)), 'already resized'),
    (dict(type='RandomFlip', prob=1.0), 'already flipped'),
    (dict(type='RandomCrop', crop_size=(40, 40)), 'already cropped or pad'),
    (dict(type='Pad', size_divisor=100), 'already cropped or padded'),
    (dict(type='Rotate', prob=1.0, level=10), 'already moved'),
])
def test_refuses_a_moved_image(mask_file, step, message):
    dataset = build(mask_file, dict(type='LoadAnnotations', with_bbox=True),
                    step, dict(type='RandomPointLabel', num_points=2))
    with pytest.raises(ValueError, match=message):
        dataset[0]


def test_needs_annotation_ids(mask_file):
    dataset = build(
        mask_file,
        dict(type='LoadAnnotations', with_bbox=True),
        dict(type='RandomPointLabel', num_points=2),
        kind='CocoDataset')
    with pytest.raises(ValueError, match='12 of 12 instances without ann_id: '
                       'use CellMaskDataset'):
        dataset[0]


def test_refuses_results_that_do_not_fit(mask_file):
    step = RandomPointLabel(2)
    results = build(mask_file, dict(type='LoadAnnotations', with_bbox=True))[0]
    with pytest.raises(ValueError, match='must stand after LoadAnnotations'):
        step({k: v for k, v in results.items() if k != 'gt_bboxes'})
    with pytest.raises(ValueError, match='11 boxes for 12 instances'):
        step(dict(results, gt_bboxes=results['gt_bboxes'][1:]))
    with pytest.raises(ImageFileError, match='its annotation file says'):
        step(dict(results, height=95))
    for instance in results['instances']:
        del instance['mask']
    with pytest.raises(ValueError, match='12 of 12 instances without mask'):
        step(results)


@pytest.mark.parametrize(('options', 'message'), [
    (dict(num_points=0), 'num_points must be'),
    (dict(num_points=4, label_flip_prob=2), 'label_flip_prob must be'),
])
def test_wrong_options(options, message):
    with pytest.raises(ValueError, match=message):
        TRANSFORMS.build(dict(type='RandomPointLabel', **options))
