"""Pictures of cells, points and results."""
from .figures import comparison_figure, supervision_figure
from .hook import CellVisualizationHook
from .plots import (annotation_cost_figure, compared_losses_figure,
                    points_and_ap_figure, read_scalars, training_curve_figure)
from .saving import save_figure
from .visualizer import PointLocalVisualizer

__all__ = [
    'CellVisualizationHook', 'PointLocalVisualizer', 'annotation_cost_figure',
    'compared_losses_figure', 'comparison_figure', 'points_and_ap_figure',
    'read_scalars', 'save_figure', 'supervision_figure',
    'training_curve_figure'
]
