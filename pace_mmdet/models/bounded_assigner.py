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
        anchors_per_chunk (int): Anchors that are compared at once.
        **kwargs: Those of the parent.

    Raises:
        ValueError: If options of the parent are set that need the whole
            matrix: ignored regions, permuted boxes, or low-quality matches
            with ``min_pos_iou=0``, which match cells that no anchor overlaps
            with every anchor that overlaps no cell.
    """

    def __init__(self, *args, anchors_per_chunk: int = 2048,
                 **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.anchors_per_chunk = anchors_per_chunk
        if self.match_low_quality and self.min_pos_iou <= 0:
            raise ValueError('BoundedMaxIoUAssigner needs min_pos_iou > 0 for '
                             'low-quality matches; 1e-6 matches every cell '
                             'that an anchor overlaps')
        if self.ignore_iof_thr > 0 or self.perm_repeat_gt_cfg is not None or \
                not self.gt_max_assign_all or self.gpu_assign_thr > 0:
            raise ValueError('BoundedMaxIoUAssigner does without '
                             'ignore_iof_thr, perm_repeat_gt_cfg, '
                             'gt_max_assign_all=False and gpu_assign_thr; '
                             'use MaxIoUAssigner for them')

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
            gt_instances_ignore (:obj:`InstanceData`, optional): Unused, as in
                the parent with ``ignore_iof_thr=-1``.

        Returns:
            :obj:`AssignResult`: See the parent.
        """
        priors = get_box_tensor(pred_instances.priors)
        bboxes = get_box_tensor(gt_instances.bboxes)
        if len(bboxes) == 0 or len(priors) == 0:
            return super().assign(pred_instances, gt_instances)

        best_iou = priors.new_zeros(len(priors))
        best_cell = torch.zeros(
            len(priors), dtype=torch.long, device=priors.device)
        cell_best_iou = bboxes.new_zeros(len(bboxes))
        for chunk, cells, overlaps in self._chunks(priors, bboxes):
            best_iou[chunk], rows = overlaps.max(dim=0)
            best_cell[chunk] = cells[rows]
            cell_best_iou[cells] = torch.maximum(cell_best_iou[cells],
                                                 overlaps.max(dim=1).values)

        low, high = self.neg_iou_thr if isinstance(
            self.neg_iou_thr, tuple) else (0, self.neg_iou_thr)
        assigned = torch.full_like(best_cell, -1)
        assigned[(best_iou >= low) & (best_iou < high)] = 0
        positive = best_iou >= self.pos_iou_thr
        assigned[positive] = best_cell[positive] + 1
        if self.match_low_quality:
            self._match_low_quality(priors, bboxes, cell_best_iou, assigned)

        labels = torch.full_like(assigned, -1)
        positive = assigned > 0
        labels[positive] = gt_instances.labels[assigned[positive] - 1]
        return AssignResult(len(bboxes), assigned, best_iou, labels=labels)

    def _match_low_quality(self, priors: Tensor, bboxes: Tensor,
                           cell_best_iou: Tensor, assigned: Tensor) -> None:
        """Give each cell the anchors that overlap it most, in place.

        Where an anchor is the best of several cells, the last one gets it.
        """
        wanted = torch.where(cell_best_iou >= self.min_pos_iou, cell_best_iou,
                             -1.0)
        for chunk, cells, overlaps in self._chunks(priors, bboxes):
            is_best = overlaps == wanted[cells, None]
            last = torch.where(is_best, cells[:, None] + 1, 0).amax(dim=0)
            assigned[chunk] = torch.where(last > 0, last, assigned[chunk])

    def _chunks(self, priors: Tensor,
                bboxes: Tensor) -> Iterator[Tuple[slice, Tensor, Tensor]]:
        """Chunks of anchors with the cells that may overlap them.

        Yields:
            tuple: The anchors' slice, the cells' indices in ascending order,
            and their overlaps, shape (cells, anchors). Chunks that no cell
            reaches into are left out.
        """
        for start in range(0, len(priors), self.anchors_per_chunk):
            chunk = slice(start, start + self.anchors_per_chunk)
            anchors = priors[chunk]
            top_left = anchors[:, :2].amin(dim=0)
            bottom_right = anchors[:, 2:].amax(dim=0)
            reaches = ((bboxes[:, :2] <= bottom_right) &
                       (bboxes[:, 2:] >= top_left)).all(dim=1)
            cells = reaches.nonzero().squeeze(1)
            if len(cells):
                yield chunk, cells, self.iou_calculator(bboxes[cells], anchors)
