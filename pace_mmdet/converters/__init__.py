"""Weights of other toolkits, brought into the form that ours have."""
from .detectron2_files import convert_file, read_weights
from .detectron2_weights import Conversion, convert_weights

__all__ = ['Conversion', 'convert_file', 'convert_weights', 'read_weights']
