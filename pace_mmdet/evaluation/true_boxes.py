"""Masks that a model predicts for the true boxes."""
from typing import List, Optional

import numpy as np
import torch
from mmcv.transforms import Compose
from mmengine.dataset import pseudo_collate
from mmengine.structures import InstanceData
from rich.progress import track
from torch import nn
from torch.utils.data import Dataset

from pace_mmdet.errors import UserError
from pace_mmdet.masks.codes import encode_bitmaps, mask_areas, to_rles
from pace_mmdet.masks.segmentations import to_counts
from pace_mmdet.sources.livecell.files import cell_type

from .mask_quality import MaskQuality, as_quality, mask_ious


def measure_masks(model: nn.Module,
                  dataset: Dataset,
                  results: Optional[List[dict]] = None) -> MaskQuality:
    """Compare masks predicted for the true boxes with the true masks.

    Crowds are left out.

    Args:
        model (nn.Module): A two-stage detector with a mask head, in
            evaluation mode.
        dataset (Dataset): A :class:`~pace_mmdet.datasets.CellMaskDataset` for
            testing, whose pipeline loads no annotations.
        results (list[dict], optional): Gets the predicted masks as COCO's
            results, with a score of 1.

    Returns:
        MaskQuality: Of all its cells.

    Raises:
        UserError: If the model predicts no masks for given boxes.
    """
    head = getattr(model, 'roi_head', None)
    if head is None or not head.with_mask:
        raise UserError(f'{type(model).__name__} predicts no masks for given '
                        'boxes; that takes a two-stage detector with a mask '
                        'head, such as MaskRCNN or CascadeRCNN')
    rows = []
    for index in track(range(len(dataset)), 'Masks for true boxes',
                       transient=True):
        info = dataset.get_data_info(index)
        cells = [cell for cell in info['instances']
                 if not cell.get('iscrowd', 0)]
        height, width = info['height'], info['width']
        counts = to_counts([cell['mask'] for cell in cells], height, width)
        boxes = np.array([cell['bbox'] for cell in cells], np.float32)
        found = masks_in_boxes(model, dataset.pipeline, info,
                               boxes.reshape(-1, 4),
                               [cell['bbox_label'] for cell in cells])
        if results is not None:
            results += [
                dict(
                    image_id=info['img_id'],
                    category_id=dataset.cat_ids[cell['bbox_label']],
                    score=1.0,
                    segmentation=dict(
                        size=code['size'],
                        counts=code['counts'].decode('ascii')))
                for cell, code in zip(cells, found)
            ]
        iou, boundary_iou = mask_ious(to_rles(counts, height, width), found)
        rows.append(
            dict(
                image_ids=[info['img_id']] * len(cells),
                ann_ids=[cell['ann_id'] for cell in cells],
                areas=mask_areas(counts, height, width),
                cell_types=[cell_type(info['img_path']) or ''] * len(cells),
                iou=iou,
                boundary_iou=boundary_iou))
    return as_quality(rows)


@torch.no_grad()
def masks_in_boxes(model: nn.Module, pipeline: Compose, info: dict,
                   boxes: np.ndarray, labels: List[int]) -> List[dict]:
    """Masks that a model predicts for given boxes of an image.

    Args:
        model (nn.Module): A two-stage detector with a mask head.
        pipeline (Compose): Of a test data set.
        info (dict): The image, as the data set gives it.
        boxes (ndarray): (x1, y1, x2, y2) in pixels of the image file,
            float32, shape (N, 4).
        labels (list[int]): Classes of the N boxes.

    Returns:
        list[dict]: N run-length codes in pixels of the image file.
    """
    data = model.data_preprocessor(pseudo_collate([pipeline(dict(info))]))
    meta = data['data_samples'][0].metainfo
    scaled = torch.as_tensor(boxes, device=data['inputs'].device)
    scaled = scaled * scaled.new_tensor(meta['scale_factor']).repeat(2)
    given = InstanceData(
        bboxes=scaled,
        labels=torch.as_tensor(labels, dtype=torch.long,
                               device=scaled.device),
        scores=scaled.new_ones(len(scaled)))
    features = model.extract_feat(data['inputs'])
    result, = model.roi_head.predict_mask(
        features, [meta], [given], rescale=True)
    if isinstance(result.masks, torch.Tensor):
        return to_rles(encode_bitmaps(result.masks), info['height'],
                       info['width'])
    return result.masks
