"""Layers that compute in float32 also under autocast.

An offset or a box of 512 pixels moves in steps of 2 to 4 in bfloat16
(``SingleRoIExtractor`` casts boxes to the features' type). So these layers
leave autocast, and boxes stay float32 wherever they go. They run on the
operators of :mod:`pace_mmdet.ops`, whether or not MMCV has its own.
"""
from typing import List, Optional, Tuple

import torch
from mmcv.ops import ModulatedDeformConv2dPack
from mmdet.models.dense_heads import RPNHead
from mmdet.models.roi_heads.roi_extractors import SingleRoIExtractor
from mmdet.registry import MODELS
from torch import Tensor, nn

from pace_mmdet.ops.deform_conv import modulated_deform_conv2d
from pace_mmdet.ops.roi_align import RoIAlign

_HALVES = (torch.float16, torch.bfloat16)
# What the RoIAlign of ours takes; the level sets its scale.
_ROI_ALIGN = {'output_size', 'sampling_ratio', 'aligned'}


def as_float32(tensor: Tensor) -> Tensor:
    """The tensor in float32 if it is in 16 bits, otherwise itself."""
    return tensor.float() if tensor.dtype in _HALVES else tensor


def leave_autocast(tensor: Tensor) -> torch.autocast:
    """A context without autocast on the tensor's device."""
    return torch.autocast(tensor.device.type, enabled=False)


@MODELS.register_module()
class Float32DCNv2(ModulatedDeformConv2dPack):
    """:class:`ModulatedDeformConv2dPack` ('DCNv2') in float32.

    The output has the input's type and memory format, so that what autograd
    keeps of the layers around it stays small.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Convolve.

        Args:
            x (Tensor): Shape (N, C, H, W).

        Returns:
            Tensor: Shape (N, C', H', W').
        """
        with leave_autocast(x):
            out = self.conv_offset(as_float32(x))
            factors = out.size(1) // 3
            offset, mask = out.split([2 * factors, factors], dim=1)
            return modulated_deform_conv2d(
                x, offset, mask.sigmoid(), self.weight, self.bias,
                self.stride, self.padding, self.dilation, self.groups,
                self.deform_groups)


@MODELS.register_module()
class Float32RoIExtractor(SingleRoIExtractor):
    """:class:`SingleRoIExtractor` in float32; boxes are never cast."""

    def build_roi_layers(self, layer_cfg: dict,
                         featmap_strides: List[int]) -> nn.ModuleList:
        """As the parent's, with the RoIAlign of ours for MMCV's.

        Args:
            layer_cfg (dict): ``type`` and arguments of the layer.
            featmap_strides (list[int]): Of the feature maps.

        Returns:
            ModuleList: A layer for each.
        """
        if layer_cfg['type'] == 'RoIAlign' and not (
                set(layer_cfg) - {'type'} - _ROI_ALIGN):
            layer_cfg = dict(layer_cfg, type=RoIAlign)
        return super().build_roi_layers(layer_cfg, featmap_strides)

    def forward(self,
                feats: Tuple[Tensor],
                rois: Tensor,
                roi_scale_factor: Optional[float] = None) -> Tensor:
        """Extract features.

        Args:
            feats (tuple[Tensor]): Feature maps, each (N, C, H, W).
            rois (Tensor): Image index, x1, y1, x2, y2 in pixels of the
                network's input, float32, shape (R, 5).
            roi_scale_factor (float, optional): As the parent's.

        Returns:
            Tensor: float32 (float64 for feature maps of that type), shape
            (R, C, h, w).
        """
        with leave_autocast(rois):
            return super().forward(
                tuple(map(as_float32, feats)), rois, roi_scale_factor)


@MODELS.register_module()
class Float32RPNHead(RPNHead):
    """:class:`RPNHead` whose anchors stay in float32.

    The parent makes its anchors in the type of the scores.
    """

    def forward_single(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        """Scores and box deltas of one feature map, as the parent's.

        Args:
            x (Tensor): Shape (N, C, H, W).

        Returns:
            tuple[Tensor]: float32, shapes (N, A, H, W) and (N, 4 A, H, W)
            for A anchors per place.
        """
        scores, deltas = super().forward_single(x)
        return as_float32(scores), as_float32(deltas)
