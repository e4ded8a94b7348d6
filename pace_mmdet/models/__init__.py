"""Heads for learning masks from points."""
from .point_mask_head import PointMaskHead
from .single_mask_cascade import SingleMaskCascadeRoIHead

__all__ = ['PointMaskHead', 'SingleMaskCascadeRoIHead']
