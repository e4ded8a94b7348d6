"""What ``import pace_mmdet`` arranges, so that it need not load anything.

- The classes of this package belong into MMDetection's registries, and whoever
  names ``pace_mmdet`` in ``custom_imports``, or imports it beside ``mmdet``,
  finds them there: mmengine's registries have a list of modules that they
  import when something is first looked up, and :mod:`pace_mmdet.register` is
  put on it when Python loads ``mmdet.registry``.
- ``mmcv.ops``, and with it most of MMDetection, does not import where MMCV was
  installed without its compiled operators, ``mmcv._ext``. There, and only
  there, :mod:`pace_mmdet.ops.mmcv_ext` is loaded under that name. A compiled
  MMCV stays as it is.
"""
import contextlib
import importlib
import io
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, Callable, Optional

_REGISTER = 'pace_mmdet.register'
_OPERATORS = Path(__file__).with_name('ops') / 'mmcv_ext.py'


def _tell_registries(module: ModuleType) -> None:
    """Make MMDetection's registries import ours at their first look-up."""
    registries = [
        value for value in vars(module).values()
        # mmengine's own stand there, too.
        if getattr(value, 'scope', None) == 'mmdet'
    ]
    if any(registry._imported for registry in registries):
        importlib.import_module(_REGISTER)
    for registry in registries:
        registry._locations.insert(0, _REGISTER)


def _load_registries(load: Callable, module: ModuleType) -> None:
    load(module)
    _tell_registries(module)


def _load_quietly(load: Callable, module: ModuleType) -> None:
    """MMDetection prints that a package is missing that nobody needs."""
    with contextlib.redirect_stdout(io.StringIO()):
        load(module)


_LOADERS = {
    'mmdet.registry': _load_registries,
    'mmdet.datasets': _load_quietly
}


class _Finder(MetaPathFinder):
    """Python's own way to three modules, with a word of ours on it."""

    def find_spec(self,
                  fullname: str,
                  path: Any = None,
                  target: Optional[ModuleType] = None) -> Optional[ModuleSpec]:
        """How to load one of the three; nothing for other names."""
        if fullname == 'mmcv._ext':
            return (PathFinder.find_spec(fullname, path, target)
                    or spec_from_file_location(fullname, _OPERATORS))
        run = _LOADERS.get(fullname)
        spec = run and PathFinder.find_spec(fullname, path, target)
        if spec and spec.loader:
            load = spec.loader.exec_module
            spec.loader.exec_module = lambda module: run(load, module)
        return spec


def install() -> None:
    """Put it in Python's way; ``import pace_mmdet`` does so, once."""
    sys.meta_path.insert(0, _Finder())
    if 'mmdet.registry' in sys.modules:
        _tell_registries(sys.modules['mmdet.registry'])
