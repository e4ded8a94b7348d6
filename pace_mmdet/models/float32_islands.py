"""Layers that compute in float32 also under autocast.

MMCV's deformable convolution and RoIAlign exist for half, float and double
only, read their input as if it were contiguous, and lose what matters here in
16 bits: an offset or a box of 512 pixels moves in steps of 2 to 4 in bfloat16
(``SingleRoIExtractor`` casts boxes to the features' type). So these layers
leave autocast, and boxes stay float32 wherever they go. Outside of autocast
and with contiguous features, each is its parent exactly.
"""
from typing import Optional, Tuple

import torch
from mmcv.ops import ModulatedDeformConv2dPack
from mmdet.models.dense_heads import RPNHead
from mmdet.models.roi_heads.roi_extractors import SingleRoIExtractor
from mmdet.registry import MODELS
from torch import Tensor

_HALVES = (torch.float16, torch.bfloat16)


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

        Raises:
            RuntimeError: If its weights are stored channels last, which the
                parent would silently read in the wrong order.
        """
        if not (self.weight.is_contiguous()
                and self.conv_offset.weight.is_contiguous()):
            raise RuntimeError(
                'deformable convolution needs contiguous weights; convert a '
                'model with pace_mmdet.engine.to_channels_last, not with '
                'Module.to(memory_format=...)')
        with leave_autocast(x):
            out = super().forward(as_float32(x).contiguous())
        return out.to(x.dtype, memory_format=_memory_format(x))


@MODELS.register_module()
class Float32RoIExtractor(SingleRoIExtractor):
    """:class:`SingleRoIExtractor` in float32; boxes are never cast."""

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
                tuple(as_float32(feat).contiguous() for feat in feats), rois,
                roi_scale_factor)


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


def _memory_format(tensor: Tensor) -> torch.memory_format:
    """The format that the tensor is in."""
    if (not tensor.is_contiguous()
            and tensor.is_contiguous(memory_format=torch.channels_last)):
        return torch.channels_last
    return torch.contiguous_format
