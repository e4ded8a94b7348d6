"""The mask head that learns from points."""
from typing import List

import torch
from mmdet.models.roi_heads.mask_heads import FCNMaskHead
from mmdet.models.task_modules.samplers import SamplingResult
from mmdet.registry import MODELS
from mmdet.utils import ConfigType, InstanceList
from mmengine.config import ConfigDict
from torch import Tensor
from torch.nn import functional as F

from pace_mmdet.structures import InstancePoints

from .coded_masks import CodedMasksMixin
from .point_sampling import box_coordinates, sample_logits


@MODELS.register_module()
class PointMaskHead(CodedMasksMixin, FCNMaskHead):
    """:class:`FCNMaskHead` whose loss is taken at labelled points only.

    The network is that of the parent, and so are its predictions, but for the
    option of :class:`~pace_mmdet.models.coded_masks.CodedMasksMixin`. In
    training, the predicted mask is read at the cell's points by bilinear
    interpolation and compared with their labels (paper, section 3.3; Cheng et
    al., "Pointly-Supervised Instance Segmentation", 2021). It expects
    :class:`~pace_mmdet.structures.InstancePoints` where other heads expect
    masks. Points labelled -1, points outside the RoI and the points of RoIs
    without area take no part.

    Args:
        *args: Those of the parent.
        normalizer (str): What the summed loss is divided by. 'all': the
            number of RoIs x points, those that take no part included, as the
            reference does; 'valid': the number of points that take part.
        loss_mask (dict): The loss per point, of logits. Default: binary
            cross-entropy. The one of a config for full masks doesn't fit.
        **kwargs: Those of the parent.

    Raises:
        ValueError: If ``normalizer`` is something else, or ``loss_mask`` is
            for full masks or for classes.
    """

    def __init__(self,
                 *args,
                 normalizer: str = 'all',
                 loss_mask: ConfigType = dict(
                     type='CrossEntropyLoss', use_sigmoid=True),
                 **kwargs) -> None:
        if loss_mask.get('type') == 'CrossEntropyLoss' and (
                loss_mask.get('use_mask') or not loss_mask.get('use_sigmoid')):
            raise ValueError(
                f'PointMaskHead takes its loss at points, loss_mask='
                f'{dict(loss_mask)} is not for them (a config for full masks '
                'says use_mask=True, which it inherits). Write '
                "mask_head=dict(type='PointMaskHead', loss_mask=dict("
                'use_mask=False, use_sigmoid=True))')
        super().__init__(*args, loss_mask=loss_mask, **kwargs)
        if normalizer not in ('all', 'valid'):
            raise ValueError("normalizer must be 'all' or 'valid', got "
                             f'{normalizer!r}')
        self.normalizer = normalizer

    def get_targets(self, sampling_results: List[SamplingResult],
                    batch_gt_instances: InstanceList,
                    rcnn_train_cfg: ConfigDict) -> Tensor:
        """The labelled points of the cell that each positive RoI matched.

        Args:
            sampling_results (list[:obj:`SamplingResult`]): One per image.
            batch_gt_instances (list[:obj:`InstanceData`]): One per image,
                with ``masks`` an :class:`InstancePoints`.
            rcnn_train_cfg (:obj:`ConfigDict`): Unused.

        Returns:
            Tensor: x, y in image pixels and label, float32, shape (R, P, 3).
            P is the batch's largest; cells with fewer points are filled up
            with points labelled -1.

        Raises:
            TypeError: If the instances have masks instead of points.
        """
        points = []
        for result, gt_instances in zip(sampling_results, batch_gt_instances):
            masks = gt_instances.masks
            if not isinstance(masks, InstancePoints):
                raise TypeError(
                    f'PointMaskHead learns from InstancePoints, but got '
                    f'{type(masks).__name__}; load point labels with '
                    'LoadPointAnnotations, or make them from masks with '
                    'RandomPointLabel')
            inds = result.pos_assigned_gt_inds
            points.append(masks.to_tensor(torch.float32, inds.device)[inds])
        most = max(cells.size(1) for cells in points)
        return torch.cat([
            F.pad(cells, (0, 0, 0, most - cells.size(1)), value=-1)
            for cells in points
        ])

    def loss_and_target(self, mask_preds: Tensor,
                        sampling_results: List[SamplingResult],
                        batch_gt_instances: InstanceList,
                        rcnn_train_cfg: ConfigDict) -> dict:
        """Loss at the points.

        Args:
            mask_preds (Tensor): Mask logits of the positive RoIs, shape
                (R, C, H, W).
            sampling_results (list[:obj:`SamplingResult`]): One per image.
            batch_gt_instances (list[:obj:`InstanceData`]): One per image.
            rcnn_train_cfg (:obj:`ConfigDict`): Passed to
                :meth:`get_targets`.

        Returns:
            dict: ``loss_mask``, a dict with the loss ``loss_mask`` (0,
            connected to the network, where there is no RoI or no point), and
            ``mask_targets``, see :meth:`get_targets`.
        """
        targets = self.get_targets(sampling_results, batch_gt_instances,
                                   rcnn_train_cfg)
        bboxes = torch.cat([result.pos_priors for result in sampling_results])
        classes = torch.cat(
            [result.pos_gt_labels for result in sampling_results])
        points_box, inside = box_coordinates(targets[..., :2], bboxes.float())
        labels = targets[..., 2]
        valid = inside & (labels >= 0)
        if labels.numel() == 0:
            loss = mask_preds.float().sum() * 0
        else:
            divisor = valid.numel() if self.normalizer == 'all' else \
                valid.sum().clamp(min=1)
            loss = self.loss_mask(
                sample_logits(mask_preds, points_box, classes),
                labels.clamp(min=0),
                weight=valid.float(),
                avg_factor=divisor)
        return dict(loss_mask=dict(loss_mask=loss), mask_targets=targets)
