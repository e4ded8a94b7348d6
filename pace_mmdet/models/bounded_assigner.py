"""Anchor assignment whose memory does not grow with cells x anchors.

Letters in the shapes: G cells (ground-truth boxes), A anchors.
"""
from typing import Iterator, Optional, Tuple

import torch
from mmdet.models.task_modules.assigners import AssignResult, MaxIoUAssigner
from mmdet.registry import TASK_UTILS
from mmdet.structures.bbox import get_box_tensor
from mmengine.structures import InstanceData
from torch import Tensor


@TASK_UTILS.register_module()
class BoundedMaxIoUAssigner(MaxIoUAssigner):
    """:class:`MaxIoUAssigner` without its G x A matrix of overlaps.

    The result is the parent's. Anchors are taken a chunk at a time, in their
    order, which runs through the image; a chunk is compared with just the
    cells that reach into the box around it, since all other overlaps are 0.

    Args:
        *args: Those of the parent.
        anchors_per_chunk (int, optional): Anchors that are compared at once.
            Default: 2,048 on a CPU, 16,384 on a GPU, where starting a chunk
            costs more than its arithmetic.
        pairs_per_chunk (int): Bound on cells x anchors that are compared at
            once; a chunk with more is divided.
        **kwargs: Those of the parent.

    Raises:
        ValueError: If options of the parent are set that need the whole
            matrix: ignored regions that anchors have to cover instead of lie
            in, permuted boxes, or low-quality matches with ``min_pos_iou=0``,
            which match cells that no anchor overlaps with every anchor that
            overlaps no cell.
    """

    def __init__(self,
                 *args,
                 anchors_per_chunk: Optional[int] = None,
                 pairs_per_chunk: int = 6_000_000,
                 **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.anchors_per_chunk = anchors_per_chunk
        self.pairs_per_chunk = pairs_per_chunk
        if self.match_low_quality and self.min_pos_iou <= 0:
            raise ValueError('BoundedMaxIoUAssigner needs min_pos_iou > 0 for '
                             'low-quality matches; 1e-6 matches every cell '
                             'that an anchor overlaps')
        if not self.ignore_wrt_candidates or \
                self.perm_repeat_gt_cfg is not None or \
                not self.gt_max_assign_all or self.gpu_assign_thr > 0:
            raise ValueError('BoundedMaxIoUAssigner does without '
                             'ignore_wrt_candidates=False, '
                             'perm_repeat_gt_cfg, gt_max_assign_all=False and '
                             'gpu_assign_thr; use MaxIoUAssigner for them')

    def assign(self,
               pred_instances: InstanceData,
               gt_instances: InstanceData,
               gt_instances_ignore: Optional[InstanceData] = None,
               **kwargs) -> AssignResult:
        """Assign each anchor to a cell, to background or to neither.

        Args:
            pred_instances (:obj:`InstanceData`): ``priors`` (x1, y1, x2, y2),
                shape (A, 4).
            gt_instances (:obj:`InstanceData`): ``bboxes``, shape (G, 4), and
                ``labels``, shape (G, ).
            gt_instances_ignore (:obj:`InstanceData`, optional): ``bboxes``,
                shape (I, 4). An anchor of which a larger share than
                ``ignore_iof_thr`` lies in one of them is neither, unless
                there is no cell.

        Returns:
            :obj:`AssignResult`: See the parent.
        """
        priors = get_box_tensor(pred_instances.priors)
        bboxes = get_box_tensor(gt_instances.bboxes)
        if len(bboxes) == 0 or len(priors) == 0:
            return super().assign(pred_instances, gt_instances)

        ignored = self._ignored(priors, gt_instances_ignore)
        best_iou = -ignored.to(priors.dtype)
        best_cell = torch.zeros(
            len(priors), dtype=torch.long, device=priors.device)
        cell_best_iou = bboxes.new_zeros(len(bboxes))
        candidates = []
        for anchors, cells, overlaps in self._chunks(priors, bboxes):
            overlaps[:, ignored[anchors]] = -1
            best_iou[anchors], rows = overlaps.max(dim=0)
            best_cell[anchors] = cells[rows]
            row_best = torch.maximum(cell_best_iou[cells],
                                     overlaps.amax(dim=1))
            cell_best_iou[cells] = row_best
            if self.match_low_quality:
                # What may be a cell's best overlap of all, for now.
                rows, columns = ((overlaps == row_best[:, None]) &
                                 (overlaps >= self.min_pos_iou)).nonzero().T
                candidates.append((cells[rows], columns + anchors.start,
                                   overlaps[rows, columns]))

        low, high = self.neg_iou_thr if isinstance(
            self.neg_iou_thr, tuple) else (0, self.neg_iou_thr)
        assigned = torch.full_like(best_cell, -1)
        assigned[(best_iou >= low) & (best_iou < high)] = 0
        positive = best_iou >= self.pos_iou_thr
        assigned[positive] = best_cell[positive] + 1
        if candidates:
            _match_low_quality(*map(torch.cat, zip(*candidates)),
                               cell_best_iou, assigned)

        labels = torch.full_like(assigned, -1)
        positive = assigned > 0
        labels[positive] = gt_instances.labels[assigned[positive] - 1]
        return AssignResult(len(bboxes), assigned, best_iou, labels=labels)

    def _ignored(self, priors: Tensor,
                 gt_instances_ignore: Optional[InstanceData]) -> Tensor:
        """Whether each anchor lies in an ignored box, bool, shape (A, )."""
        ignored = torch.zeros(
            len(priors), dtype=torch.bool, device=priors.device)
        if self.ignore_iof_thr > 0 and gt_instances_ignore is not None:
            bboxes = get_box_tensor(gt_instances_ignore.bboxes)
            for anchors, _, shares in self._chunks(priors, bboxes, 'iof'):
                ignored[anchors] = shares.amax(dim=0) > self.ignore_iof_thr
        return ignored

    def _chunks(
            self,
            priors: Tensor,
            bboxes: Tensor,
            mode: str = 'iou') -> Iterator[Tuple[slice, Tensor, Tensor]]:
        """Chunks of anchors with the cells that may overlap them.

        Yields:
            tuple: The anchors' slice, the cells' indices in ascending order,
            and their overlaps ('iof': in shares of the anchors), shape
            (cells, anchors). Chunks that no cell reaches into are left out.
        """
        size = self.anchors_per_chunk or (16384 if priors.is_cuda else 2048)
        for start in range(0, len(priors), size):
            anchors = priors[start:start + size]
            top_left = anchors[:, :2].amin(dim=0)
            bottom_right = anchors[:, 2:].amax(dim=0)
            reaches = ((bboxes[:, :2] <= bottom_right) &
                       (bboxes[:, 2:] >= top_left)).all(dim=1)
            cells = reaches.nonzero().squeeze(1)
            if not len(cells):
                continue
            step = max(self.pairs_per_chunk // len(cells), 1)
            for part in range(0, len(anchors), step):
                few = anchors[part:part + step]
                # It measures in shares of its first argument.
                overlaps = self.iou_calculator(
                    few, bboxes[cells], mode=mode).T if mode == 'iof' else \
                    self.iou_calculator(bboxes[cells], few)
                yield (slice(start + part, start + part + len(few)), cells,
                       overlaps)


def _match_low_quality(cells: Tensor, anchors: Tensor, overlaps: Tensor,
                       cell_best_iou: Tensor, assigned: Tensor) -> None:
    """Give each cell the anchors that overlap it most, in place.

    Where an anchor is the best of several cells, the last one gets it.

    Args:
        cells (Tensor): Cell of each candidate, shape (K, ).
        anchors (Tensor): Anchor of each candidate, shape (K, ).
        overlaps (Tensor): IoU of the two, shape (K, ).
        cell_best_iou (Tensor): Largest IoU of each cell, shape (G, ).
        assigned (Tensor): Cell of each anchor, from 1, shape (A, ).
    """
    is_best = overlaps == cell_best_iou[cells]
    last = torch.zeros_like(assigned).scatter_reduce_(
        0, anchors[is_best], cells[is_best] + 1, reduce='amax')
    assigned[last > 0] = last[last > 0]
