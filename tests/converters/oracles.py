"""The published network in plain PyTorch, written from its description.

Every function reads weights under the published names. Sources: ResNeSt
(Zhang et al., arXiv 2004.08955, section 3 and figure 2), deformable
convolution v2 (Zhu et al., CVPR 2019), FPN (Lin et al., CVPR 2017), Cascade
R-CNN (Cai and Vasconcelos, CVPR 2018), Mask R-CNN (He et al., ICCV 2017),
with the options that LIVECell's config and detectron2's defaults name.

Letters in the shapes: N images, R RoIs, C channels.
"""
import math
from typing import Dict, List, Optional, Sequence, Tuple

import torch
from torch import Tensor
from torch.nn import functional as F

Weights = Dict[str, Tensor]


def norm(x: Tensor, w: Weights, name: str) -> Tensor:
    """Batch normalisation with the stored statistics."""
    mean, var, scale, shift = (
        w[f'{name}.{part}'][:, None, None]
        for part in ('running_mean', 'running_var', 'weight', 'bias'))
    return (x - mean) / (var + 1e-5).sqrt() * scale + shift


def conv(x: Tensor, w: Weights, name: str, stride: int = 1,
         groups: int = 1) -> Tensor:
    """Convolution that keeps the size, and its normalisation if any."""
    weight = w[f'{name}.weight']
    x = F.conv2d(
        x,
        weight,
        w.get(f'{name}.bias'),
        stride,
        padding=weight.shape[-1] // 2,
        groups=groups)
    return norm(x, w, f'{name}.norm') if f'{name}.norm.weight' in w else x


