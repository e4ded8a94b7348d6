"""Scoring cells: LIVECell's protocol, its metric and the results tables."""
from .coco_protocol import LIVECELL, CocoProtocol, evaluate
from .livecell_metric import LIVECellMetric

__all__ = ['LIVECELL', 'CocoProtocol', 'LIVECellMetric', 'evaluate']
