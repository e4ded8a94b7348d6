"""What boxes and answers say about every pixel: foreground and flow.

Two maps are learned: whether a pixel is on a cell, and the direction to the
middle of that cell's box. No mask is needed for either:

- A pixel outside all boxes is background, and has no direction.
- A point that was answered yes is foreground, and its box is known. One
  answered no is background, where no other box could own it.
- Any other pixel of a single box flows to its middle, as far as it is
  foreground. Where boxes overlap, the pixel's owner is the one of them that
  it lies well within and to whose middle the flow predicted so far points:
  what is learned where only one box is possible, and at the points, decides
  where several are.

Letters in the shapes: N boxes, P points per box, h and w of the map, k boxes
that a pixel may belong to. Boxes and points are in pixels of the network's
input, continuous.
"""
from typing import Tuple

import torch
from torch import Tensor
from torch.nn import functional as F

# Flows are learned at this length, as in Cellpose: of the order of logits.
FLOW_LENGTH = 5.0
# Numbers of pixels x boxes that are compared at once.
_PAIRS_AT_ONCE = 4_000_000


def pixel_centers(height: int, width: int, stride: float,
                  device: torch.device) -> Tensor:
    """Centres (x, y) of a map's pixels in the input, shape (h, w, 2)."""
    y = (torch.arange(height, device=device) + 0.5) * stride
    x = (torch.arange(width, device=device) + 0.5) * stride
    return torch.stack(torch.meshgrid(x, y, indexing='xy'), -1)


def box_centers(bboxes: Tensor) -> Tensor:
    """Middles (x, y) of boxes (x1, y1, x2, y2), shape (N, 2)."""
    return (bboxes[:, :2] + bboxes[:, 2:]) / 2


def directions(places: Tensor, centers: Tensor) -> Tensor:
    """Vectors from places to middles, of length 1, or less within a pixel.

    Args:
        places (Tensor): (x, y), shape (..., 2).
        centers (Tensor): (x, y), shape (..., 2).

    Returns:
        Tensor: Shape (..., 2).
    """
    to_center = centers - places
    return to_center / to_center.norm(dim=-1, keepdim=True).clamp(min=1)


