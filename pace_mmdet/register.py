"""Importing this module registers all classes with MMDetection."""
from . import datasets, engine, evaluation, models, structures, visualization

__all__ = [
    'datasets', 'engine', 'evaluation', 'models', 'structures',
    'visualization'
]
