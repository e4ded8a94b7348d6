"""Masks for true boxes: pairs, groups, differences."""
import numpy as np
import pytest
from pycocotools import mask as mask_utils
from scipy.ndimage import binary_erosion

from pace_mmdet.errors import UserError
from pace_mmdet.evaluation.mask_quality import (MaskQuality, align,
                                                as_quality, boundary,
                                                load_quality, mask_ious,
                                                paired_difference,
                                                save_quality)


def encode(mask):
    code = mask_utils.encode(np.asfortranarray(mask.astype(np.uint8)))
    return dict(size=list(mask.shape), counts=code['counts'])


def block(top, left, bottom, right, shape=(20, 30)):
    mask = np.zeros(shape, bool)
    mask[top:bottom, left:right] = True
    return mask


BLOBS = [np.random.default_rng(seed).random((20, 30)) < share
         for seed, share in enumerate((0.05, 0.5, 0.9, 0.95))]


@pytest.mark.parametrize('first, second', [
    (block(2, 3, 9, 12), block(2, 3, 9, 12)),
    (block(2, 3, 9, 12), block(4, 5, 11, 14)),
    (block(2, 3, 9, 12), block(12, 20, 19, 29)),
    (block(0, 0, 20, 30), block(0, 0, 20, 5)),
    (block(5, 5, 6, 6), block(5, 5, 6, 6)),
    (block(0, 0, 0, 0), block(3, 3, 6, 6)),
    (block(3, 3, 6, 6), block(0, 0, 0, 0)),
    (block(0, 0, 0, 0), block(0, 0, 0, 0)),
    *zip(BLOBS, BLOBS[1:]),
])
@pytest.mark.parametrize('width', [1, 2])
def test_pairs_against_whole_images(first, second, width):
    def ratio(a, b):
        return (a & b).sum() / max((a | b).sum(), 1)

    rims = [mask & ~binary_erosion(mask, np.ones((3, 3)), width)
            for mask in (first, second)]
    iou, boundary_iou = mask_ious([encode(first)], [encode(second)], width)
    assert iou.tolist() == [pytest.approx(ratio(first, second))]
    assert boundary_iou.tolist() == [pytest.approx(ratio(*rims))]


def test_no_cells():
    iou, boundary_iou = mask_ious([], [])
    assert iou.shape == boundary_iou.shape == (0, )
    quality = as_quality([])
    assert np.isnan(quality.means()['IoU'])
    assert list(quality.groups()) == ['all cells']


def test_a_boundary():
    rim = boundary(block(0, 3, 9, 12), 2)
    assert np.array_equal(rim, block(0, 3, 9, 12) & ~block(2, 5, 7, 10))


def quality(iou, ann_ids=(1, 2, 3), image_ids=(7, 7, 8)):
    return as_quality([
        dict(
            image_ids=image_ids,
            ann_ids=ann_ids,
            areas=[324, 500, 2000],
            cell_types=['A172', 'BV2', ''],
            iou=iou,
            boundary_iou=np.asarray(iou) / 2)
    ])


def test_measures_and_groups():
    measured = quality([0.5, 0.8, 0.95])
    assert measured.means() == {
        'IoU': pytest.approx(0.75),
        'IoU >= 0.5': 1,
        'IoU >= 0.75': pytest.approx(2 / 3),
        'IoU >= 0.9': pytest.approx(1 / 3),
        'boundary IoU': pytest.approx(0.375)
    }
    groups = {name: np.flatnonzero(chosen).tolist()
              for name, chosen in measured.groups().items()}
    # An area at the bound belongs to both ranges, as in LIVECell's protocol.
    assert groups == {'all cells': [0, 1, 2], 'small': [0], 'medium': [0, 1],
                      'large': [2], 'A172': [0], 'BV2': [1]}


def test_paired_differences():
    change = paired_difference([0.5, 0.7, 0.9], [0.4, 0.7, 0.7])
    assert change.mean == pytest.approx(0.1)
    assert change.margin == pytest.approx(1.96 * 0.1 / 3**0.5)
    assert np.isnan(paired_difference([0.5], [0.4])).all()


def test_cells_are_paired_by_their_ids():
    first = quality([0.1, 0.2, 0.3])
    second = quality([0.6, 0.5, 0.4], (3, 2, 1), (8, 7, 7))
    assert align(first, second).iou.tolist() == [0.4, 0.5, 0.6]
    with pytest.raises(UserError, match='2 are in one only'):
        align(first, quality([0.6, 0.5, 0.4], (3, 2, 1), (7, 7, 7)))


def test_values_on_disk(tmp_path):
    path = tmp_path / 'a.npz'
    save_quality(path, quality([0.1, 0.2, 0.3]))
    again = load_quality(path)
    assert isinstance(again, MaskQuality)
    assert again.iou.tolist() == [0.1, 0.2, 0.3]
    assert again.cell_types.tolist() == ['A172', 'BV2', '']
    path.write_text('no')
    with pytest.raises(UserError, match='no values of cells'):
        load_quality(path)
    with pytest.raises(UserError, match='no values of cells'):
        load_quality(tmp_path / 'missing.npz')
