"""Heads for learning masks from points."""
from .bounded_assigner import BoundedMaxIoUAssigner
from .cell_unet import CellUNet
from .center_flow_detector import CenterFlowDetector
from .center_flow_head import CenterFlowHead
from .coded_masks import FullMaskHead
from .float32_islands import Float32DCNv2, Float32RoIExtractor, Float32RPNHead
from .point_mask_head import PointMaskHead
from .selected_levels_rpn import SelectedLevelsRPNHead
from .single_mask_cascade import SingleMaskCascadeRoIHead

__all__ = [
    'BoundedMaxIoUAssigner', 'CellUNet', 'CenterFlowDetector',
    'CenterFlowHead', 'Float32DCNv2', 'Float32RPNHead', 'Float32RoIExtractor',
    'FullMaskHead', 'PointMaskHead', 'SelectedLevelsRPNHead',
    'SingleMaskCascadeRoIHead'
]
