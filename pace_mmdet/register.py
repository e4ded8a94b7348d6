"""Importing this module registers all classes with MMDetection."""
import contextlib
import io

# On import, MMDetection prints that an optional package is missing.
with contextlib.redirect_stdout(io.StringIO()):
    import mmdet.datasets  # noqa: F401

from . import (datasets, engine, evaluation, models, structures,  # noqa: E402
               visualization)

__all__ = [
    'datasets', 'engine', 'evaluation', 'models', 'structures',
    'visualization'
]