def sample(image: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """Bilinear interpolation between pixels at whole numbers, 0 outside.

    Args:
        image (Tensor): Shape (C, H, W).
        y (Tensor): Any shape.
        x (Tensor): The same shape.

    Returns:
        Tensor: C values for each position.
    """
    height, width = image.shape[1:]
    top, left = y.floor(), x.floor()
    result = image.new_zeros(len(image), *y.shape)
    for row, weight_y in ((top, 1 - (y - top)), (top + 1, y - top)):
        for col, weight_x in ((left, 1 - (x - left)), (left + 1, x - left)):
            inside = (row >= 0) & (row < height) & (col >= 0) & (col < width)
            values = image[:, row.clamp(0, height - 1).long(),
                           col.clamp(0, width - 1).long()]
            result += values * (weight_y * weight_x * inside)
    return result


def deformable_conv(x: Tensor, prediction: Tensor, weight: Tensor,
                    groups: int, deform_groups: int) -> Tensor:
    """Modulated deformable 3 x 3 convolution of stride 1.

    The first two thirds of ``prediction`` are offsets, (y, x) for each tap
    of each deformable group; the last third, through a sigmoid, is the
    factor on each tap.
    """
    batch, channels, height, width = x.shape
    taps = prediction.shape[1] // 3 // deform_groups
    offsets = prediction[:, :2 * taps * deform_groups].reshape(
        batch, deform_groups, taps, 2, height, width)
    factors = prediction[:, 2 * taps * deform_groups:].sigmoid().reshape(
        batch, deform_groups, taps, height, width)
    ys, xs = torch.meshgrid(
        torch.arange(height).to(x), torch.arange(width).to(x), indexing='ij')
    columns = x.new_zeros(batch, channels, taps, height, width)
    per_group = channels // deform_groups
    for image in range(batch):
        for group in range(deform_groups):
            own = slice(group * per_group, (group + 1) * per_group)
            for tap in range(taps):
                dy, dx = offsets[image, group, tap]
                columns[image, own, tap] = factors[image, group, tap] * sample(
                    x[image, own], ys + tap // 3 - 1 + dy,
                    xs + tap % 3 - 1 + dx)
    columns = columns.view(batch, groups, channels // groups, taps, height,
                           width)
    weight = weight.view(groups, -1, channels // groups, taps)
    return torch.einsum('ngcthw,goct->ngohw', columns,
                        weight).flatten(1, 2)


def split_attention(x: Tensor, w: Weights, name: str, radix: int = 2,
                    deform_groups: int = 2) -> Tensor:
    """Two splits of features, weighted channel by channel against each other.

    With weights for offsets beside it, its convolution is deformable.
    """
    if f'{name}_offset.weight' in w:
        prediction = conv(x, w, f'{name}_offset', groups=deform_groups)
        x = deformable_conv(x, prediction, w[f'{name}.conv.weight'], radix,
                            deform_groups)
    else:
        x = conv(x, w, f'{name}.conv', groups=radix)
    splits = norm(x, w, f'{name}.bn0').relu().chunk(radix, dim=1)
    pooled = sum(splits).mean((2, 3), keepdim=True)
    hidden = norm(conv(pooled, w, f'{name}.fc1'), w, f'{name}.bn1').relu()
    logits = torch.stack(conv(hidden, w, f'{name}.fc2').chunk(radix, dim=1))
    return (logits.softmax(0) * torch.stack(splits)).sum(0)


def stem(x: Tensor, w: Weights) -> Tensor:
    """Three convolutions, the first of stride 2, and max pooling."""
    for index, stride in ((1, 2), (2, 1), (3, 1)):
        x = conv(x, w, f'backbone.bottom_up.stem.conv1_{index}',
                 stride).relu()
    return F.max_pool2d(x, 3, 2, 1)


def block(x: Tensor, w: Weights, name: str, stride: int) -> Tensor:
    """A bottleneck; both branches are downsampled by average pooling."""
    out = conv(x, w, f'{name}.conv1').relu()
    out = split_attention(out, w, f'{name}.conv2')
    if stride > 1:
        out = F.avg_pool2d(out, 3, stride, 1)
    out = conv(out, w, f'{name}.conv3')
    if f'{name}.shortcut.weight' in w:
        # Cut-off windows at the border count what is in the image.
        x = F.avg_pool2d(
            x, stride, stride, ceil_mode=True, count_include_pad=False)
        x = conv(x, w, f'{name}.shortcut')
    return (out + x).relu()


def pyramid(features: Sequence[Tensor], w: Weights) -> List[Tensor]:
    """FPN: normalised lateral and output convolutions; p6 is every second
    pixel of p5."""
    laterals = [
        conv(x, w, f'backbone.fpn_lateral{level}')
        for level, x in enumerate(features, 2)
    ]
    for level in (2, 1, 0):
        coarse = laterals[level + 1]
        coarse = coarse.repeat_interleave(2, 2).repeat_interleave(2, 3)
        laterals[level] = laterals[level] + coarse
    outputs = [
        conv(x, w, f'backbone.fpn_output{level}')
        for level, x in enumerate(laterals, 2)
    ]
    return outputs + [outputs[-1][:, :, ::2, ::2]]


def apply_deltas(boxes: Tensor, deltas: Tensor,
                 weights: Sequence[float]) -> Tensor:
    """Move and scale boxes (x1, y1, x2, y2), shape (R, 4)."""
    size = boxes[:, 2:] - boxes[:, :2]
    centre = boxes[:, :2] + size / 2
    deltas = deltas / deltas.new_tensor(weights)
    centre = centre + deltas[:, :2] * size
    size = size * deltas[:, 2:].clamp(max=math.log(1000 / 16)).exp()
    return torch.cat([centre - size / 2, centre + size / 2], dim=1)


def clip(boxes: Tensor, height: int, width: int) -> Tensor:
    """Cut boxes off at the image's border."""
    return boxes.clamp(min=0).minimum(
        boxes.new_tensor([width, height, width, height]))


def suppress(boxes: Tensor, scores: Tensor, threshold: float) -> List[int]:
    """Greedy non-maximum suppression; indices by falling score."""
    kept: List[int] = []
    area = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    for index in scores.argsort(descending=True, stable=True).tolist():
        corner = boxes[kept, :2].maximum(boxes[index, :2])
        end = boxes[kept, 2:].minimum(boxes[index, 2:])
        overlap = (end - corner).clamp(min=0).prod(1)
        if (overlap / (area[kept] + area[index] - overlap) <=
                threshold).all():
            kept.append(index)
    return kept


def proposals(features: Sequence[Tensor], w: Weights, height: int,
              width: int, sizes: Sequence[float],
              ratios: Sequence[float]) -> Tuple[Tensor, Tensor]:
    """All proposals of one image, from p2, p2, p3, p4, p5, p6.

    Returns:
        tuple: Boxes, shape (R, 4), and logits, shape (R, ), level by level.
    """
    rpn = 'proposal_generator.rpn_head'
    all_boxes, all_scores = [], []
    levels = (0, 0, 1, 2, 3, 4)
    for level, size in zip(levels, sizes):
        hidden = conv(features[level], w, f'{rpn}.conv').relu()
        logits = conv(hidden, w, f'{rpn}.objectness_logits')[0]
        deltas = conv(hidden, w, f'{rpn}.anchor_deltas')[0]
        boxes, scores = [], []
        for y in range(logits.shape[1]):
            for x in range(logits.shape[2]):
                for index, ratio in enumerate(ratios):
                    half_w = size / math.sqrt(ratio) / 2
                    half_h = size * math.sqrt(ratio) / 2
                    cx, cy = (4 * 2**level * v for v in (x, y))
                    boxes.append(
                        [cx - half_w, cy - half_h, cx + half_w, cy + half_h])
                    scores.append(logits[index, y, x])
        moved = deltas.permute(1, 2, 0).reshape(-1, 4)
        boxes = clip(
            apply_deltas(moved.new_tensor(boxes), moved, (1, 1, 1, 1)),
            height, width)
        scores = torch.stack(scores)
        kept = (boxes[:, 2:] > boxes[:, :2]).all(1)
        boxes, scores = boxes[kept], scores[kept]
        kept = suppress(boxes, scores, 0.7)
        all_boxes.append(boxes[kept])
        all_scores.append(scores[kept])
    return torch.cat(all_boxes), torch.cat(all_scores)


def roi_align(feature: Tensor, box: Tensor, stride: int,
              size: int) -> Tensor:
    """Mean over a grid of samples in each bin, about one per pixel of the
    feature; 0 for a box without area.

    Args:
        feature (Tensor): Of one image, shape (C, H, W).
        box (Tensor): x1, y1, x2, y2 in image pixels.
        stride (int): Image pixels per pixel of the feature.
        size (int): Bins along a side.
    """
    # Pixel i of the feature has its centre at i + 0.5.
    x1, y1, x2, y2 = (box / stride - 0.5).tolist()
    bin_w, bin_h = (x2 - x1) / size, (y2 - y1) / size
    per_x, per_y = math.ceil(bin_w), math.ceil(bin_h)
    if not per_x or not per_y:
        return feature.new_zeros(len(feature), size, size)
    x = x1 + (torch.arange(size * per_x).to(feature) + 0.5) / per_x * bin_w
    y = y1 + (torch.arange(size * per_y).to(feature) + 0.5) / per_y * bin_h
    # Up to a pixel beyond the border the border's value is taken.
    height, width = feature.shape[1:]
    valid_x, valid_y = (x >= -1) & (x <= width), (y >= -1) & (y <= height)
    values = sample(
        feature,
        y.clamp(0, height - 1)[:, None].expand(-1, len(x)),
        x.clamp(0, width - 1).expand(len(y), -1))
    values = values * (valid_y[:, None] & valid_x)
    return values.view(-1, size, per_y, size, per_x).mean((2, 4))


def pool(features: Sequence[Tensor], boxes: Tensor, size: int) -> Tensor:
    """RoIs of one image from p2 to p5; a box of 224 pixels is on p4."""
    rois = []
    for box in boxes:
        side = ((box[2] - box[0]) * (box[3] - box[1])).sqrt().item()
        level = 4 + math.log2(side / 224) if side else 2
        level = min(max(math.floor(level), 2), 5)
        rois.append(
            roi_align(features[level - 2][0], box, 2**level, size))
    return torch.stack(rois)


def box_head(rois: Tensor, w: Weights, stage: int) -> Tuple[Tensor, Tensor]:
    """Class logits and deltas of one stage."""
    head = f'roi_heads.box_head.{stage}'
    index = 1
    while f'{head}.conv{index}.weight' in w:
        rois = conv(rois, w, f'{head}.conv{index}').relu()
        index += 1
    x = linear(rois.flatten(1), w, f'{head}.fc1').relu()
    predictor = f'roi_heads.box_predictor.{stage}'
    return (linear(x, w, f'{predictor}.cls_score'),
            linear(x, w, f'{predictor}.bbox_pred'))


def linear(x: Tensor, w: Weights, name: str) -> Tensor:
    return x @ w[f'{name}.weight'].T + w[f'{name}.bias']


def cascade(features: Sequence[Tensor], boxes: Tensor, w: Weights,
            height: int, width: int) -> Tuple[Tensor, Tensor]:
    """Three stages on one image; the stages' probabilities are averaged.

    Returns:
        tuple: Boxes (R, 4) of the last stage, and probabilities (R, K + 1),
        background last.
    """
    probabilities: Optional[Tensor] = None
    for stage in range(3):
        logits, deltas = box_head(pool(features, boxes, 7), w, stage)
        share = logits.softmax(1) / 3
        probabilities = share if probabilities is None else (
            probabilities + share)
        weights = [(stage + 1) * weight for weight in (10, 10, 5, 5)]
        boxes = clip(apply_deltas(boxes, deltas, weights), height, width)
    return boxes, probabilities


def mask_head(rois: Tensor, w: Weights) -> Tensor:
    """Mask probabilities, twice the size of the RoIs."""
    head = 'roi_heads.mask_head'
    index = 1
    while f'{head}.mask_fcn{index}.weight' in w:
        rois = conv(rois, w, f'{head}.mask_fcn{index}').relu()
        index += 1
    weight = w[f'{head}.deconv.weight']
    # Each pixel becomes 2 x 2.
    x = torch.einsum('rchw,cokl->rohkwl', rois, weight).flatten(2, 3)
    x = x.flatten(3, 4) + w[f'{head}.deconv.bias'][:, None, None]
    return conv(x.relu(), w, f'{head}.predictor').sigmoid()


def paste(mask: Tensor, box: Tensor, height: int, width: int) -> Tensor:
    """A mask's probabilities, shape (h, w), at the centres of the pixels."""
    x1, y1, x2, y2 = box.tolist()
    ys = (torch.arange(height).to(mask) + 0.5 - y1) / (y2 - y1)
    xs = (torch.arange(width).to(mask) + 0.5 - x1) / (x2 - x1)
    ys, xs = ys * mask.shape[0] - 0.5, xs * mask.shape[1] - 0.5
    return sample(mask[None], ys[:, None].expand(-1, width),
                  xs.expand(height, -1))[0]
