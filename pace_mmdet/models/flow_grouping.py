"""From a map of directions to cells: pixels that flow together are one.

As in Cellpose (Stringer et al., 2021), every pixel of the foreground walks
along the predicted flow, towards the middle of its cell. Where walks end
close together is a cell.

Letters in the shapes: h and w of the map, H and W of the image, both in their
own pixels; M pixels of the foreground, N cells. Pixel i of the map has its
centre at i here.
"""
from typing import List, Tuple

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor
from torch.nn import functional as F

from pace_mmdet.masks.crops import encode_crops

# In pixels of the map: how far ends are smoothed, how close together two
# cells' middles may be, and how far from one a walk may end.
_SMOOTH, _APART, _REACH = 2.0, 5, 6.0
# Ends per pixel, smoothed, that make a middle.
_FEWEST = 0.5


def walk(flow: Tensor, starts: Tensor, steps: int) -> Tensor:
    """Where walks along a flow end.

    Args:
        flow (Tensor): Step (x, y) at each pixel, in pixels, shape (2, h, w).
        starts (Tensor): Pixels (x, y), shape (M, 2).
        steps (int): How many to take. The map's border is not crossed.

    Returns:
        Tensor: Places (x, y), float32, shape (M, 2).
    """
    height, width = flow.shape[1:]
    places = starts.float()
    size = places.new_tensor([width, height])
    for _ in range(steps):
        grid = (places + 0.5) * 2 / size - 1
        step = F.grid_sample(flow[None], grid[None, None],
                             align_corners=False)[0, :, 0]
        places = (places + step.T).clamp(min=0).minimum(size - 1)
    return places


def group_pixels(foreground: Tensor, flow: Tensor, steps: int) -> np.ndarray:
    """Divide the foreground into cells.

    Args:
        foreground (Tensor): Bool, shape (h, w).
        flow (Tensor): Step (x, y) at each pixel, about one pixel long, shape
            (2, h, w). Off the foreground it is taken as none.
        steps (int): Steps of a walk: more than from any cell's border to its
            middle.

    Returns:
        ndarray: Number of each pixel's cell from 1, or 0, int32, shape
        (h, w). Numbers run without gaps.
    """
    rows, columns = torch.nonzero(foreground, as_tuple=True)
    labels = np.zeros(tuple(foreground.shape), np.int32)
    if not len(rows):
        return labels
    ends = walk(flow.float() * foreground, torch.stack([columns, rows], 1),
                steps).round().long().cpu().numpy()
    ends = (ends[:, 1], ends[:, 0])
    arrivals = np.zeros(labels.shape, np.float32)
    np.add.at(arrivals, ends, 1)
    arrivals = ndimage.gaussian_filter(arrivals, _SMOOTH)
    middles = (arrivals > _FEWEST) & (
        arrivals == ndimage.maximum_filter(arrivals, _APART))
    numbered, _ = ndimage.label(middles, np.ones((3, 3)))
    away, nearest = ndimage.distance_transform_edt(
        numbered == 0, return_indices=True)
    found = numbered[tuple(nearest)]
    found[away > _REACH] = 0
    labels[rows.cpu().numpy(), columns.cpu().numpy()] = found[ends]
    _, numbers = np.unique(labels, return_inverse=True)
    has_rest = (labels == 0).any()
    return (numbers.reshape(labels.shape) + (not has_rest)).astype(np.int32)


def flow_scores(labels: np.ndarray, probs: np.ndarray,
                flow: np.ndarray) -> np.ndarray:
    """How sure each cell is: foreground x agreement of the flow.

    A cell that should be two, or half of one, has a mean probability as high
    as any. But its pixels don't all flow towards its middle.

    Args:
        labels (ndarray): As of :func:`group_pixels`, N cells.
        probs (ndarray): Probability of the foreground, shape (h, w).
        flow (ndarray): Step (x, y) at each pixel, shape (2, h, w).

    Returns:
        ndarray: Mean probability times mean cosine between flow and direction
        to the cell's centroid, the length of the flow counting too; in
        [0, 1], float64, shape (N, ).
    """
    rows, columns = np.nonzero(labels)
    cells = labels[rows, columns] - 1
    if not len(cells):
        return np.zeros(0)
    area = np.bincount(cells)

    def mean(values: np.ndarray) -> np.ndarray:
        return np.bincount(cells, values) / area

    to_x = mean(columns)[cells] - columns
    to_y = mean(rows)[cells] - rows
    # At the middle there is no direction.
    distance = np.maximum(np.hypot(to_x, to_y), 1)
    steps = flow[:, rows, columns]
    agreement = mean((to_x * steps[0] + to_y * steps[1]) / distance)
    return mean(probs[rows, columns]) * agreement.clip(0, 1)


