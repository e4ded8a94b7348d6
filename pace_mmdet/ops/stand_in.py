"""What stands where MMCV's compiled operators would, if there are none.

``mmcv.ops`` imports a compiled module, ``mmcv._ext``, and so does not import
at all where MMCV was installed without it; neither does ``mmdet.models``.
After :func:`install` Python finds :mod:`pace_mmdet.ops.mmcv_ext` under that
name, but only where it finds no other: a compiled MMCV stays as it is. Nothing
is loaded before someone imports ``mmcv.ops``.
"""
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from typing import Any, Optional

_NAME = 'mmcv._ext'


class _StandInFinder(MetaPathFinder):
    """The last one that Python asks for a module."""

    def find_spec(self, fullname: str, *_: Any) -> Optional[ModuleSpec]:
        """How to load our module, if it is MMCV's that is looked for."""
        if fullname != _NAME:
            return None
        return spec_from_file_location(
            _NAME, Path(__file__).with_name('mmcv_ext.py'))


def install() -> None:
    """Let Python find our operators where MMCV's compiled ones are missing.

    To be called before ``mmcv.ops`` is imported; importing ``pace_mmdet``
    does. More calls change nothing.
    """
    if not any(isinstance(f, _StandInFinder) for f in sys.meta_path):
        sys.meta_path.append(_StandInFinder())
