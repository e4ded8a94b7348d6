"""A detector that looks at an image from several sides."""
from typing import Sequence, Tuple

from mmdet.models.detectors import SingleStageDetector
from mmdet.registry import MODELS
from mmdet.structures import SampleList
from torch import Tensor

# Axes, from the last, along which an image is flipped; the first views are
# those that are most unlike each other.
VIEWS: Tuple[Tuple[int, ...], ...] = ((), (-2, -1), (-1, ), (-2, ))


def flip_back(logits: Tensor, flow: Tensor,
              axes: Sequence[int]) -> Tuple[Tensor, Tensor]:
    """Maps of a flipped image, as of the image.

    Args:
        logits (Tensor): Shape (..., h, w).
        flow (Tensor): (x, y), shape (..., 2, h, w).
        axes (Sequence[int]): Those that were flipped: -1 is x, -2 is y.

    Returns:
        tuple[Tensor]: Of the same shapes.
    """
    signs = flow.new_tensor([-1.0 if axis in axes else 1.0
                             for axis in (-1, -2)])
    return logits.flip(axes), flow.flip(axes) * signs[:, None, None]


@MODELS.register_module()
class CenterFlowDetector(SingleStageDetector):
    """A backbone and a :class:`CenterFlowHead` that predict from views.

    What is noise in a prediction is another noise when the image is flipped:
    the means over the views outline cells better, and cost as many passes
    through the network. It is test-time augmentation as U-Nets have it: maps
    are averaged, not cells. Losses see the image as it is.

    Args:
        args: As of ``SingleStageDetector``, whose ``data_preprocessor`` is to
            pad images to multiples of the coarsest stride. ``test_cfg`` may
            hold, besides what the head takes, ``views``: 1 for the image as
            it is (the default), 2 for its turn by 180 degrees too, 4 for both
            flips as well.
        kwargs: As of ``SingleStageDetector``.

    Raises:
        ValueError: If ``views`` is another number.
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self._axes()

    def _axes(self) -> Tuple[Tuple[int, ...], ...]:
        views = (self.test_cfg or {}).get('views', 1)
        if views not in (1, 2, 4):
            raise ValueError(f'test_cfg.views must be 1, 2 or 4, got {views}')
        return VIEWS[:views]

    def _forward(self, batch_inputs: Tensor, *args) -> tuple:
        """Maps of the head, as means over the views: ``model(inputs)``.

        Args:
            batch_inputs (Tensor): Shape (B, C, H, W).
            args: Unused.

        Returns:
            tuple[list[Tensor]]: As of :meth:`CenterFlowHead.forward`.
        """
        axes = self._axes()
        logits, flow = 0, 0
        for flipped in axes:
            maps = self.bbox_head(
                self.extract_feat(batch_inputs.flip(flipped)))
            one, other = flip_back(maps[0][0], maps[1][0], flipped)
            logits, flow = logits + one, flow + other
        return [logits / len(axes)], [flow / len(axes)]

    def predict(self,
                batch_inputs: Tensor,
                batch_data_samples: SampleList,
                rescale: bool = True) -> SampleList:
        """Cells of images.

        Args:
            batch_inputs (Tensor): Shape (B, C, H, W).
            batch_data_samples (list[:obj:`DetDataSample`]): Their sizes.
            rescale (bool): Masks and boxes in pixels of the original images.

        Returns:
            list[:obj:`DetDataSample`]: With ``pred_instances``, see
            :meth:`CenterFlowHead.predict_by_feat`.
        """
        found = self.bbox_head.predict_by_feat(
            *self._forward(batch_inputs),
            batch_img_metas=[sample.metainfo for sample in batch_data_samples],
            rescale=rescale)
        return self.add_pred_to_datasample(batch_data_samples, found)
