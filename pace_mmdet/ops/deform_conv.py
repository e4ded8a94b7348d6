"""Modulated deformable convolution (DCNv2).

Letters in the shapes: N images, C input and C' output channels, (H, W) input
and (h, w) output places, K kernel places, D deform groups.

Each place of the kernel reads the input by bilinear interpolation at a
position of its own, times a factor of its own: a weighted sum of four pixels,
with the same weights for all channels of a deform group. So the columns that
the weights are multiplied with are the product of a sparse matrix with the
input, of which :func:`torch.nn.functional.embedding_bag` is an implementation.

Positions count from the centre of the first pixel; what lies outside of the
input is 0, fading in over the last pixel.
"""
import math
from typing import Optional, Tuple, Union

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.modules.utils import _pair
from torch.utils.checkpoint import checkpoint

from .kernels import torchvision_serves

Pair = Union[int, Tuple[int, int]]


def modulated_deform_conv2d(x: Tensor,
                            offset: Tensor,
                            mask: Tensor,
                            weight: Tensor,
                            bias: Optional[Tensor] = None,
                            stride: Pair = 1,
                            padding: Pair = 0,
                            dilation: Pair = 1,
                            groups: int = 1,
                            deform_groups: int = 1) -> Tensor:
    """Convolve.

    Args:
        x (Tensor): Shape (N, C, H, W). Input stored channels last is read
            where it is, other is copied.
        offset (Tensor): How far each kernel place reads from where it would
            in a plain convolution, in pixels of the input, shape
            (N, 2 D K, h, w), y before x for each place.
        mask (Tensor): Factors, shape (N, D K, h, w).
        weight (Tensor): Shape (C', C / groups, kernel height, width).
        bias (Tensor, optional): Shape (C', ).
        stride (int or tuple[int]): Along y and x, as the next two.
        padding (int or tuple[int]): Pixels of zeros around the input.
        dilation (int or tuple[int]): Pixels between kernel places.
        groups (int): Of channels that are convolved apart.
        deform_groups (int): Of channels with positions of their own, D.

    Returns:
        Tensor: In the input's type and memory format, shape (N, C', h, w).
        Positions and interpolation are in float32 at least; under autocast
        the dense product is in its type.
    """
    dtype = torch.promote_types(x.dtype, torch.float32)
    inputs = (x.to(dtype), offset.to(dtype), mask.to(dtype), weight.to(dtype))
    geometry = (_pair(stride), _pair(padding), _pair(dilation), groups,
                deform_groups)
    if torchvision_serves(x):
        out = _torchvision(*inputs, *geometry)
    elif torch.is_grad_enabled():
        # The columns are K times the input: they are made again for the
        # gradients rather than kept.
        out = checkpoint(
            _weighted_sums, *inputs, *geometry, use_reentrant=False,
            preserve_rng_state=False)
    else:
        out = _weighted_sums(*inputs, *geometry)
    if bias is not None:
        out = out + bias[:, None, None]
    return out.to(x.dtype).contiguous(memory_format=_memory_format(x))


def _torchvision(x: Tensor, offset: Tensor, mask: Tensor, weight: Tensor,
                 stride: Tuple[int, int], padding: Tuple[int, int],
                 dilation: Tuple[int, int], groups: int,
                 deform_groups: int) -> Tensor:
    """By torchvision's kernel."""
    return torch.ops.torchvision.deform_conv2d(
        x, weight, offset, mask, x.new_zeros(len(weight)), *stride, *padding,
        *dilation, groups, deform_groups, True)