def label_codes(labels: np.ndarray, probs: np.ndarray, stride: Tuple,
                height: int, width: int,
                threshold: float) -> Tuple[List[bytes], np.ndarray]:
    """Masks in pixels of the image, smooth where the map is coarse.

    A cell's probabilities are interpolated, towards those of the background
    around it, so that an outline lies between pixels where it should, and
    towards 0 on other cells.

    Args:
        labels (ndarray): As of :func:`group_pixels`, N cells.
        probs (ndarray): Probability of the foreground, shape (h, w).
        stride (tuple[float]): (x, y) size of a pixel of the map in pixels of
            the image.
        height (int): H.
        width (int): W.
        threshold (float): A pixel is on the cell above this.

    Returns:
        tuple: N compressed COCO counts, and the boxes (x1, y1, x2, y2) of
        the masks, float32, shape (N, 4); zeros where a mask has no pixel.
    """
    codes, bboxes = [], np.zeros((int(labels.max(initial=0)), 4), np.float32)
    # Beyond the map it goes on as at its border.
    padded = np.pad(labels, 1, mode='edge')
    padded_probs = np.pad(probs, 1, mode='edge').astype(np.float32)
    off = (padded == 0) & (padded_probs <= 0.5)
    for cell, (rows, columns) in enumerate(ndimage.find_objects(labels)):
        # A pixel more on each side, beyond the map, too.
        y, x = rows.start - 1, columns.start - 1
        window = (slice(rows.start, rows.stop + 2),
                  slice(columns.start, columns.stop + 2))
        own = padded[window] == cell + 1
        around = ndimage.binary_dilation(own, np.ones((3, 3))) & off[window]
        own = np.where(own | around, padded_probs[window], 0)
        mask, corner = _enlarge(own, (x, y), stride, (width, height))
        mask = mask > threshold
        codes += encode_crops(mask[None], np.array([corner]), height, width)
        on_y, on_x = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
        if len(on_x):
            bboxes[cell] = (corner[0] + on_x[0], corner[1] + on_y[0],
                            corner[0] + on_x[-1] + 1,
                            corner[1] + on_y[-1] + 1)
    return codes, bboxes


def _enlarge(values: np.ndarray, corner: Tuple[int, int], stride: Tuple,
             size: Tuple[int, int]) -> Tuple[np.ndarray, Tuple[int, int]]:
    """Interpolate a piece of a map at the pixels of the image.

    Args:
        values (ndarray): Shape (h, w).
        corner (tuple[int]): Column and row of its first pixel in the map.
        stride (tuple[float]): As in :func:`label_codes`.
        size (tuple[int]): Width and height of the image.

    Returns:
        tuple: Values at the image's pixels that it covers, and the column and
        row of the first.
    """
    first, matrices = [], []
    for axis in (0, 1):  # x, y
        count = values.shape[1 - axis]
        start = max(int(np.floor(corner[axis] * stride[axis])), 0)
        stop = min(int(np.ceil((corner[axis] + count) * stride[axis])),
                   size[axis])
        places = (np.arange(start, stop) + 0.5) / stride[axis] - 0.5
        places = (places - corner[axis]).clip(0, count - 1)
        # One row a pixel: the weights of the two next values.
        low = np.minimum(places.astype(int), max(count - 2, 0))
        weights = np.zeros((len(places), count), np.float32)
        each = np.arange(len(places))
        weights[each, low] = 1 - (places - low)
        weights[each, np.minimum(low + 1, count - 1)] += places - low
        first.append(start)
        matrices.append(weights)
    return matrices[1] @ values @ matrices[0].T, tuple(first)
