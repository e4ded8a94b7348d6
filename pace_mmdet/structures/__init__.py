"""Point labels as a kind of instance mask."""
from .instance_points import InstancePoints

__all__ = ['InstancePoints']
