import numpy as np
import pytest
from pycocotools import mask as mask_utils

from pace_mmdet.points import flip_labels, label_points

HEIGHT, WIDTH = 23, 31


def random_masks(count, seed=0):
    rng = np.random.default_rng(seed)
    masks = rng.random((count, HEIGHT, WIDTH)) < rng.random((count, 1, 1))
    masks = masks.astype(np.uint8)
    masks[0] = 0
    masks[1] = 1
    masks[2] = 0
    masks[2, 0, 0] = 1
    masks[3] = 0
    masks[3, -1, -1] = 1
    return masks


def all_pixels():
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return np.stack([x.ravel(), y.ravel()], axis=-1)


def encode(mask, form):
    code = mask_utils.encode(np.asfortranarray(mask))
    if form == 'bytes':
        return code
    if form == 'str':
        return dict(code, counts=code['counts'].decode())
    # Uncompressed: run lengths down the columns, background first.
    flat = mask.ravel(order='F')
    borders = np.flatnonzero(np.diff(flat)) + 1
    counts = np.diff(np.r_[0, borders, flat.size]).tolist()
    return dict(
        size=[HEIGHT, WIDTH], counts=([0] if flat[0] else []) + counts)


@pytest.mark.parametrize('form', ['bytes', 'str', 'uncompressed'])
def test_every_pixel_agrees_with_the_decoded_mask(form):
    masks = random_masks(120)
    points = np.repeat(all_pixels()[None], len(masks), axis=0)
    labels = label_points(points, [encode(mask, form) for mask in masks],
                          HEIGHT, WIDTH)
    assert labels.dtype == np.int8
    assert np.array_equal(labels, masks[:, points[0, :, 1], points[0, :, 0]])


def test_polygons_agree_with_pycocotools():
    polygons = [[[3, 3, 20.5, 4, 12, 18]],
                [[1, 1, 6, 1, 6, 6, 1, 6], [15, 10, 25, 10, 25, 22, 15, 22]]]
    points = np.repeat(all_pixels()[None], 2, axis=0)
    labels = label_points(points, polygons, HEIGHT, WIDTH)
    for cell, parts in zip(labels, polygons):
        mask = mask_utils.decode(
            mask_utils.merge(mask_utils.frPyObjects(parts, HEIGHT, WIDTH)))
        assert np.array_equal(cell, mask[points[0, :, 1], points[0, :, 0]])


def test_no_cells():
    assert label_points(np.zeros((0, 4, 2)), [], 8, 8).shape == (0, 4)


@pytest.mark.parametrize('points, masks, message', [
    ([[[0, 0]]], [], '0 masks for 1 cells'),
    ([[[31, 0]]], [[[0, 0, 5, 0, 5, 5]]], 'outside the image'),
    ([[[0, -1]]], [[[0, 0, 5, 0, 5, 5]]], 'outside the image'),
    ([[[0, 0]]], [[]], 'mask 0 on an image of 31 x 23 pixels: no mask'),
    ([[[0, 0]]], [[[0, 0, 5, 0]]], 'no mask'),
    ([[[0, 0]]], [dict(size=[5, 5], counts='P1')], 'of another size'),
    ([[[0, 0]]], [dict(size=[HEIGHT, WIDTH], counts='P')], 'cut off'),
    ([[[0, 0]]], [dict(size=[HEIGHT, WIDTH], counts='5')], 'does not fill'),
])
def test_bad_input(points, masks, message):
    with pytest.raises(ValueError, match=message):
        label_points(np.array(points), masks, HEIGHT, WIDTH)


def test_mistakes():
    labels = np.array([[1, 0, -1, 1]] * 2000, dtype=np.int8)
    ids = np.arange(2000)
    assert np.array_equal(flip_labels(labels, ids, 0.0), labels)
    assert np.array_equal(
        flip_labels(labels, ids, 1.0), [[0, 1, -1, 0]] * 2000)
    some = flip_labels(labels, ids, 0.1)
    assert 0.08 < (some != labels)[:, [0, 1, 3]].mean() < 0.12
    assert np.array_equal(some[:, :2], flip_labels(labels[:, :2], ids, 0.1))
    assert np.array_equal(some[5:6], flip_labels(labels[5:6], [5], 0.1))
    with pytest.raises(ValueError, match='flip_prob'):
        flip_labels(labels, ids, 1.5)
