"""Pictures of cells, points and results."""
from .figures import comparison_figure, supervision_figure
from .hook import CellVisualizationHook
from .plots import (compared_losses_figure, points_and_score_figure,
                    points_and_scores_figure, read_scalars,
                    training_curve_figure)
from .visualizer import PointLocalVisualizer

__all__ = [
    'CellVisualizationHook', 'PointLocalVisualizer', 'compared_losses_figure',
    'comparison_figure', 'points_and_score_figure', 'points_and_scores_figure',
    'read_scalars', 'supervision_figure', 'training_curve_figure'
]
