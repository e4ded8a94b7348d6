"""Heads for learning masks from points."""
from .bounded_assigner import BoundedMaxIoUAssigner
from .coded_masks import FullMaskHead
from .point_mask_head import PointMaskHead
from .selected_levels_rpn import SelectedLevelsRPNHead
from .single_mask_cascade import SingleMaskCascadeRoIHead

__all__ = [
    'BoundedMaxIoUAssigner', 'FullMaskHead', 'PointMaskHead',
    'SelectedLevelsRPNHead', 'SingleMaskCascadeRoIHead'
]
