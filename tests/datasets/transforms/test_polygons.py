"""Full masks reach the loss where they are, whatever their form."""
import functools
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import shapely
import torch
from mmcv.transforms import Compose
from mmdet.registry import TRANSFORMS
from mmdet.structures.mask import PolygonMasks
from mmengine.config import Config, ConfigDict
from pycocotools import mask as mask_utils

from pace_mmdet.datasets import LoadPolygonAnnotations
from pace_mmdet.datasets.transforms.polygons import code_polygons
from pace_mmdet.errors import ImageFileError
from pace_mmdet.models import FullMaskHead
from pace_mmdet.testing import synthetic_cells

ROOT = Path(__file__).parents[3]
HEIGHT, WIDTH = 520, 704
GRID = 28


def ways(cfg):
    """Each size and flip that a training pipeline can choose."""
    sizes, flips = [[]], [[]]
    for step in cfg.train_pipeline:
        if step.type == 'RandomChoiceResize':
            others = {key: value for key, value in step.items()
                      if key not in ('type', 'scales')}
            sizes = [[dict(type='Resize', scale=scale, **others)]
                     for scale in step.scales]
        elif step.type == 'RandomChoice':
            sizes = list(step.transforms)
        elif step.type == 'RandomFlip':
            directions = step.get('direction', 'horizontal')
            directions = ([directions] if isinstance(directions, str)
                          else directions)
            flips += [[dict(type='RandomFlip', prob=1.0, direction=direction)]
                      for direction in directions]
    return [size + flip for size in sizes for flip in flips]


def full_mask_pipelines():
    """How the configs load full masks, and a config that does it so."""
    found = {}
    for path in sorted((ROOT / 'configs').glob('[!_]*/*.py')):
        cfg = Config.fromfile(path)
        heads = cfg.model.get('roi_head', {})  # one-stage models have none
        if heads.get('mask_head', {}).get('type') == 'FullMaskHead':
            loader, = (step for step in cfg.train_pipeline
                       if 'Annotations' in step.type)
            case = (loader, ways(cfg))
            found.setdefault(repr(case), pytest.param(*case, id=path.stem))
    return list(found.values())


def encode(mask):
    code = mask_utils.encode(np.asfortranarray(mask.astype(np.uint8)))
    return dict(size=list(mask.shape), counts=code['counts'].decode())


def decode(polygons, shape):
    return mask_utils.decode(
        mask_utils.merge(mask_utils.frPyObjects(list(polygons), *shape)))


def instance(mask, bbox=(0, 0, 9, 9), **others):
    return dict(mask=mask, bbox=list(bbox), bbox_label=0, ignore_flag=0,
                **others)


def load(instances, shape=(HEIGHT, WIDTH), loader=None):
    loader = TRANSFORMS.build(loader or dict(type='LoadPolygonAnnotations'))
    return loader(
        dict(
            instances=instances,
            ori_shape=shape,
            img_shape=shape,
            img=np.zeros((*shape, 3), np.uint8)))


@functools.lru_cache(maxsize=None)
def instances_and_centres(form):
    """Cells of 6 to 14 pixels' radius and their centres of mass."""
    cells = synthetic_cells(300, HEIGHT, WIDTH)
    instances, centres = [], []
    for outline, bbox in zip(cells.polygons, cells.bboxes):
        if form == 'polygons':
            mask = [outline]
            centre = shapely.Polygon(np.reshape(outline, (-1, 2))).centroid
            centres.append([centre.x, centre.y])
        else:
            pixels = decode([outline], (HEIGHT, WIDTH))
            mask = encode(pixels)
            centres.append([index.mean() + 0.5
                            for index in np.nonzero(pixels)[::-1]])
        instances.append(instance(mask, bbox))
    return instances, np.array(centres)


