"""MMCV's module of compiled operators, as far as detection needs it.

Loaded under the name ``mmcv._ext`` by :mod:`pace_mmdet.import_hooks`.
``mmcv.ops`` asks it for 113 functions when it is imported. Those of NMS,
RoIAlign and modulated deformable convolution work, with MMCV's arguments:
results go into tensors that the caller made. Any other raises an error that
says what would provide it.
"""
from typing import Any, Callable

import torch
from torch import Tensor

from pace_mmdet.errors import UserError
from pace_mmdet.ops import deform_conv, nms as suppression, roi_align

_WITHOUT = 'not compiled: operators of pace_mmdet.ops'


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float,
        offset: int) -> Tensor:
    """Indices of the boxes kept, best first."""
    return suppression.nms(boxes, scores, iou_threshold, offset)


def roi_align_forward(input: Tensor, rois: Tensor, output: Tensor,
                      argmax_y: Tensor, argmax_x: Tensor, aligned_height: int,
                      aligned_width: int, spatial_scale: float,
                      sampling_ratio: int, pool_mode: int,
                      aligned: bool) -> None:
    """Features of RoIs into ``output``; ``pool_mode`` 1 is the average."""
    if pool_mode != 1:
        raise _missing("roi_align with pool_mode='max'")
    output.copy_(roi_align.roi_align(
        input, rois, (aligned_height, aligned_width), spatial_scale,
        sampling_ratio, aligned))


def roi_align_backward(grad_output: Tensor, rois: Tensor, argmax_y: Tensor,
                       argmax_x: Tensor, grad_input: Tensor,
                       aligned_height: int, aligned_width: int,
                       spatial_scale: float, sampling_ratio: int,
                       pool_mode: int, aligned: bool) -> None:
    """The features' gradient into ``grad_input``."""
    with torch.enable_grad():
        # The result is linear in the features: any will do.
        features = torch.zeros_like(grad_input).requires_grad_()
        output = roi_align.roi_align(
            features, rois, (aligned_height, aligned_width), spatial_scale,
            sampling_ratio, aligned)
    grad_input.copy_(torch.autograd.grad(output, features, grad_output)[0])


def modulated_deform_conv_forward(
        input: Tensor, weight: Tensor, bias: Tensor, ones: Tensor,
        offset: Tensor, mask: Tensor, output: Tensor, columns: Tensor,
        kernel_h: int, kernel_w: int, with_bias: bool,
        **geometry: int) -> None:
    """The convolution into ``output``."""
    output.copy_(deform_conv.modulated_deform_conv2d(
        input, offset, mask, weight, bias if with_bias else None,
        **_geometry(**geometry)))


def modulated_deform_conv_backward(
        input: Tensor, weight: Tensor, bias: Tensor, ones: Tensor,
        offset: Tensor, mask: Tensor, columns: Tensor, grad_input: Tensor,
        grad_weight: Tensor, grad_bias: Tensor, grad_offset: Tensor,
        grad_mask: Tensor, grad_output: Tensor, kernel_h: int, kernel_w: int,
        with_bias: bool, **geometry: int) -> None:
    """All gradients into the tensors named so."""
    inputs = [t.detach().requires_grad_()
              for t in (input, offset, mask, weight)]
    with torch.enable_grad():
        output = deform_conv.modulated_deform_conv2d(
            *inputs, **_geometry(**geometry))
    grads = torch.autograd.grad(output, inputs, grad_output)
    for target, grad in zip((grad_input, grad_offset, grad_mask, grad_weight),
                            grads):
        target.copy_(grad)
    if with_bias:
        grad_bias.copy_(grad_output.sum((0, 2, 3)))


def get_compiler_version() -> str:
    """For reports on the environment."""
    return _WITHOUT


def get_compiling_cuda_version() -> str:
    """For reports on the environment."""
    return _WITHOUT


def _geometry(stride_h: int, stride_w: int, pad_h: int, pad_w: int,
              dilation_h: int, dilation_w: int, group: int,
              deformable_group: int) -> dict:
    """MMCV's arguments of a convolution under our names."""
    return dict(
        stride=(stride_h, stride_w), padding=(pad_h, pad_w),
        dilation=(dilation_h, dilation_w), groups=group,
        deform_groups=deformable_group)


def _missing(name: str) -> UserError:
    return UserError(
        f"{name}: MMCV's compiled operators are not installed, and "
        'pace_mmdet.ops has no form of this one. A compiled MMCV has it '
        '(pip install --no-build-isolation onedl-mmcv, which needs torch '
        'installed and a C++ compiler); it is used as soon as it is there')


def __getattr__(name: str) -> Callable:
    """A function that raises, for every other name that MMCV asks for."""
    if name.startswith('__'):
        raise AttributeError(name)

    def missing(*_: Any, **__: Any) -> None:
        raise _missing(name)

    return missing
