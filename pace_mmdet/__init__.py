"""Cell instance segmentation from boxes and a few yes/no points.

Importing this package loads nothing. Where MMDetection is used, its registries
then know the classes of this package: a config says
``custom_imports = dict(imports=['pace_mmdet'])``, a notebook imports both, in
either order.
"""
from . import import_hooks

__version__ = '0.1.0'

import_hooks.install()