def mean_shift(loader, steps, instances, centres):
    """How far the loss's targets lie from the cells, mean (x, y) in pixels."""
    results = Compose(steps)(load(instances, loader=loader))
    boxes = results['gt_bboxes'].tensor + torch.tensor([-2., -2., 2., 2.])
    rois = SimpleNamespace(
        pos_priors=boxes, pos_assigned_gt_inds=torch.arange(len(boxes)))
    targets = FullMaskHead(num_classes=1).get_targets(
        [rois], [SimpleNamespace(masks=results['gt_masks'])],
        ConfigDict(mask_size=GRID)).numpy()
    boxes = boxes.numpy()
    ticks = (np.arange(GRID) + 0.5) / GRID
    area = targets.sum(axis=(1, 2))
    found = np.stack([targets.sum(axis=1) @ ticks / area,
                      targets.sum(axis=2) @ ticks / area], axis=1)
    found = boxes[:, :2] + found * (boxes[:, 2:] - boxes[:, :2])
    height, width = results['img_shape']
    expected = centres * [width / WIDTH, height / HEIGHT]
    direction = results.get('flip_direction') or ''
    if direction in ('horizontal', 'diagonal'):
        expected[:, 0] = width - expected[:, 0]
    if direction in ('vertical', 'diagonal'):
        expected[:, 1] = height - expected[:, 1]
    return (found - expected).mean(axis=0)


@pytest.mark.parametrize('form', ['polygons', 'run-length codes'])
@pytest.mark.parametrize('loader, sizes_and_flips', full_mask_pipelines())
def test_targets_are_where_the_cells_are(loader, sizes_and_flips, form):
    cells = instances_and_centres(form)
    for steps in sizes_and_flips:
        shift = mean_shift(loader, steps, *cells)
        assert np.abs(shift).max() < 0.02, (steps, shift)


def test_bitmaps_would_be_shifted():
    """What the test above is there to notice."""
    stock = dict(type='LoadAnnotations', with_bbox=True, with_mask=True)
    resize = [dict(type='Resize', scale=(1333, 440), keep_ratio=True)]
    instances, centres = instances_and_centres('polygons')
    shift = mean_shift(stock, resize, instances[:60], centres[:60])
    assert (shift > 0.3).all()


def ring_with_holes():
    mask = np.ones((9, 12), bool)
    mask[0, :4] = False
    mask[2:4, 2:5] = False
    mask[4, 5] = False  # touches the hole above by a corner
    mask[6:8, 8:11] = False
    mask[7, 9] = True  # a part within a hole
    return mask


@pytest.mark.parametrize('mask', [
    np.eye(1, dtype=bool),
    np.eye(5, dtype=bool),
    ring_with_holes(),
    np.random.default_rng(0).random((20, 30)) < 0.5,
], ids=['pixel', 'diagonal', 'holes', 'noise'])
def test_outlines_fill_to_the_very_pixels(mask):
    polygons, = code_polygons([encode(mask)])
    assert all(part.dtype == np.float64 for part in polygons)
    assert np.array_equal(decode(polygons, mask.shape), mask)


def test_codes_and_polygons_side_by_side():
    polygon = [1., 1., 6., 1., 6., 5.]
    square = np.zeros((9, 12), bool)
    square[2:5, 3:7] = True
    crowd = instance(encode(square), iscrowd=1)
    crowd['ignore_flag'] = 1
    given = [
        instance([polygon, [0., 0.]]),
        instance(encode(square)),
        instance(encode(np.zeros((9, 12), bool))),
        instance([[0., 0.]]), crowd
    ]
    results = load(given, (9, 12))
    masks = results['gt_masks']
    assert isinstance(masks, PolygonMasks) and len(masks) == 5
    assert results['gt_ignore_flags'].tolist() == [
        False, False, True, True, True
    ]
    assert [part.tolist() for part in masks.masks[0]] == [polygon]
    assert np.array_equal(masks.to_ndarray()[1], square)
    # The data set's own records stay as they were.
    assert given[1]['mask'] == encode(square)
    assert [i['ignore_flag'] for i in given] == [0, 0, 0, 0, 1]


def test_an_image_without_cells():
    results = load([])
    assert len(results['gt_masks']) == len(results['gt_bboxes']) == 0
    assert repr(LoadPolygonAnnotations()) == 'LoadPolygonAnnotations()'


@pytest.mark.parametrize('changes, error, said', [
    (dict(height=21), ImageFileError, 'its annotation file says 30 x 21'),
    (dict(scale_factor=(.5, .5)), ValueError, 'it is already resized'),
])
def test_not_of_another_image(changes, error, said):
    results = dict(dict(img_path='a.png', ori_shape=(20, 30), height=20,
                        width=30, img_shape=(20, 30), instances=[]),
                   **changes)
    with pytest.raises(error, match=said):
        LoadPolygonAnnotations()(results)