def _weighted_sums(x: Tensor, offset: Tensor, mask: Tensor, weight: Tensor,
                   stride: Tuple[int, int], padding: Tuple[int, int],
                   dilation: Tuple[int, int], groups: int,
                   deform_groups: int) -> Tensor:
    """By one sparse and one dense matrix product."""
    num, channels, height, width = x.shape
    out_channels = weight.size(0)
    h, w = offset.shape[2:]
    places = weight[0, 0].numel()
    index, tap_weights = _taps(offset, mask, (height, width),
                               weight.shape[2:], stride, padding, dilation,
                               deform_groups)
    table = x.permute(0, 2, 3, 1).reshape(-1, channels // deform_groups)
    columns = F.embedding_bag(
        index.flatten(0, -2), table, mode='sum',
        per_sample_weights=tap_weights.flatten(0, -2))
    # Slices of channels that neither kind of group divides further.
    slices = math.lcm(groups, deform_groups)
    depth = channels // slices
    columns = columns.view(deform_groups, num * h * w, places,
                           slices // deform_groups, depth)
    columns = columns.permute(0, 3, 1, 2, 4).reshape(
        slices, num * h * w, places * depth)
    weight = weight.reshape(groups, out_channels // groups, slices // groups,
                            depth, places).permute(0, 2, 4, 3, 1)
    weight = weight.reshape(slices, places * depth, out_channels // groups)
    out = torch.bmm(columns, weight)
    out = out.view(groups, slices // groups, num, h, w,
                   out_channels // groups).sum(1)
    out = out.permute(1, 2, 3, 0, 4).reshape(num, h, w, out_channels)
    return out.permute(0, 3, 1, 2)


def _taps(offset: Tensor, mask: Tensor, size: Tuple[int, int],
          kernel: Tuple[int, int], stride: Tuple[int, int],
          padding: Tuple[int, int], dilation: Tuple[int, int],
          deform_groups: int) -> Tuple[Tensor, Tensor]:
    """The four pixels of every kernel place.

    Returns:
        tuple[Tensor]: Rows in a table of (N H W D) slices of pixels, int64,
        and their weights, both of shape (D, N, h, w, K, 4).
    """
    num, _, h, w = offset.shape
    places = kernel[0] * kernel[1]
    device, dtype = offset.device, offset.dtype

    def base(axis: int, count: int) -> Tuple[Tensor, Tensor]:
        """Where a plain convolution reads, by output and kernel place."""
        out = torch.arange(count, device=device, dtype=dtype) * stride[axis]
        at = torch.arange(kernel[axis], device=device, dtype=dtype)
        return out - padding[axis], at * dilation[axis]

    offset = offset.view(num, deform_groups, places, 2, h, w)
    offset = offset.permute(3, 1, 0, 4, 5, 2)
    mask = mask.view(num, deform_groups, places, h, w).permute(1, 0, 3, 4, 2)
    out_y, at_y = base(0, h)
    out_x, at_x = base(1, w)
    y = offset[0] + (out_y[:, None, None] + at_y.repeat_interleave(kernel[1]))
    x = offset[1] + (out_x[:, None] + at_x.repeat(kernel[0]))
    y_pixels, y_weights = _axis_taps(y, size[0])
    x_pixels, x_weights = _axis_taps(x, size[1])
    image = torch.arange(num, device=device)[:, None, None, None] * size[0]
    group = torch.arange(deform_groups, device=device)[(...,) + (None,) * 5]
    rows = [(image + pixel) * size[1] for pixel in y_pixels]
    index = torch.stack([row + col for row in rows for col in x_pixels], -1)
    weights = torch.stack(
        [(row * mask) * col for row in y_weights for col in x_weights], -1)
    return index * deform_groups + group, weights


def _axis_taps(position: Tensor, size: int) -> Tuple[Tuple, Tuple]:
    """The pixels before and after positions, and their weights."""
    low = position.detach().floor()
    share = position - low
    inside = (position.detach() > -1) & (position.detach() < size)
    weights = (torch.where(inside & (low >= 0), 1 - share, 0),
               torch.where(inside & (low < size - 1), share, 0))
    low = low.long()
    return (low.clamp(0, size - 1), (low + 1).clamp(0, size - 1)), weights


def _memory_format(tensor: Tensor) -> torch.memory_format:
    """The format that the tensor is in."""
    if (not tensor.is_contiguous()
            and tensor.is_contiguous(memory_format=torch.channels_last)):
        return torch.channels_last
    return torch.contiguous_format
