"""Cells to merge and to write."""
import numpy as np
import pytest
from scipy import ndimage

from pace_mmdet.inference import Cells, Segmenter
from pace_mmdet.inference.preparation import Preparation
from pace_mmdet.inference.thresholding import ThresholdDetector


def cells_of(masks, scores=None, shape=None):
    """Cells from bitmaps of the whole image."""
    masks = [np.asarray(mask, dtype=bool) for mask in masks]
    height, width = shape or masks[0].shape
    boxes, crops = [], []
    for mask in masks:
        (y, x), = ndimage.find_objects(mask.astype(int))
        boxes.append((x.start, y.start, x.stop, y.stop))
        crops.append(mask[y, x])
    boxes = np.array(boxes, np.int64).reshape(-1, 4)
    scores = np.linspace(0.9, 0.6, len(masks)) if scores is None else scores
    return Cells(height, width, boxes.astype(float),
                 np.array(scores, float), np.zeros(len(masks), np.int64),
                 boxes[:, :2], crops)


def bitmaps_of(cells):
    """Bitmaps of the whole image, shape (N, H, W)."""
    masks = np.zeros((len(cells), cells.height, cells.width), bool)
    for row in range(len(cells)):
        x1, y1, x2, y2 = cells.mask_boxes_of(row)
        masks[row, y1:y2, x1:x2] = cells.crops[row]
    return masks


def random_masks(count, height, width, seed=0):
    """Blobs of any form: with holes, in parts, touching by corners."""
    rng = np.random.default_rng(seed)
    masks = []
    while len(masks) < count:
        mask = np.zeros((height, width), bool)
        h, w = rng.integers(1, (height + 1, width + 1))
        y, x = rng.integers(0, (height - h + 1, width - w + 1))
        mask[y:y + h, x:x + w] = rng.random((h, w)) > rng.choice((0, .1, .4))
        if mask.any():
            masks.append(mask)
    return masks


@pytest.fixture
def threshold_segmenter():
    """Function (**options) -> Segmenter of bright parts."""

    def build(normalize='none', scale=1.0, threshold=100, **options):
        options.setdefault('tile_size', 64)
        options.setdefault('overlap', 24)
        return Segmenter(ThresholdDetector(threshold),
                         Preparation(normalize=normalize, scale=scale),
                         **options)

    return build
