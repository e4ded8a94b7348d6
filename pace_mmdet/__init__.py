"""Cell instance segmentation from boxes and a few yes/no points.

Importing this package registers all its classes with MMDetection; a config
does so by ``custom_imports = dict(imports=['pace_mmdet'])``.
"""
import contextlib
import io

# On import, MMDetection prints that an optional package is missing.
with contextlib.redirect_stdout(io.StringIO()):
    import mmdet.datasets  # noqa: F401

from . import (datasets, engine, evaluation, models,  # noqa: E402
               structures, visualization)

__version__ = '0.1.0'
__all__ = [
    'datasets', 'engine', 'evaluation', 'models', 'structures',
    'visualization'
]
