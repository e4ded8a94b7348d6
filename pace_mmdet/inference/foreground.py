"""What a trained model thinks of every pixel of an image.

Letters in the shapes: H and W the image's height and width.
"""
from typing import Optional, Sequence

import cv2
import mmcv
import numpy as np
import torch
from torch import nn

from pace_mmdet.models import CenterFlowHead

from .detector import NetworkDetector, as_bgr
from .segmenter import Segmenter
from .tiling import plan_tiles


def foreground_of_image(segmenter: Segmenter,
                        img: np.ndarray) -> Optional[np.ndarray]:
    """The probability that a pixel is on any cell.

    Args:
        segmenter (Segmenter): A model that predicts it.
        img (ndarray): As ``preparation.intensities`` gives it, shape (H, W)
            or (H, W, 3).

    Returns:
        ndarray: In 1/255, uint8, shape (H, W); None of a model that does not
        predict it.
    """
    detector = segmenter.detector
    if not isinstance(detector, NetworkDetector) or not isinstance(
            getattr(detector.model, 'bbox_head', None), CenterFlowHead):
        return None
    height, width = img.shape[:2]
    factor = segmenter.preparation.factor(height, width)
    size = max(round(segmenter.tile_size / factor), 1)
    layout = plan_tiles(height, width, size, int(segmenter.overlap / factor),
                        1)
    found = np.zeros((height, width), np.uint8)
    for tile in layout.tiles():
        # Of tiles that overlap the larger value: cut cells are less sure.
        part = tile.cut(found)
        np.maximum(part, _of_tile(detector.model, tile.cut(img), factor),
                   out=part)
    return found


@torch.no_grad()
def _of_tile(model: nn.Module, tile: np.ndarray, factor: float) -> np.ndarray:
    height, width = tile.shape[:2]
    size = [max(int(side * factor + 0.5), 1) for side in (width, height)]
    img = mmcv.imresize(as_bgr(tile), size)
    tensor = torch.from_numpy(np.ascontiguousarray(img.transpose(2, 0, 1)))
    data = model.data_preprocessor(dict(inputs=[tensor]), False)
    logits, _ = model(data['inputs'])
    probs = logits[0][0].sigmoid().cpu().numpy()
    return _resized(probs, model.bbox_head.stride, size, (width, height))


def _resized(probs: np.ndarray, stride: int, size: Sequence[int],
             out_size: Sequence[int]) -> np.ndarray:
    """From the pixels of a padded map to those of a tile, as 8 bits."""
    rows, columns = probs.shape
    fine = cv2.resize(probs, (columns * stride, rows * stride),
                      interpolation=cv2.INTER_LINEAR)
    probs = cv2.resize(fine[:size[1], :size[0]], tuple(out_size),
                       interpolation=cv2.INTER_LINEAR)
    return np.round(probs * 255).astype(np.uint8)
