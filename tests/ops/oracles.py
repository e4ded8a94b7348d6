"""The rules of MMCV's operators, written plainly, one number at a time.

All in float64 on Python's own numbers; slow, and meant to be read.
"""
import itertools
import math

import torch


def nms(boxes, scores, threshold, offset=0):
    """Kept indices: from the best score down, equal scores in their order."""
    order = sorted(range(len(scores)), key=lambda i: -scores[i])
    kept = []
    for i in order:
        if all(not iou(boxes[i], boxes[j], offset) > threshold for j in kept):
            kept.append(i)
    return kept


def iou(a, b, offset=0):
    """Intersection over union; not a number for two boxes without area."""
    width = max(min(a[2], b[2]) - max(a[0], b[0]) + offset, 0)
    height = max(min(a[3], b[3]) - max(a[1], b[1]) + offset, 0)
    inter = width * height
    union = sum((x2 - x1 + offset) * (y2 - y1 + offset)
                for x1, y1, x2, y2 in (a, b)) - inter
    return inter / union if union else math.nan


def roi_align(features, rois, size, scale=1.0, ratio=0, aligned=True):
    """Shape (R, C, h, w); differentiable in the features."""
    _, channels, height, width = features.shape
    h, w = size
    out = []
    for image, *corners in rois.tolist():
        x1, y1, x2, y2 = (c * scale - 0.5 * aligned for c in corners)
        roi_w, roi_h = x2 - x1, y2 - y1
        if not aligned:
            roi_w, roi_h = max(roi_w, 1), max(roi_h, 1)
        ny = ratio or math.ceil(roi_h / h)
        nx = ratio or math.ceil(roi_w / w)
        for i, j in itertools.product(range(h), range(w)):
            total = features.new_zeros(channels)
            for iy, ix in itertools.product(range(ny), range(nx)):
                y = y1 + (i + (iy + 0.5) / ny) * roi_h / h
                x = x1 + (j + (ix + 0.5) / nx) * roi_w / w
                if -1 <= y <= height and -1 <= x <= width:
                    y = min(max(y, 0), height - 1)
                    x = min(max(x, 0), width - 1)
                    total = total + _read(features[int(image)], y, x)
            out.append(total / max(ny * nx, 1))
    shape = (len(rois), h, w, channels)
    if not out:
        return features.new_zeros(len(rois), channels, h, w)
    return torch.stack(out).view(shape).permute(0, 3, 1, 2)


def deform_conv(x, offset, mask, weight, stride=(1, 1), padding=(0, 0),
                dilation=(1, 1), groups=1, deform_groups=1):
    """Shape (N, C', h, w)."""
    num, channels = x.shape[:2]
    out_channels, depth, kernel_h, kernel_w = weight.shape
    h, w = offset.shape[2:]
    places = kernel_h * kernel_w
    columns = x.new_zeros(num, channels, places, h, w)
    for n, i, j, d, p in itertools.product(
            range(num), range(h), range(w), range(deform_groups),
            range(places)):
        own = slice(*(k * channels // deform_groups for k in (d, d + 1)))
        dy, dx = offset[n, 2 * (d * places + p):][:2, i, j].tolist()
        columns[n, own, p, i, j] = mask[n, d * places + p, i, j] * _read(
            x[n, own],
            i * stride[0] - padding[0] + p // kernel_w * dilation[0] + dy,
            j * stride[1] - padding[1] + p % kernel_w * dilation[1] + dx)
    out = [
        torch.einsum('ock,nckhw->nohw',
                     some.flatten(2), columns[:, g * depth:(g + 1) * depth])
        for g, some in enumerate(weight.chunk(groups))
    ]
    return torch.cat(out, 1)


def _read(image, y, x):
    """Bilinear, shape (C, ); what is outside of (C, H, W) is 0."""
    _, height, width = image.shape
    total = image.new_zeros(len(image))
    top, left = math.floor(y), math.floor(x)
    for row, col in itertools.product((top, top + 1), (left, left + 1)):
        if 0 <= row < height and 0 <= col < width:
            share = (1 - abs(y - row)) * (1 - abs(x - col))
            total = total + share * image[:, row, col]
    return total
