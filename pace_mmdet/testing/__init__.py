"""Synthetic cells, whole data sets of them, and what measures our parts."""
from .cells import (SyntheticCells, pycocotools_scores, synthetic_cells,
                    synthetic_coco, synthetic_results, synthetic_sample,
                    write_synthetic_coco)

__all__ = [
    'SyntheticCells', 'pycocotools_scores', 'synthetic_cells',
    'synthetic_coco', 'synthetic_results', 'synthetic_sample',
    'write_synthetic_coco'
]
