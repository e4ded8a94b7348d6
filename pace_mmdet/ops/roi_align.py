"""RoIAlign: the features of boxes, read by bilinear interpolation.

Letters in the shapes: N images, C channels, (H, W) the feature map, R RoIs,
(h, w) the bins of each.

A bin's value is the mean over a grid of samples, and each sample a weighted
sum of four pixels. So a bin is one weighted sum over the pixels that its
samples touch, with the same weights for all channels; and as the samples form
a grid, the weight of a pixel is that of its row times that of its column. That
is a product of a sparse matrix, (R h w) x (N H W), with the features, of which
:func:`torch.nn.functional.embedding_bag` is an implementation.

The rules are those of detectron2's ROIAlign, which MMCV follows: the centre of
pixel i is at i in a frame that starts half a pixel later (``aligned``); what
lies up to one pixel outside of the map takes the border's value, and what lies
farther is 0.
"""
from typing import Tuple, Union

import torch
import torch.nn.functional as F
from torch import Tensor


def roi_align(features: Tensor,
              rois: Tensor,
              output_size: Union[int, Tuple[int, int]],
              spatial_scale: float = 1.0,
              sampling_ratio: int = 0,
              aligned: bool = True) -> Tensor:
    """Average features in the bins of RoIs.

    Args:
        features (Tensor): Shape (N, C, H, W). Those stored channels last are
            read where they are, others are copied.
        rois (Tensor): Image index, x1, y1, x2, y2 in pixels of the image,
            shape (R, 5). No gradient flows to them.
        output_size (int or tuple[int]): h and w.
        spatial_scale (float): Pixels of the feature map per pixel of the
            image.
        sampling_ratio (int): Samples along each side of a bin; 0 for as many
            as make them lie at most a pixel of the feature map apart.
        aligned (bool): Whether pixel centres lie at half pixels. If not, RoIs
            also have at least one pixel of the feature map along each side.

    Returns:
        Tensor: In the features' type, shape (R, C, h, w).

    Raises:
        ValueError: If ``aligned`` and an RoI has a negative width or height,
            or one that is not a number.
    """
    h, w = ((output_size, output_size)
            if isinstance(output_size, int) else output_size)
    channels = features.size(1)
    dtype = torch.promote_types(features.dtype, torch.float32)
    table = features.permute(0, 2, 3, 1).reshape(-1, channels).to(dtype)
    if not len(rois):
        return table[:0].reshape(0, channels, h, w).to(features.dtype)
    with torch.no_grad():
        index, weight, offsets = _taps(
            rois.to(dtype), features.shape, (h, w), spatial_scale,
            sampling_ratio, aligned)
    bins = F.embedding_bag(
        index, table, offsets, mode='sum', per_sample_weights=weight)
    return bins.view(-1, h, w, channels).permute(0, 3, 1, 2).to(features.dtype)


def _taps(rois: Tensor, shape: torch.Size, size: Tuple[int, int],
          spatial_scale: float, sampling_ratio: int,
          aligned: bool) -> Tuple[Tensor, Tensor, Tensor]:
    """The pixels of all bins, one bin after the other.

    Returns:
        tuple[Tensor]: For T pixels in all: their rows in a table of
        (N H W) pixels, their weights, each (T, ), and where each bin begins,
        shape (R h w, ).
    """
    corners = rois[:, 1:] * spatial_scale - (0.5 if aligned else 0)
    lengths = corners[:, 2:] - corners[:, :2]
    if not aligned:
        lengths = lengths.clamp(min=1)
    elif not bool((lengths >= 0).all()):
        bad = int((~(lengths >= 0)).any(1).nonzero()[0])
        raise ValueError(
            f'RoI {bad} is {rois[bad].tolist()} (image, x1, y1, x2, y2): '
            'expected x1 <= x2 and y1 <= y2')
    rows, row_weights, tall = _axis_taps(
        corners[:, 1], lengths[:, 1], size[0], sampling_ratio, shape[2])
    cols, col_weights, wide = _axis_taps(
        corners[:, 0], lengths[:, 0], size[1], sampling_ratio, shape[3])
    # Pixels of each bin, and the place of each pixel in its bin.
    bins = size[0] * size[1]
    counts = (tall * wide).repeat_interleave(bins)
    ends = counts.cumsum(0)
    offsets = ends - counts
    owner = torch.repeat_interleave(
        torch.arange(len(counts), device=rois.device), counts)
    place = torch.arange(len(owner), device=rois.device) - offsets[owner]
    roi = owner // bins
    row = (owner % bins) // size[1]
    col = owner % size[1]
    down = place // wide[roi]
    right = place - down * wide[roi]
    y = rows[roi, row] + down
    x = cols[roi, col] + right
    weight = row_weights[roi, row, down] * col_weights[roi, col, right]
    pixel = (y.clamp_(max=shape[2] - 1) * shape[3] +
             x.clamp_(max=shape[3] - 1))
    image = rois[:, 0].long()
    return pixel + (image * shape[2] * shape[3])[roi], weight, offsets


def _axis_taps(start: Tensor, length: Tensor, bins: int, sampling_ratio: int,
               size: int) -> Tuple[Tensor, Tensor, Tensor]:
    """Weights of the pixels along one axis.

    Args:
        start (Tensor): First coordinate of each RoI, shape (R, ).
        length (Tensor): Length of each RoI, shape (R, ).
        bins (int): Bins along this axis, B.
        sampling_ratio (int): As for :func:`roi_align`.
        size (int): Pixels of the feature map along this axis.

    Returns:
        tuple[Tensor]: The first pixel of each bin, int64, shape (R, B); the
        weights of it and of those after it, shape (R, B, T); and how many of
        these count for each RoI, int64, shape (R, ).
    """
    bin_length = (length / bins)[:, None, None]
    if sampling_ratio > 0:
        samples = torch.full_like(length, sampling_ratio)
    else:
        samples = bin_length[:, 0, 0].ceil()
    most = max(int(samples.max()), 1)
    grid = samples[:, None, None]
    number = torch.arange(most, device=start.device, dtype=start.dtype)
    at = torch.arange(bins, device=start.device, dtype=start.dtype)[:, None]
    position = (start[:, None, None] + at * bin_length +
                (number + 0.5) * bin_length / grid.clamp(min=1))
    valid = (number < grid) & (position >= -1) & (position <= size)
    position = position.clamp(0, size - 1)
    low = position.floor()
    share = torch.where(valid, 1 / grid.clamp(min=1), 0)
    high_weight = (position - low) * share
    low_weight = share - high_weight
    first = low[..., :1]
    place = (low - first).long()
    # Sample positions never fall behind: the last in use is the farthest.
    reach = (torch.where(number < grid, place, 0).amax((1, 2)) + 2)
    weights = start.new_zeros(len(start), bins, int(reach.max()))
    place = torch.where(number < grid, place, 0)
    weights.scatter_add_(2, place, low_weight)
    weights.scatter_add_(2, place + 1, high_weight)
    return first[..., 0].long(), weights, reach
