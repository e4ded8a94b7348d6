"""RoIAlign: the features of boxes, read by bilinear interpolation.

Letters in the shapes: N images, C channels, (H, W) the feature map, R RoIs,
(h, w) the bins of each, T pixels read in all.

A bin's value is the mean over a grid of samples, and each sample a weighted
sum of four pixels. So a bin is one weighted sum over the pixels that its
samples touch, with the same weights for all channels; and as the samples form
a grid, the weight of a pixel is that of its row times that of its column. That
is the product of a sparse matrix, (R h w) x (N H W), with the features, which
:func:`torch.nn.functional.embedding_bag` computes.

The rules are those of detectron2's ROIAlign, which MMCV and torchvision
follow: pixel i covers [i, i + 1), so its centre is at i + 0.5 (``aligned``);
what lies up to one pixel outside of the outermost centres takes the border's
value, and what lies farther is 0.
"""
from typing import Iterator, NamedTuple, Tuple, Union

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.utils import _pair

from .kernels import torchvision_serves

# Pixels whose weights are worked out at a time.
_CHUNK = 2**20


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
        Tensor: In the features' type, shape (R, C, h, w); computed in float32
        at least.

    Raises:
        ValueError: If ``aligned`` and an RoI has a negative width or height,
            or one that is not a number.
    """
    size = _pair(output_size)
    dtype = torch.promote_types(features.dtype, torch.float32)
    rois = rois.detach().to(dtype)
    form = _torchvision if torchvision_serves(features) else _weighted_sums
    return form(features.to(dtype), rois, size, spatial_scale, sampling_ratio,
                aligned).to(features.dtype)


class RoIAlign(nn.Module):
    """:func:`roi_align` as a layer, with MMCV's names.

    Args:
        output_size (int or tuple[int]): h and w.
        spatial_scale (float): As for the function, as the next two.
        sampling_ratio (int): 0 for as many samples as a bin needs.
        aligned (bool): Whether pixel centres lie at half pixels.
    """

    def __init__(self,
                 output_size: Union[int, Tuple[int, int]],
                 spatial_scale: float = 1.0,
                 sampling_ratio: int = 0,
                 aligned: bool = True) -> None:
        super().__init__()
        self.output_size = _pair(output_size)
        self.spatial_scale = spatial_scale
        self.sampling_ratio = sampling_ratio
        self.aligned = aligned

    def forward(self, features: Tensor, rois: Tensor) -> Tensor:
        """As :func:`roi_align`."""
        return roi_align(features, rois, self.output_size, self.spatial_scale,
                         self.sampling_ratio, self.aligned)


def _torchvision(features: Tensor, rois: Tensor, size: Tuple[int, int],
                 spatial_scale: float, sampling_ratio: int,
                 aligned: bool) -> Tensor:
    """By torchvision's kernel, which checks no RoI."""
    return torch.ops.torchvision.roi_align(
        features, rois, spatial_scale, *size, sampling_ratio, aligned)


def _weighted_sums(features: Tensor, rois: Tensor, size: Tuple[int, int],
                   spatial_scale: float, sampling_ratio: int,
                   aligned: bool) -> Tensor:
    """By sparse matrix product."""
    channels = features.size(1)
    table = features.permute(0, 2, 3, 1).reshape(-1, channels)
    if not len(rois):
        return table[:0].reshape(0, channels, *size)
    with torch.no_grad():
        index, weights, counts = _taps(
            rois, features.shape, size, spatial_scale, sampling_ratio,
            aligned)
    bins = F.embedding_bag(
        index, table, counts.cumsum(0) - counts, mode='sum',
        per_sample_weights=weights)
    return bins.view(-1, *size, channels).permute(0, 3, 1, 2)


class _Axis(NamedTuple):
    """The pixels that bins read along one axis, B bins an RoI.

    Attributes:
        first (Tensor): The first pixel of each bin, int64, shape (R, B).
        weights (Tensor): Of that pixel and those after it, shape
            (R, B, most of ``counts``).
        counts (Tensor): How many each bin reads, int64, shape (R, B).
    """
    first: Tensor
    weights: Tensor
    counts: Tensor


