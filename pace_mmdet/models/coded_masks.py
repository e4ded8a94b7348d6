"""Mask heads that can predict run-length codes instead of bitmaps."""
from typing import List, Union

from mmdet.models.roi_heads.mask_heads import FCNMaskHead
from mmdet.models.task_modules.samplers import SamplingResult
from mmdet.registry import MODELS
from mmdet.structures.mask import PolygonMasks
from mmdet.utils import InstanceList
from mmengine.config import ConfigDict
from torch import Tensor
from torch.nn.modules.utils import _pair

from .mask_codes import masks_to_codes

# Odd, so that there is a pixel at the centre.
_FINER = 5


class CodedMasksMixin:
    """Adds ``mask_codes`` to the test settings of an :class:`FCNMaskHead`.

    With ``test_cfg.rcnn.mask_codes=True``, an image's masks are a list of
    compressed COCO run-length codes, which the metrics take: 3,000 cells are
    then no N x H x W bitmaps. By default they stay bitmaps, which
    MMDetection's visualiser and inferencer expect.
    """

    def _predict_by_feat_single(
            self,
            mask_preds: Tensor,
            bboxes: Tensor,
            labels: Tensor,
            img_meta: dict,
            rcnn_test_cfg: ConfigDict,
            rescale: bool = False,
            activate_map: bool = False) -> Union[Tensor, List[dict]]:
        """Masks of one image.

        Args:
            mask_preds (Tensor): Mask logits, shape (N, C, h, w).
            bboxes (Tensor): Boxes (x1, y1, x2, y2) in pixels of the network's
                input, shape (N, 4); rescaled in place with ``rescale``, as
                the parent does.
            labels (Tensor): Classes, shape (N, ).
            img_meta (dict): With ``scale_factor`` and ``ori_shape``.
            rcnn_test_cfg (:obj:`ConfigDict`): Test settings.
            rescale (bool): Masks and boxes in pixels of the original image.
            activate_map (bool): ``mask_preds`` are probabilities.

        Returns:
            Tensor | list[dict]: Bitmaps, shape (N, H, W), or N codes.
        """
        if not rcnn_test_cfg.get('mask_codes', False):
            return super()._predict_by_feat_single(mask_preds, bboxes, labels,
                                                   img_meta, rcnn_test_cfg,
                                                   rescale, activate_map)
        scale_factor = bboxes.new_tensor(img_meta['scale_factor'])
        height, width = img_meta['ori_shape'][:2]
        if rescale:
            bboxes /= scale_factor.repeat(2)
        else:
            width, height = (
                round(side * scale) for side, scale in zip(
                    (width, height), scale_factor.tolist()))
        if not self.class_agnostic:
            mask_preds = mask_preds[range(len(labels)), labels][:, None]
        probs = mask_preds[:, 0].float()
        return masks_to_codes(probs if activate_map else probs.sigmoid(),
                              bboxes, height, width,
                              rcnn_test_cfg.mask_thr_binary)


@MODELS.register_module()
class FullMaskHead(CodedMasksMixin, FCNMaskHead):
    """:class:`FCNMaskHead` for full masks, with coded predictions."""

    def get_targets(self, sampling_results: List[SamplingResult],
                    batch_gt_instances: InstanceList,
                    rcnn_train_cfg: ConfigDict) -> Tensor:
        """The matched cell's mask on each positive RoI's grid.

        COCO's rasteriser, with which the parent (and the reference) fills
        polygons, puts edges that rise or fall too high by up to a tenth of a
        pixel of the grid: 0.05 on average over real cells, a shift that turns
        round when an image is flipped. So polygons are filled on a finer
        grid, of which the pixels at the centres of the coarse ones are taken.

        Args:
            sampling_results (list[:obj:`SamplingResult`]): One per image.
            batch_gt_instances (list[:obj:`InstanceData`]): One per image,
                with ``masks``.
            rcnn_train_cfg (:obj:`ConfigDict`): With ``mask_size``.

        Returns:
            Tensor: 0 or 1, float32, shape (R, h, w).
        """
        if not all(isinstance(instances.masks, PolygonMasks)
                   for instances in batch_gt_instances):
            return super().get_targets(sampling_results, batch_gt_instances,
                                       rcnn_train_cfg)
        fine_size = [_FINER * size for size in _pair(rcnn_train_cfg.mask_size)]
        targets = super().get_targets(
            sampling_results, batch_gt_instances,
            ConfigDict(rcnn_train_cfg, mask_size=fine_size))
        return targets[:, _FINER // 2::_FINER, _FINER // 2::_FINER]
