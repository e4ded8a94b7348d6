"""The flow model on a slide: cells on the borders of tiles, once and whole."""
import numpy as np
import pytest
import tifffile
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData
from rich.console import Console
from scipy import ndimage

from pace_mmdet.inference import Segmenter, slides
from pace_mmdet.inference.detector import NetworkDetector
from pace_mmdet.inference.inputs import plan_jobs
from pace_mmdet.inference.preparation import Preparation
from pace_mmdet.inference.slide_batch import SlideBatch

CHANNELS = 16
MODEL = dict(
    type='CenterFlowDetector',
    data_preprocessor=dict(
        type='DetDataPreprocessor', mean=[96.] * 3, std=[32.] * 3,
        pad_mask=True, pad_size_divisor=32),
    backbone=dict(type='CellUNet', base_channels=CHANNELS, num_levels=3),
    bbox_head=dict(type='CenterFlowHead', in_channels=CHANNELS, steps=20),
    test_cfg=dict(views=2))


def disks(height, width, tries, seed):
    """An image of bright disks, some cut by its border, and their labels."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    labels = np.zeros((height, width), int)
    for _ in range(tries):
        radius = rng.uniform(8, 12)
        away = np.hypot(y - rng.uniform(0, height), x - rng.uniform(0, width))
        if not labels[away < radius + 2].any() and (away < radius).sum() > 40:
            labels[away < radius] = labels.max() + 1
    img = np.where(labels, 170, 60) + rng.normal(0, 6, labels.shape)
    return img.clip(0, 255).astype(np.uint8), labels


@pytest.fixture(scope='module')
def detector():
    """A second of training is enough for disks."""
    init_default_scope('mmdet')
    torch.manual_seed(0)
    model = MODELS.build(MODEL)
    img, labels = disks(144, 144, 80, 0)
    boxes = [(x.start, y.start, x.stop, y.stop)
             for y, x in ndimage.find_objects(labels)]
    masks = np.stack([labels == number + 1 for number in range(len(boxes))])
    sample = DetDataSample(metainfo=dict(
        img_id=0, img_shape=labels.shape, ori_shape=labels.shape,
        scale_factor=(1, 1)))
    sample.gt_instances = InstanceData(
        bboxes=torch.tensor(boxes, dtype=torch.float32),
        labels=torch.zeros(len(boxes), dtype=torch.long),
        masks=BitmapMasks(masks.astype(np.uint8), *labels.shape))
    data = model.data_preprocessor(dict(
        inputs=[torch.from_numpy(np.stack([img] * 3))],
        data_samples=[sample]), True)
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(30):
        loss = sum(model.loss(data['inputs'],
                              data['data_samples']).values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return NetworkDetector(model)


def test_cells_come_out_once_and_whole(tmp_path, monkeypatch, detector):
    img, truth = disks(448, 512, 500, 1)
    count = truth.max()

    def segmenter(tile_size):
        return Segmenter(detector, Preparation(normalize='none'), 0.25,
                         tile_size, overlap=40)

    # Tiles begin at multiples of 128: many disks lie on their borders.
    tiled, whole = segmenter(192)(img), segmenter(1000)(img)
    assert len(tiled) == len(whole) == count > 150
    labels = tiled.label_image()
    for number in range(1, count + 1):
        inside = np.bincount(labels[truth == number], minlength=count + 1)
        best = inside[1:].argmax() + 1
        union = ((truth == number) | (labels == best)).sum()
        assert inside[best] > 0.8 * union
    # The same pixels as of the image in one piece, but where the network
    # sees a border of a tile instead of more background.
    assert np.mean((labels > 0) == (whole.label_image() > 0)) > 0.999

    monkeypatch.setattr(slides, 'SLIDE_PIXELS', 1000)
    tifffile.imwrite(tmp_path / 'a.tif', img, tile=(64, 64))
    batch = SlideBatch(segmenter(192), ['labels'],
                       console=Console(quiet=True))
    assert batch.run(plan_jobs([tmp_path / 'a.tif'],
                               tmp_path / 'out')).cells == count
    assert np.array_equal(tifffile.imread(tmp_path / 'out/a_labels.tif'),
                          labels)
