"""What a data pipeline holds, as an image and a data sample to draw."""
from typing import NamedTuple, Optional, Sequence

import mmcv
import numpy as np
import torch
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import BaseBoxes
from mmengine.structures import InstanceData

from pace_mmdet.structures import InstancePoints


class Drawable(NamedTuple):
    """An image and what is on it.

    Attributes:
        image (ndarray): RGB, uint8, shape (H, W, 3).
        sample (DetDataSample): With ``gt_instances`` in pixels of the image.
    """
    image: np.ndarray
    sample: DetDataSample


def shown_image(inputs: torch.Tensor,
                img_shape: Optional[Sequence[int]] = None,
                shape: Optional[Sequence[int]] = None) -> np.ndarray:
    """Turn a packed image back into one to look at.

    Args:
        inputs (Tensor): What ``PackDetInputs`` makes of an image, BGR or
            grey, shape (C, H, W), in the range 0 to 255.
        img_shape (Sequence[int], optional): Height and width of the part that
            is not padding. By default all of it.
        shape (Sequence[int], optional): Height and width to give that part.

    Returns:
        ndarray: RGB, uint8, shape (H, W, 3).
    """
    image = inputs.detach().cpu().numpy().transpose(1, 2, 0)
    if img_shape is not None:
        image = image[:img_shape[0], :img_shape[1]]
    image = rgb_image(image)
    if shape is not None and image.shape[:2] != tuple(shape[:2]):
        image = mmcv.imresize(image, (shape[1], shape[0]))
    return image


def rgb_image(image: np.ndarray) -> np.ndarray:
    """RGB, uint8, of an image of a pipeline: BGR or grey, 0 to 255."""
    image = np.clip(np.atleast_3d(image), 0, 255).astype(np.uint8)
    if image.shape[2] == 1:
        image = image.repeat(3, axis=2)
    return np.ascontiguousarray(image[..., ::-1])


def from_results(results: dict) -> Drawable:
    """Draw from what passes through a pipeline, between two transforms.

    Args:
        results (dict): With ``img``, and ``gt_bboxes``, ``gt_bboxes_labels``
            and ``gt_masks`` as far as they were loaded.
    """
    instances = InstanceData()
    if 'gt_bboxes' in results:
        instances.bboxes = _tensor(results['gt_bboxes'])
        instances.labels = torch.as_tensor(results['gt_bboxes_labels'])
    if 'gt_masks' in results:
        instances.masks = results['gt_masks']
    return Drawable(rgb_image(results['img']), _sample(instances))


def from_data_info(image: np.ndarray, info: dict) -> Drawable:
    """Draw from the annotations as the data set holds them.

    Args:
        image (ndarray): The image as read, BGR or grey, shape (H, W, 3),
            (H, W, 1) or (H, W).
        info (dict): What ``get_data_info`` of the data set gives: each of
            ``instances`` has ``bbox`` and ``bbox_label``, and either ``mask``
            or ``point_coords`` and ``point_labels``.
    """
    cells = info['instances']
    instances = InstanceData()
    instances.bboxes = torch.tensor([cell['bbox'] for cell in cells],
                                    dtype=torch.float32).reshape(-1, 4)
    instances.labels = torch.tensor([cell['bbox_label'] for cell in cells],
                                    dtype=torch.int64)
    if cells and 'point_coords' in cells[0]:
        pixels = np.array([cell['point_coords'] for cell in cells])
        instances.masks = InstancePoints(
            pixels + 0.5, np.array([cell['point_labels'] for cell in cells]),
            *image.shape[:2])
    elif cells and 'mask' in cells[0]:
        instances.masks = [cell['mask'] for cell in cells]
    return Drawable(rgb_image(image), _sample(instances))


def from_packed(packed: dict, info: Optional[dict] = None) -> Drawable:
    """Draw from what a whole pipeline yields.

    MMDetection's test pipelines resize the image before they load the
    annotations, which stay in pixels of the original one: the image is then
    brought back to that size.

    Args:
        packed (dict): ``inputs`` and ``data_samples``.
        info (dict, optional): The data set's annotations, drawn if the
            pipeline loads none.
    """
    sample = packed['data_samples']
    meta = sample.metainfo
    instances = sample.gt_instances
    if 'bboxes' not in instances and info is not None:
        image = shown_image(packed['inputs'], meta.get('img_shape'),
                            meta.get('ori_shape'))
        return from_data_info(image[..., ::-1], info)
    shape = None
    masks = instances.get('masks', None)
    if masks is not None and (masks.height, masks.width) == tuple(
            meta.get('ori_shape', ())[:2]):
        shape = meta['ori_shape']
    if 'bboxes' in instances:
        instances.bboxes = _tensor(instances.bboxes)
    return Drawable(
        shown_image(packed['inputs'], meta.get('img_shape'), shape), sample)


def _tensor(bboxes) -> torch.Tensor:
    """Boxes as a tensor of shape (N, 4)."""
    return bboxes.tensor if isinstance(bboxes, BaseBoxes) else \
        torch.as_tensor(bboxes)


def _sample(instances: InstanceData) -> DetDataSample:
    """A data sample with ground truth only."""
    sample = DetDataSample()
    sample.gt_instances = instances
    return sample
