"""Cell instance segmentation from boxes and a few yes/no points.

Importing this package registers all its classes with MMDetection; a config
does so by ``custom_imports = dict(imports=['pace_mmdet'])``.
"""
from .ops import stand_in

# Before anything imports mmcv.ops, as most of MMDetection does.
stand_in.install()

from . import register  # noqa: E402, F401

__version__ = '0.1.0'
