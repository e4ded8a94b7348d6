"""Mask heads that can predict run-length codes instead of bitmaps."""
from typing import List, Union

from mmdet.models.roi_heads.mask_heads import FCNMaskHead
from mmdet.registry import MODELS
from mmengine.config import ConfigDict
from torch import Tensor

from .mask_codes import masks_to_codes


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
