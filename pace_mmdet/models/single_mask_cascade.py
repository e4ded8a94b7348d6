"""The cascade of box heads with one mask head (paper, section 3.3)."""
from typing import List, Sequence, Tuple

import torch
from mmdet.models.roi_heads import CascadeRoIHead, StandardRoIHead
from mmdet.models.task_modules.samplers import SamplingResult
from mmdet.models.utils import unpack_gt_instances
from mmdet.registry import MODELS
from mmdet.structures import SampleList
from mmdet.structures.bbox import bbox2roi
from mmdet.utils import InstanceList
from mmengine.structures import InstanceData
from torch import Tensor


@MODELS.register_module()
class SingleMaskCascadeRoIHead(CascadeRoIHead):
    """:class:`CascadeRoIHead` with a single mask head, as in detectron2.

    The mask head is trained on the positive RoIs of one stage and applied to
    the boxes that leave the last. Where detectron2's cascade, on which the
    published results rest, and MMDetection's differ, this class follows
    detectron2:

    - The mask loss counts in full; stage weights are for the box heads.
    - The gradient from each box head into the features is divided by the
      number of stages. (Then the stage weights ought to be 1.)
    - The class scores are the mean of the stages' probabilities; the
      parent averages logits.
    - A box that lies outside the image is no detection.
    - RoIs that are true boxes go on to the next stage, unless its sampler
      adds the true boxes anew. The parent always leaves them out.

    One more difference is a matter of the config: detectron2 samples RoIs
    once and only relabels them for the later stages, which is
    ``sampler=dict(type='PseudoSampler')`` there.

    Args:
        *args: Those of the parent, with one ``mask_head`` and one
            ``mask_roi_extractor``.
        mask_stage (int): The stage on whose RoIs the mask head is trained,
            negative numbers counting from the end. Default: the last, as the
            paper says; 0 is what detectron2 does. What they gave on HeLa
            stands in ``configs/_base_/models/pace_r200_dcn.py``.
        **kwargs: Those of the parent.

    Raises:
        ValueError: If there is no such stage, or a list of mask heads is
            given.
    """

    def __init__(self, *args, mask_stage: int = -1, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        if not -self.num_stages <= mask_stage < self.num_stages:
            raise ValueError(
                f'mask_stage must name one of {self.num_stages} stages, got '
                f'{mask_stage}')
        if any(head.custom_activation for head in self.bbox_head):
            raise ValueError('box heads with an activation of their own (as '
                             'with SeesawLoss) give no probabilities that '
                             'stages could average; use CascadeRoIHead')
        self.mask_stage = mask_stage % self.num_stages

    # With a single mask head, the mask branch is that of the plain RoI head.
    _mask_forward = StandardRoIHead._mask_forward
    predict_mask = StandardRoIHead.predict_mask

    def init_mask_head(self, mask_roi_extractor: dict,
                       mask_head: dict) -> None:
        """Build the mask head and its RoI extractor."""
        if isinstance(mask_head, (list, tuple)) or mask_roi_extractor is None:
            raise ValueError(f'{type(self).__name__} takes one mask_head and '
                             'one mask_roi_extractor, not one per stage')
        StandardRoIHead.init_mask_head(self, mask_roi_extractor, mask_head)

    def _bbox_forward(self,
                      stage: int,
                      x: Tuple[Tensor],
                      rois: Tensor,
                      as_probabilities: bool = False) -> dict:
        """Run a box head; the gradient into the features is scaled down.

        Args:
            stage (int): The stage.
            x (tuple[Tensor]): Feature maps.
            rois (Tensor): Image index, x1, y1, x2, y2; shape (R, 5).
            as_probabilities (bool): Give the classes' probabilities as
                ``cls_score`` instead of their logits.
        """
        extractor = self.bbox_roi_extractor[stage]
        bbox_feats = extractor(x[:extractor.num_inputs], rois)
        if bbox_feats.requires_grad:
            bbox_feats.register_hook(lambda grad: grad / self.num_stages)
        cls_score, bbox_pred = self.bbox_head[stage](bbox_feats)
        if as_probabilities:
            cls_score = cls_score.softmax(dim=-1)
        return dict(
            cls_score=cls_score, bbox_pred=bbox_pred, bbox_feats=bbox_feats)

    def bbox_loss(self, stage: int, x: Tuple[Tensor],
                  sampling_results: List[SamplingResult]) -> dict:
        """A stage's box loss; says which RoIs the next stage is left with.

        From a stage's RoIs, the parent removes the true boxes among them
        (``pos_is_gt``), since MMDetection's samplers add them again. One that
        doesn't, such as ``PseudoSampler``, would be left with fewer RoIs and
        far fewer positive ones at every stage.

        Args:
            stage (int): The stage.
            x (tuple[Tensor]): Feature maps.
            sampling_results (list[:obj:`SamplingResult`]): One per image.

        Returns:
            dict: As the parent's.
        """
        results = super().bbox_loss(stage, x, sampling_results)
        following = self.bbox_sampler[stage + 1:stage + 2]
        if following and not getattr(following[0], 'add_gt_as_proposals',
                                     False):
            for sampled in sampling_results:
                sampled.pos_is_gt = torch.zeros_like(sampled.pos_is_gt)
        return results

    def _refine_roi(self, x: Tuple[Tensor], rois: Tensor,
                    batch_img_metas: List[dict],
                    num_proposals_per_img: Sequence[int]) -> tuple:
        """Refine RoIs stage by stage and average the class probabilities.

        Returns:
            tuple: As the parent's; the scores are logarithms of the mean
            probabilities, which the box head's softmax turns back into them.
        """
        rois, probabilities, bbox_preds = super()._refine_roi(
            x,
            rois,
            batch_img_metas,
            num_proposals_per_img,
            as_probabilities=True)
        logits = [
            image_probabilities.clamp_min(
                torch.finfo(image_probabilities.dtype).tiny).log()
            for image_probabilities in probabilities
        ]
        return rois, logits, bbox_preds

    def predict_bbox(self, *args, **kwargs) -> InstanceList:
        """Predict boxes, as the parent, without those that have no area.

        Clipping leaves nothing of a box outside the image. It would be a
        detection with an empty mask; detectron2 leaves it out.
        """
        return [
            result[(result.bboxes[:, 2:] > result.bboxes[:, :2]).all(dim=1)]
            for result in super().predict_bbox(*args, **kwargs)
        ]

    def mask_loss(self, stage: int, x: Tuple[Tensor],
                  sampling_results: List[SamplingResult],
                  batch_gt_instances: InstanceList) -> dict:
        """Called by the parent at every stage: keep the mask stage's RoIs.

        The parent would multiply a loss given here by the stage's weight, so
        :meth:`loss` takes it afterwards.
        """
        if stage == self.mask_stage:
            self._mask_samples = sampling_results
        return dict(loss_mask=dict())

    def loss(self, x: Tuple[Tensor], rpn_results_list: InstanceList,
             batch_data_samples: SampleList) -> dict:
        """Losses of all box heads and of the mask head.

        The parent ends early when a batch leaves it without a single RoI.
        Each head that it did not reach then runs on no RoI and adds a loss of
        zero: distributed training needs a gradient for every parameter, and
        synchronised batch normalisation every process.

        Args:
            x (tuple[Tensor]): Feature maps.
            rpn_results_list (list[:obj:`InstanceData`]): Proposals per image.
            batch_data_samples (list[:obj:`DetDataSample`]): One per image.

        Returns:
            dict[str, Tensor]: ``s0.loss_cls`` and so on for the box heads,
            and the mask head's, if there is one.
        """
        self._mask_samples = None
        losses = super().loss(x, rpn_results_list, batch_data_samples)
        no_rois = x[0].new_zeros((0, 5))

        reached = sum(f's{stage}.loss_bbox' in losses
                      for stage in range(self.num_stages))
        if reached < self.num_stages:
            # A box head without RoIs gives no loss_cls.
            unused = list(self.bbox_head[reached - 1].parameters())
            for stage in range(reached, self.num_stages):
                results = self._bbox_forward(stage, x, no_rois)
                unused += [results['cls_score'], results['bbox_pred']]
            losses['loss_unused'] = _zero(unused)

        samples, self._mask_samples = self._mask_samples, None
        if not self.with_mask:
            return losses
        if samples is None:
            samples = [_no_samples(x[0]) for _ in batch_data_samples]
        rois = bbox2roi([result.pos_priors for result in samples])
        mask_loss = self.mask_head.loss_and_target(
            mask_preds=self._mask_forward(x, rois)['mask_preds'],
            sampling_results=samples,
            batch_gt_instances=unpack_gt_instances(batch_data_samples)[0],
            rcnn_train_cfg=self.train_cfg[self.mask_stage])
        losses.update(mask_loss['loss_mask'])
        return losses

    def forward(self, x: Tuple[Tensor], rpn_results_list: InstanceList,
                batch_data_samples: SampleList) -> tuple:
        """Network outputs without post-processing, for FLOPs counters.

        Returns:
            tuple: Class scores and box predictions per image, as the
            parent's, and the mask logits of the refined RoIs, shape
            (R, C, H, W).
        """
        proposals = [results.bboxes for results in rpn_results_list]
        rois, cls_scores, bbox_preds = self._refine_roi(
            x, bbox2roi(proposals),
            [sample.metainfo for sample in batch_data_samples],
            [len(boxes) for boxes in proposals])
        if not self.with_mask:
            return cls_scores, bbox_preds
        masks = self._mask_forward(x, torch.cat(rois))['mask_preds']
        return cls_scores, bbox_preds, masks


def _no_samples(like: Tensor) -> InstanceData:
    """What a mask head reads of an image's RoIs, without one."""
    none = like.new_zeros(0, dtype=torch.long)
    return InstanceData(
        pos_priors=like.new_zeros((0, 4)),
        pos_assigned_gt_inds=none,
        pos_gt_labels=none)


def _zero(tensors: Sequence[Tensor]) -> Tensor:
    """A loss of zero that hands a zero gradient to each of the tensors."""
    return sum(tensor.sum() for tensor in tensors) * 0
