"""Drawing, labelling and costing point annotations.

Pure NumPy (plus pycocotools for polygons): nothing here needs a model, a data
set or MMDetection.

Letters in the shapes: N cells, P points per cell. A point is a *pixel*, given
by its column and row index (x, y); its position in the image is the pixel's
centre, (x + 0.5, y + 0.5).
"""
from .cost import AnnotationCost
from .labeling import flip_labels, label_points
from .sampling import draw_points

__all__ = ['AnnotationCost', 'draw_points', 'flip_labels', 'label_points']