def _axis_squares(values: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Squares of distances from the middles of sides, in halves of the side.

    Args:
        values (Tensor): Of one coordinate, shape (...).
        low (Tensor): Where the sides begin, shape (N, ).
        high (Tensor): Where they end, shape (N, ).

    Returns:
        Tensor: Shape (..., N); infinite beyond the side.
    """
    half = ((high - low) / 2).clamp(min=0.5)
    offsets = (values[..., None] - (low + high) / 2) / half
    return offsets.square().masked_fill(offsets.abs() >= 1, torch.inf)


def candidate_boxes(x: Tensor, y: Tensor, bboxes: Tensor,
                    most: int) -> Tuple[Tensor, Tensor, Tensor]:
    """The boxes that places lie in.

    Args:
        x (Tensor): Of the places; with ``y`` of a shape (...) that both
            broadcast to: (M, ) each, or (1, w) and (h, 1) for a grid.
        y (Tensor): See ``x``.
        bboxes (Tensor): Shape (N, 4), N at least 1.
        most (int): How many are kept of each place.

    Returns:
        tuple[Tensor]: Indices of the k = min(most, N) boxes in which a place
        lies most centrally, shape (..., k); the square of its distance from
        their middles, in units of half their width and height, infinite where
        it is not in the box, (..., k); and in how many boxes it lies, (...).
    """
    across, down = torch.broadcast_tensors(
        _axis_squares(x, bboxes[:, 0], bboxes[:, 2]),
        _axis_squares(y, bboxes[:, 1], bboxes[:, 3]))
    rows = max(_PAIRS_AT_ONCE // max(across[:1].numel(), 1), 1)
    indices, squares, counts = [], [], []
    for some_across, some_down in zip(across.split(rows), down.split(rows)):
        square = some_across + some_down
        nearest, index = square.topk(
            min(most, len(bboxes)), dim=-1, largest=False)
        indices.append(index)
        squares.append(nearest)
        counts.append((square < torch.inf).sum(-1))
    return torch.cat(indices), torch.cat(squares), torch.cat(counts)


def owned_directions(x: Tensor,
                     y: Tensor,
                     bboxes: Tensor,
                     flow: Tensor,
                     agreement: float = 2.0,
                     most: int = 3) -> Tuple[Tensor, Tensor]:
    """Where each place should flow to, by the box that owns it.

    Args:
        x (Tensor): As of :func:`candidate_boxes`.
        y (Tensor): As of :func:`candidate_boxes`.
        bboxes (Tensor): Shape (N, 4), N at least 1.
        flow (Tensor): The flow predicted there, in units of its full length,
            shape (..., 2).
        agreement (float): How much the cosine between the flow and the
            direction to a box's middle counts against the square of the
            distance from it (:func:`candidate_boxes`).
        most (int): How many boxes a place may be in; more are not looked at.

    Returns:
        tuple[Tensor]: Directions, shape (..., 2), of no meaning outside all
        boxes; in how many boxes each place lies, shape (...).
    """
    index, square, count = candidate_boxes(x, y, bboxes, most)
    places = torch.stack(torch.broadcast_tensors(x, y), -1)
    to_center = directions(places[..., None, :], box_centers(bboxes)[index])
    cosine = (to_center * flow[..., None, :]).sum(-1).clamp(-1, 1)
    owner = (agreement * cosine - square).argmax(-1)
    owner = owner[..., None, None].expand(*owner.shape, 1, 2)
    return to_center.gather(-2, owner).squeeze(-2), count


def sample_map(values: Tensor, places: Tensor, stride: float) -> Tensor:
    """Read a map between its pixels, bilinearly; its border goes on outside.

    Args:
        values (Tensor): Shape (C, h, w).
        places (Tensor): (x, y) in the input, shape (A, B, 2).
        stride (float): Of the map.

    Returns:
        Tensor: Shape (C, A, B).
    """
    height, width = values.shape[-2:]
    size = places.new_tensor([width * stride, height * stride])
    return F.grid_sample(
        values[None], (places / size * 2 - 1)[None],
        padding_mode='border',
        align_corners=False)[0]


def point_losses(logits: Tensor, flow: Tensor, points: Tensor,
                 bboxes: Tensor, stride: float) -> Tuple[Tensor, Tensor]:
    """What the answers say.

    Args:
        logits (Tensor): Of the foreground, shape (h, w).
        flow (Tensor): Predicted flow, shape (2, h, w).
        points (Tensor): x, y, label (1, 0, or -1 for not to be used), shape
            (N, P, 3).
        bboxes (Tensor): Shape (N, 4).
        stride (float): Of the maps.

    Returns:
        tuple[Tensor]: Mean loss of the foreground at the points, and mean
        square error of the flow at those on cells.
    """
    cells, which = torch.nonzero(points[..., 2] >= 0, as_tuple=True)
    used = points[cells, which]
    if not len(used):
        return logits.sum() * 0, flow.sum() * 0
    places, on_cell = used[:, :2], used[:, 2]
    values = sample_map(
        torch.cat([logits[None], flow]), places[None], stride)[:, 0]
    # No for this cell may be yes for another.
    _, _, count = candidate_boxes(*places.T, bboxes, 1)
    known = ((on_cell == 1) | (count <= 1)).float()
    loss = F.binary_cross_entropy_with_logits(
        values[0], on_cell, reduction='none')
    target = directions(places, box_centers(bboxes)[cells]) * FLOW_LENGTH
    error = (values[1:].T - target).square().mean(-1)
    return ((loss * known).sum() / known.sum().clamp(min=1),
            (error * on_cell).sum() / on_cell.sum().clamp(min=1))


def region_losses(logits: Tensor, flow: Tensor, bboxes: Tensor,
                  valid: Tensor, stride: float) -> Tuple[Tensor, Tensor]:
    """What the boxes say about all pixels.

    Args:
        logits (Tensor): Of the foreground, shape (h, w).
        flow (Tensor): Predicted flow, shape (2, h, w).
        bboxes (Tensor): Shape (N, 4).
        valid (Tensor): Pixels that belong to the image and are annotated,
            bool, shape (h, w).
        stride (float): Of the maps.

    Returns:
        tuple[Tensor]: Mean loss of the foreground outside all boxes, and mean
        square error of the flow: everywhere, against the owner's direction
        times the foreground's probability as predicted now.
    """
    if len(bboxes):
        places = pixel_centers(*logits.shape, stride, logits.device)
        now = flow.detach().permute(1, 2, 0) / FLOW_LENGTH
        target, count = owned_directions(places[:1, :, 0], places[:, :1, 1],
                                         bboxes, now)
        in_boxes = count > 0
        target = target.permute(2, 0, 1)
        target = target * logits.detach().sigmoid() * in_boxes * FLOW_LENGTH
    else:
        in_boxes = torch.zeros_like(valid)
        target = torch.zeros_like(flow)
    outside = valid & ~in_boxes
    loss = (F.softplus(logits) * outside).sum() / outside.sum().clamp(min=1)
    error = (flow - target).square().mean(0) * valid
    return loss, error.sum() / valid.sum().clamp(min=1)


def mask_losses(logits: Tensor, flow: Tensor, masks: Tensor, bboxes: Tensor,
                valid: Tensor, stride: int) -> Tuple[Tensor, Tensor]:
    """The same maps learned from full masks.

    Args:
        logits (Tensor): Of the foreground, shape (h, w).
        flow (Tensor): Predicted flow, shape (2, h, w).
        masks (Tensor): Bool, in pixels of the input, shape (N, H, W).
        bboxes (Tensor): Shape (N, 4).
        valid (Tensor): As in :func:`region_losses`.
        stride (int): Of the maps.

    Returns:
        tuple[Tensor]: Mean loss of the foreground and mean square error of
        the flow. Where masks overlap, the smallest owns the pixel; a pixel
        of the maps that a cell covers in part is foreground in part.
    """
    height, width = logits.shape
    target = logits.new_zeros(height, width)
    directed = torch.zeros_like(flow)
    if len(masks):
        # What share of each pixel of the maps is on each cell.
        tall, wide = masks.shape[1:]
        part = F.pad(masks.float(), (0, max(width * stride - wide, 0), 0,
                                     max(height * stride - tall, 0)))
        part = F.avg_pool2d(part, stride)[:, :height, :width]
        areas = masks.flatten(1).sum(1)[:, None, None]
        owner = torch.where(part > 0, areas, areas.max() + 1).min(0)[1]
        target = part.sum(0).clamp(max=1)
        places = pixel_centers(height, width, stride, logits.device)
        to_center = directions(places, box_centers(bboxes)[owner])
        directed = to_center.permute(2, 0, 1) * target * FLOW_LENGTH
    count = valid.sum().clamp(min=1)
    loss = F.binary_cross_entropy_with_logits(
        logits, target, reduction='none') * valid
    error = (flow - directed).square().mean(0) * valid
    return loss.sum() / count, error.sum() / count
