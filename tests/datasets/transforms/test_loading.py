import pickle

import imageio.v3 as imageio
import numpy as np
import pytest
import tifffile
import torch
from mmdet.registry import TRANSFORMS
from mmdet.structures.bbox import HorizontalBoxes

from pace_mmdet.datasets import (CellPointDataset, LoadMicroscopyImage,
                                 LoadPointAnnotations)
from pace_mmdet.datasets.transforms import loading
from pace_mmdet.errors import ImageFileError
from pace_mmdet.images.stacks import read_image
from pace_mmdet.structures import InstancePoints

RAMP = np.linspace(30000, 36000, 48).astype(np.uint16).reshape(6, 8)


def save(tmp_path, img, **options):
    path = tmp_path / 'a.tif'
    tifffile.imwrite(path, img, **options)
    return dict(img_path=str(path), height=6, width=8)


@pytest.mark.parametrize('dtype', [np.uint16, np.uint32, np.float32])
def test_grey_image_is_stretched_and_repeated(tmp_path, dtype):
    transform = TRANSFORMS.build(dict(type='LoadMicroscopyImage'))
    results = transform(save(tmp_path, RAMP.astype(dtype)))
    img = results['img']
    assert img.shape == (6, 8, 3)
    assert img.dtype == np.uint8
    assert (img.min(), img.max()) == (0, 255)
    assert (np.diff(img[..., 0].ravel().astype(int)) > 0).all()
    assert (img == img[..., :1]).all()
    assert results['img_shape'] == results['ori_shape'] == (6, 8)


def test_float32_is_not_rounded(tmp_path):
    results = save(tmp_path, RAMP)
    rounded = LoadMicroscopyImage()(dict(results))['img']
    exact = LoadMicroscopyImage(to_float32=True)(dict(results))['img']
    assert exact.dtype == np.float32
    assert 0 < np.abs(exact - rounded).max() <= 0.5


def test_8_bits_as_they_are(tmp_path):
    img = np.arange(48, dtype=np.uint8).reshape(6, 8)
    loaded = LoadMicroscopyImage('none')(save(tmp_path, img))['img']
    assert np.array_equal(loaded, np.dstack([img] * 3))


def test_colour_is_bgr_like_the_stock_loader(tmp_path):
    rgb = np.random.default_rng(0).integers(0, 255, (6, 8, 3), np.uint8)
    path = tmp_path / 'a.png'
    imageio.imwrite(path, rgb)
    stock = TRANSFORMS.build(dict(type='LoadImageFromFile'))
    ours = LoadMicroscopyImage('none')
    expected = stock(dict(img_path=str(path)))['img']
    loaded = ours(dict(img_path=str(path)))['img']
    assert np.array_equal(loaded, expected)
    assert loaded.flags.c_contiguous


@pytest.mark.parametrize('shape', [(400, 800), (400, 800, 3)])
def test_images_are_kept_while_they_fit(tmp_path, monkeypatch, shape):
    paths = []
    for name in 'abc':
        paths.append(str(tmp_path / f'{name}.tif'))
        tifffile.imwrite(paths[-1], np.random.default_rng(len(paths)).integers(
            0, 255, shape, np.uint8))
    plain = LoadMicroscopyImage('none')
    expected = [plain(dict(img_path=path))['img'] for path in paths]
    read = []
    monkeypatch.setattr(
        loading, 'read_image',
        lambda path, *options: read.append(path) or read_image(path, *options))
    # One in colour fits, or all three that are grey.
    keeping = LoadMicroscopyImage('none', keep_mb=1)
    for _ in range(3):
        for path, img in zip(paths, expected):
            loaded = keeping(dict(img_path=path))['img']
            assert np.array_equal(loaded, img)
            loaded[:] = 0  # what is done to it is not kept
    assert len(read) == (3 if len(shape) == 2 else 1 + 3 * 2)
    again = pickle.loads(pickle.dumps(keeping))
    assert np.array_equal(again(dict(img_path=paths[0]))['img'], expected[0])


def test_page(tmp_path):
    results = save(tmp_path, np.stack([RAMP, RAMP[::-1]]),
                   photometric='minisblack')
    with pytest.raises(ImageFileError, match='holds 2 planes'):
        LoadMicroscopyImage()(dict(results))
    second = LoadMicroscopyImage(page=1)(dict(results))['img']
    assert second[0, 0, 0] > second[-1, 0, 0]