def _taps(rois: Tensor, shape: torch.Size, size: Tuple[int, int],
          spatial_scale: float, sampling_ratio: int,
          aligned: bool) -> Tuple[Tensor, Tensor, Tensor]:
    """The pixels of all bins, one bin after the other.

    Returns:
        tuple[Tensor]: Their rows in a table of (N H W) pixels, int64, and
        their weights, each of shape (T, ); and how many each bin has, int64,
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
    rows, cols = (
        _axis(corners[:, axis], lengths[:, axis], bins, sampling_ratio, pixels)
        for axis, bins, pixels in ((1, size[0], shape[2]),
                                   (0, size[1], shape[3])))
    top = rois[:, :1].long() * shape[2] + rows.first
    counts = rows.counts[:, :, None] * cols.counts[:, None]
    parts = [
        _outer(_part(rows, chunk), _part(cols, chunk), top[chunk], shape[3])
        for chunk in _chunks(counts.sum((1, 2)))
    ]
    index, weights = map(torch.cat, zip(*parts))
    return index, weights, counts.flatten()


def _axis(start: Tensor, length: Tensor, bins: int, sampling_ratio: int,
          size: int) -> _Axis:
    """Sum the weights of samples by pixel, along one axis.

    Args:
        start (Tensor): First coordinate of each RoI, from the centre of pixel
            0, shape (R, ).
        length (Tensor): Length of each RoI in pixels, shape (R, ).
        bins (int): Bins of each RoI.
        sampling_ratio (int): As for :func:`roi_align`.
        size (int): Pixels of the feature map.
    """
    steps = torch.arange(bins, device=start.device, dtype=start.dtype)
    step = (length / bins)[:, None, None]
    samples = (step.ceil() if sampling_ratio <= 0 else torch.full_like(
        step, sampling_ratio))
    number = torch.arange(
        max(int(samples.max()), 1), device=start.device, dtype=start.dtype)
    used = number < samples
    samples = samples.clamp(min=1)
    position = (start[:, None, None] + steps[:, None] * step +
                (number + 0.5) * step / samples)
    inside = used & (position >= -1) & (position <= size)
    position = position.clamp(0, size - 1)
    low = position.floor()
    high_weight = torch.where(inside, (position - low) / samples, 0)
    low_weight = torch.where(inside, (1 - (position - low)) / samples, 0)
    # Positions only grow along a bin: its first sample is the lowest.
    first = low[..., :1]
    low_place = torch.where(used, low - first, 0).long()
    high_place = torch.where(
        used, (low + 1).clamp(max=size - 1) - first, 0).long()
    counts = high_place.amax(2) + 1
    weights = start.new_zeros(len(start), bins, int(counts.max()))
    weights.scatter_add_(2, low_place, low_weight)
    weights.scatter_add_(2, high_place, high_weight)
    return _Axis(first[..., 0].long(), weights, counts)


def _part(axis: _Axis, chunk: slice) -> _Axis:
    return _Axis(*(value[chunk] for value in axis))


def _chunks(counts: Tensor) -> Iterator[slice]:
    """RoIs of about ``_CHUNK`` pixels in all, or one that has more."""
    ends = counts.cumsum(0).tolist()
    first, done = 0, 0
    for last, end in enumerate(ends, 1):
        if last == len(ends) or ends[last] - done > _CHUNK:
            yield slice(first, last)
            first, done = last, end


def _outer(rows: _Axis, cols: _Axis, top: Tensor,
           width: int) -> Tuple[Tensor, Tensor]:
    """The pixels of all bins, from those of their rows and columns.

    Args:
        rows (_Axis): Along y.
        cols (_Axis): Along x.
        top (Tensor): ``rows.first``, counted through all images.
        width (int): Of the feature map in pixels.

    Returns:
        tuple[Tensor]: As the first two of :func:`_taps`.
    """
    (num, h), w = top.shape, cols.first.size(1)
    # Where each bin's row is among those of all RoIs, and its column.
    row = torch.arange(num * h, device=top.device).repeat_interleave(w)
    col = torch.arange(num * w, device=top.device).view(num, 1, w)
    col = col.expand(num, h, w).flatten()
    corner = (top[:, :, None] * width + cols.first[:, None]).flatten()
    # First the rows of pixels of each bin, one after the other.
    owner, down = _expand(rows.counts.flatten()[row])
    begin = corner[owner] + down * width
    row_weights = rows.weights.flatten(0, 1)[row[owner], down]
    col = col[owner]
    # Then the pixels of each of these.
    owner, right = _expand(cols.counts.flatten()[col])
    weights = cols.weights.flatten(0, 1)[col[owner], right]
    return begin[owner] + right, weights.mul_(row_weights[owner])


def _expand(counts: Tensor) -> Tuple[Tensor, Tensor]:
    """Owner and place of each of ``counts`` items, one after the other."""
    owner = torch.repeat_interleave(counts)
    place = torch.arange(len(owner), device=counts.device)
    return owner, place.sub_((counts.cumsum(0) - counts)[owner])
