import json

import imageio.v3 as imageio
import numpy as np
import pytest
import tifffile
from pycocotools import mask as mask_utils

from pace_mmdet.coco.label_images import (label_annotations, label_runs,
                                          labels_to_coco)
from pace_mmdet.errors import ImageFileError
from pace_mmdet.images.labels import read_label_image


def grid(*rows):
    return np.array([[int(c) for c in row] for row in rows])


@pytest.mark.parametrize('labels', [
    grid('000', '000'),
    grid('1'),
    grid('111', '111'),
    grid('110', '022'),
    grid('100', '000', '001'),
    grid('1020', '1020', '3333'),
    grid('0012', '2100'),
])
def test_annotations_against_encoded_masks(labels):
    annotations, left_out = label_annotations(labels, 7, first_id=3)
    cells = [cell for cell in np.unique(labels) if cell]
    assert left_out == 0
    assert [a['id'] for a in annotations] == list(range(3, 3 + len(cells)))
    for cell, ann in zip(cells, annotations):
        mask = np.asfortranarray(labels == cell).astype(np.uint8)
        code = mask_utils.encode(mask)
        assert ann['segmentation'] == dict(
            size=list(labels.shape), counts=code['counts'].decode())
        assert ann['bbox'] == mask_utils.toBbox(code).tolist()
        assert ann['area'] == mask.sum()
        assert (ann['image_id'], ann['category_id'], ann['iscrowd']) == (7, 1,
                                                                         0)
    json.dumps(annotations)


def test_more_than_a_hundred_random_cells():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 300, (40, 60))
    runs = dict(label_runs(labels))
    assert set(runs) == set(range(1, 300)) & set(labels.ravel().tolist())
    for cell, counts in runs.items():
        code = mask_utils.frPyObjects(
            dict(size=[40, 60], counts=counts), 40, 60)
        assert np.array_equal(mask_utils.decode(code), labels == cell)


def test_small_cells_are_left_out_and_counted():
    annotations, left_out = label_annotations(
        grid('1223', '0003'), 1, min_area=2)
    assert left_out == 1
    assert [a['id'] for a in annotations] == [1, 2]
    assert [a['area'] for a in annotations] == [2, 2]


@pytest.mark.parametrize(('values', 'message'), [
    (np.array([[0.5, 1]], np.float32), 'expected whole numbers'),
    (np.array([[np.nan, 1]], np.float32), 'expected whole numbers'),
    (np.array([[-1, 1]], np.int16), 'expected labels of at least 0, got -1'),
    (np.eye(3, dtype=np.uint8)[None], 'got a colour image'),
])
def test_not_a_label_image(tmp_path, values, message):
    tifffile.imwrite(tmp_path / 'a.tif', values, photometric='rgb'
                     if values.ndim == 3 else 'minisblack')
    with pytest.raises(ImageFileError, match=message):
        read_label_image(tmp_path / 'a.tif')


def test_whole_floats_are_labels(tmp_path):
    tifffile.imwrite(tmp_path / 'a.tif', np.array([[0, 2]], np.float32))
    assert read_label_image(tmp_path / 'a.tif').tolist() == [[0, 2]]


@pytest.fixture
def folders(tmp_path):
    """Two images and their label images, of different types."""
    images, labels = tmp_path / 'images', tmp_path / 'labels'
    images.mkdir()
    labels.mkdir()
    for name in 'ab':
        tifffile.imwrite(images / f'{name}.tif', np.zeros((3, 4), np.uint16))
    tifffile.imwrite(labels / 'a_mask.tif',
                     grid('1100', '0022', '0000').astype(np.uint16))
    imageio.imwrite(labels / 'b_mask.png',
                    grid('0000', '0700', '0007').astype(np.uint8))
    return images, labels


def test_folders(folders, tmp_path):
    out = tmp_path / 'out.json'
    assert labels_to_coco(
        *folders, out, label_suffix='_mask',
        category='nucleus') == (2, 3, 0, [])
    coco = json.loads(out.read_text())
    assert [i['file_name'] for i in coco['images']] == ['a.tif', 'b.tif']
    assert coco['images'][1] == dict(
        id=2, file_name='b.tif', height=3, width=4)
    assert coco['categories'] == [dict(id=1, name='nucleus')]
    # The two pixels of label 7 do not touch and are one cell all the same.
    assert [(a['id'], a['image_id'], a['area']) for a in coco['annotations']
            ] == [(1, 1, 2), (2, 1, 2), (3, 2, 2)]


def test_images_that_end_as_labels_do(folders, tmp_path):
    images, labels = folders
    (images / 'a.tif').rename(images / 'a_mask.tif')
    (labels / 'a_mask.tif').rename(labels / 'a_mask_mask.tif')
    assert labels_to_coco(*folders, tmp_path / 'out.json',
                          label_suffix='_mask') == (2, 3, 0, [])


def test_one_folder_for_both(folders, tmp_path):
    images, labels = folders
    for path in labels.iterdir():
        path.rename(images / path.name)
    out = tmp_path / 'out.json'
    assert labels_to_coco(
        images, images, out, label_suffix='_mask') == (2, 3, 0, [])


def test_all_faults_at_once(folders, tmp_path):
    images, labels = folders
    for name in 'cd':
        tifffile.imwrite(images / f'{name}.tif', np.zeros((3, 4), np.uint8))
    tifffile.imwrite(labels / 'e_mask.tif', np.zeros((3, 4), np.uint8))
    tifffile.imwrite(labels / 'a_mask.tiff', np.zeros((3, 4), np.uint8))
    with pytest.raises(ImageFileError) as error:
        labels_to_coco(images, labels, tmp_path / 'o', label_suffix='_mask')
    text = str(error.value)
    assert ': 4 faults' in text
    assert 'c.tif: no label image of the name "c"' in text
    assert 'e_mask.tif: no image of the name "e"' in text
    assert 'more than one label image of the name "a": a_mask.tif, a_mask' \
        in text
    assert not (tmp_path / 'o').exists()


def test_wrong_size_and_broken_files_at_once(folders, tmp_path):
    images, labels = folders
    tifffile.imwrite(labels / 'a_mask.tif', np.zeros((4, 4), np.uint8))
    (images / 'b.tif').write_text('no image')
    with pytest.raises(ImageFileError) as error:
        labels_to_coco(images, labels, tmp_path / 'o', label_suffix='_mask')
    text = str(error.value)
    assert ': 2 faults' in text
    assert 'a_mask.tif is 4 x 4 pixels (width x height), expected 4 x 3' \
        in text
    assert 'b.tif: cannot be read as an image' in text
    assert not (tmp_path / 'o').exists()


def test_missing_or_empty_folder(tmp_path):
    with pytest.raises(ImageFileError, match='none: no such folder'):
        labels_to_coco(tmp_path / 'none', tmp_path, tmp_path / 'o')
    with pytest.raises(ImageFileError, match='no images in'):
        labels_to_coco(tmp_path, tmp_path, tmp_path / 'o')
