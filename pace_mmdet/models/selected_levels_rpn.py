"""An RPN that reads the feature levels it is told to."""
from typing import List, Sequence, Tuple

from mmdet.registry import MODELS
from torch import Tensor

from .float32_islands import Float32RPNHead


@MODELS.register_module()
class SelectedLevelsRPNHead(Float32RPNHead):
    """:class:`Float32RPNHead` on a choice of levels, some more than once.

    LIVECell's anchor-based model has its smallest anchors, 4 and 9 pixels,
    both on the finest level (``IN_FEATURES: [p2, p2, p3, p4, p5, p6]`` in
    its config). As in detectron2 these are two levels to the proposals: each
    keeps its own best scores and has its own non-maximum suppression. The
    convolutions have one set of weights and run once a level.

    Args:
        *args: Those of the parent.
        in_levels (Sequence[int]): The level of the features that each level
            of the anchor generator reads, from 0.
        **kwargs: Those of the parent.

    Raises:
        ValueError: If the anchor generator has another number of levels.
    """

    def __init__(self, *args, in_levels: Sequence[int], **kwargs) -> None:
        super().__init__(*args, **kwargs)
        if len(in_levels) != self.prior_generator.num_levels:
            raise ValueError(
                f'in_levels must name a level of the features for each of '
                f'the {self.prior_generator.num_levels} levels of anchors, '
                f'got {list(in_levels)}')
        self.in_levels = tuple(in_levels)

    def forward(self,
                x: Tuple[Tensor]) -> Tuple[List[Tensor], List[Tensor]]:
        """Scores and deltas of each level of anchors.

        Args:
            x (tuple[Tensor]): Feature maps, from the finest on.

        Returns:
            tuple: Two lists with a tensor per level of anchors: logits, shape
            (N, A, H, W), and deltas, shape (N, 4A, H, W), for N images and A
            anchors per position.
        """
        scores, deltas = super().forward(x)
        return ([scores[level] for level in self.in_levels],
                [deltas[level] for level in self.in_levels])