def test_channel(tmp_path):
    results = save(tmp_path, np.stack([RAMP, RAMP[::-1]]), ome=True,
                   metadata=dict(axes='CYX'))
    second = LoadMicroscopyImage(channel=1)(dict(results))['img']
    assert second[0, 0, 0] > second[-1, 0, 0]
    with pytest.raises(ImageFileError, match='channel 2 is not in the file'):
        LoadMicroscopyImage(channel=2)(dict(results))


def test_livecell(tmp_path):
    img = LoadMicroscopyImage('livecell')(save(tmp_path, RAMP))['img']
    assert img.shape == (6, 8, 3) and 70 <= img.min() <= img.max() <= 180


def test_constant_image_becomes_black(tmp_path):
    img = LoadMicroscopyImage()(save(tmp_path, np.full_like(RAMP, 9)))['img']
    assert not img.any()


@pytest.mark.parametrize(('img', 'options', 'message'), [
    (RAMP, dict(normalize='none'), "a.tif: normalize='none' takes 8-bit"),
    (np.full((6, 8), np.nan, np.float32), {},
     'a.tif: 48 of 48 values are NaN'),
    (RAMP.T, {}, r'a.tif: the image is 6 x 8 pixels \(width x height\), but '
     'its annotation file says 8 x 6'),
])
def test_refused_images(tmp_path, img, options, message):
    with pytest.raises(ImageFileError, match=message):
        LoadMicroscopyImage(**options)(save(tmp_path, img))


def test_wrong_options():
    with pytest.raises(ValueError, match='normalize must be one of'):
        LoadMicroscopyImage('minmax')
    with pytest.raises(TypeError, match='color_type'):
        LoadMicroscopyImage(color_type='grayscale')


def test_point_annotations(point_file):
    dataset = CellPointDataset(
        ann_file=str(point_file),
        data_prefix=dict(img=str(point_file.parent / 'images')),
        num_points=3,
        pipeline=[LoadMicroscopyImage('none'), LoadPointAnnotations()])
    results, info = dataset[1], dataset.get_data_info(1)
    assert isinstance(results['gt_bboxes'], HorizontalBoxes)
    assert torch.allclose(results['gt_bboxes'].tensor,
                          torch.tensor([i['bbox'] for i in info['instances']]))
    assert results['gt_bboxes_labels'].dtype == np.int64
    assert results['gt_ignore_flags'].tolist() == [False] * 12
    points = results['gt_masks']
    assert isinstance(points, InstancePoints)
    assert (points.height, points.width) == (96, 128)
    pixels = np.array([i['point_coords'] for i in info['instances']])
    assert np.array_equal(points.coords, pixels + np.float32(0.5))
    assert np.array_equal(points.labels,
                          [i['point_labels'] for i in info['instances']])


def test_image_without_cells():
    results = LoadPointAnnotations()(
        dict(ori_shape=(6, 8), instances=[], num_points=4))
    assert results['gt_masks'].coords.shape == (0, 4, 2)
    assert results['gt_bboxes'].tensor.shape == (0, 4)
    assert LoadPointAnnotations()(
        dict(ori_shape=(6, 8), instances=[]))['gt_masks'].coords.size == 0


def test_point_annotations_refuse_what_does_not_fit():
    box = dict(bbox=[0, 0, 1, 1], bbox_label=0, ignore_flag=0)
    with pytest.raises(ValueError, match='must be a CellPointDataset'):
        LoadPointAnnotations()(dict(ori_shape=(6, 8), instances=[box]))
    with pytest.raises(ImageFileError, match='its annotation file says 9 x 6'):
        LoadPointAnnotations()(
            dict(ori_shape=(6, 8), height=6, width=9, instances=[]))
    with pytest.raises(ValueError, match='already resized'):
        LoadPointAnnotations()(
            dict(ori_shape=(6, 8), scale_factor=(2, 2), instances=[]))


def test_unknown_option():
    with pytest.raises(TypeError, match='poly2mask'):
        LoadPointAnnotations(poly2mask=False)
