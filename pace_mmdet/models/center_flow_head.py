"""Cells from a foreground and a flow, learned from boxes and answers."""
from typing import Dict, List, Optional

import torch
from mmdet.models.dense_heads.base_dense_head import BaseDenseHead
from mmdet.registry import MODELS
from mmdet.structures.mask import BitmapMasks, PolygonMasks
from mmdet.utils import (InstanceList, OptConfigType, OptInstanceList,
                         OptMultiConfig)
from mmengine.structures import InstanceData
from torch import Tensor, nn

from pace_mmdet.masks.codes import to_rles
from pace_mmdet.structures import InstancePoints

from .center_flow import (FLOW_LENGTH, mask_losses, pixel_centers,
                          point_losses, region_losses)
from .flow_grouping import flow_scores, group_pixels, label_codes


@MODELS.register_module()
class CenterFlowHead(BaseDenseHead):
    """Predicts foreground and flow at each pixel; groups them into cells.

    It stands for ``bbox_head`` in a :class:`CenterFlowDetector`. Every pixel
    is an example, so that it learns from few images what a detector that
    samples anchors and boxes needs many for. It takes one class.

    Of a cell it learns from its box and from what is in ``masks``: the
    answers of an :class:`~pace_mmdet.structures.InstancePoints`
    (:mod:`~pace_mmdet.models.center_flow`), or the pixels of a full mask.

    Args:
        in_channels (int): Channels of the one feature map.
        stride (int): Of the feature map.
        steps (int): Steps, in pixels of the feature map, from a cell's border
            to its middle at most.
        loss_weights (dict): Of the losses ``foreground``, ``flow`` and
            ``point_flow``.
        train_cfg (dict, optional): Unused.
        test_cfg (dict, optional): ``score_thr``: cells that score less are
            left out. ``mask_thr``: a pixel is on a cell above this
            probability, at least 0.5. ``min_area``: cells of fewer pixels
            of the feature map are left out.
        init_cfg (dict, optional): As of all modules of MMEngine.
    """

    def __init__(self,
                 in_channels: int,
                 stride: int = 2,
                 steps: int = 40,
                 loss_weights: Optional[Dict[str, float]] = None,
                 train_cfg: OptConfigType = None,
                 test_cfg: OptConfigType = None,
                 init_cfg: OptMultiConfig = None) -> None:
        super().__init__(init_cfg)
        self.stride = stride
        self.steps = steps
        self.loss_weights = dict(
            foreground=1.0, flow=0.5, point_flow=0.3)
        unknown = set(loss_weights or ()) - set(self.loss_weights)
        if unknown:
            raise ValueError(f'loss_weights: unknown {sorted(unknown)}; there '
                             f'are {sorted(self.loss_weights)}')
        self.loss_weights.update(loss_weights or {})
        self.test_cfg = dict(score_thr=0.05, mask_thr=0.5, min_area=6)
        self.test_cfg.update(test_cfg or {})
        self.conv_pred = nn.Conv2d(in_channels, 3, 1)

    def forward(self, feats: tuple) -> tuple:
        """Maps of the foreground and the flow.

        Args:
            feats (tuple[Tensor]): One feature map, shape (B, C, h, w).

        Returns:
            tuple[list[Tensor]]: Logits, one tensor of shape (B, h, w), and
            flows (x, y) of length 5 or less, one of shape (B, 2, h, w).
        """
        maps = self.conv_pred(feats[0]).float()
        return [maps[:, 0]], [maps[:, 1:]]

    def loss_by_feat(
            self,
            logits: List[Tensor],
            flows: List[Tensor],
            batch_gt_instances: InstanceList,
            batch_img_metas: List[dict],
            batch_gt_instances_ignore: OptInstanceList = None) -> dict:
        """Losses, means over the images.

        Args:
            logits (list[Tensor]): As of :meth:`forward`.
            flows (list[Tensor]): As of :meth:`forward`.
            batch_gt_instances (list[:obj:`InstanceData`]): With ``bboxes``
                (N, 4) and ``masks``.
            batch_img_metas (list[dict]): With ``img_shape``.
            batch_gt_instances_ignore (list[:obj:`InstanceData`], optional):
                Their boxes are taken out.

        Returns:
            dict: ``loss_foreground`` and ``loss_flow``.
        """
        ignored = batch_gt_instances_ignore or [None] * len(batch_img_metas)
        losses = [
            self._loss_single(*image) for image in zip(
                logits[0], flows[0], batch_gt_instances, batch_img_metas,
                ignored)
        ]
        weights = self.loss_weights
        return {
            f'loss_{name}': torch.stack([loss[name] for loss in losses]).mean()
            * weights[name] for name in losses[0]
        }

    def _loss_single(self, logits: Tensor, flow: Tensor,
                     gt_instances: InstanceData, img_meta: dict,
                     ignored: Optional[InstanceData]) -> Dict[str, Tensor]:
        bboxes, masks = gt_instances.bboxes.float(), gt_instances.masks
        height, width = img_meta['img_shape'][:2]
        places = pixel_centers(*logits.shape, self.stride, logits.device)
        valid = (places < places.new_tensor([width, height])).all(-1)
        for box in (() if ignored is None else ignored.bboxes):
            valid &= ~((places > box[:2]) & (places < box[2:])).all(-1)
        if isinstance(masks, InstancePoints):
            points = masks.to_tensor(torch.float32, logits.device)
            outside, flow_error = region_losses(logits, flow, bboxes, valid,
                                                self.stride)
            answers, point_error = point_losses(logits, flow, points, bboxes,
                                                self.stride)
            return dict(
                foreground=outside + answers,
                flow=flow_error +
                self.loss_weights['point_flow'] * point_error)
        if not isinstance(masks, (BitmapMasks, PolygonMasks)):
            raise TypeError('CenterFlowHead learns from InstancePoints, '
                            'BitmapMasks or PolygonMasks, but got '
                            f'{type(masks).__name__}')
        pixels = masks.to_tensor(torch.bool, logits.device)
        foreground, flow_error = mask_losses(logits, flow, pixels, bboxes,
                                             valid, self.stride)
        return dict(foreground=foreground, flow=flow_error)

    def predict_by_feat(self,
                        logits: List[Tensor],
                        flows: List[Tensor],
                        batch_img_metas: List[dict],
                        cfg: OptConfigType = None,
                        rescale: bool = False) -> InstanceList:
        """Cells of each image.

        Args:
            logits (list[Tensor]): As of :meth:`forward`.
            flows (list[Tensor]): As of :meth:`forward`.
            batch_img_metas (list[dict]): With ``img_shape``, ``ori_shape``.
            cfg (dict, optional): Instead of ``test_cfg``.
            rescale (bool): Masks and boxes in pixels of the original image.

        Returns:
            list[:obj:`InstanceData`]: ``bboxes`` (N, 4) of the masks,
            ``scores``, ``labels`` (0) and ``masks``, N compressed run-length
            codes.
        """
        cfg = {**self.test_cfg, **(cfg or {})}
        return [
            self._predict_single(
                logit, flow / FLOW_LENGTH, meta['img_shape'][:2],
                meta['ori_shape' if rescale else 'img_shape'][:2], cfg)
            for logit, flow, meta in zip(logits[0], flows[0], batch_img_metas)
        ]

    def _predict_single(self, logits: Tensor, flow: Tensor, img_shape: tuple,
                        out_shape: tuple, cfg: dict) -> InstanceData:
        # The batch is padded.
        rows, columns = (-(-side // self.stride) for side in img_shape)
        logits = logits.detach()[:rows, :columns]
        flow = flow.detach()[:, :rows, :columns]
        labels = group_pixels(logits > 0, flow, self.steps)
        probs = logits.sigmoid().cpu().numpy()
        scores = flow_scores(labels, probs, flow.cpu().numpy())
        stride = [self.stride * out / side
                  for out, side in zip(out_shape[::-1], img_shape[::-1])]
        codes, bboxes = label_codes(labels, probs, stride, *out_shape,
                                    cfg['mask_thr'])
        sizes = torch.bincount(
            torch.from_numpy(labels).flatten(), minlength=len(scores) + 1)[1:]
        kept = torch.from_numpy((scores >= cfg['score_thr']) &
                                (bboxes[:, 2] > 0)) & (
                                    sizes >= cfg['min_area'])
        order = kept.nonzero()[:, 0]
        order = order[torch.from_numpy(-scores)[order].argsort(stable=True)]
        rles = to_rles(codes, *out_shape)
        found = InstanceData()
        device = logits.device
        found.bboxes = torch.from_numpy(bboxes)[order].to(device)
        found.scores = torch.from_numpy(scores)[order].float().to(device)
        found.labels = torch.zeros(len(order), dtype=torch.long, device=device)
        found.masks = [rles[i] for i in order.tolist()]
        return found
