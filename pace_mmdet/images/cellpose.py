"""Cellpose's ``_seg.npy`` files, without running what is in them.

Such a file is a pickle, a list of instructions that may call whatever they
name. Here every name is bound to a stand-in that holds what it is given, so
nothing is called; arrays of numbers are made of their bytes.
"""
import pickle
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from pace_mmdet.errors import ImageFileError

_NUMBERS = 'buif'


class _Inert:
    """Stands for any class or function: takes everything, does nothing."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.args = args

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def __reduce__(self) -> Any:
        raise TypeError

    def append(self, item: Any) -> None:
        """Of what is pickled as a list."""

    def __setitem__(self, key: Any, value: Any) -> None:
        """Of what is pickled as a dict."""


class _Dtype(_Inert):
    """Stands for ``numpy.dtype``."""

    @property
    def dtype(self) -> np.dtype:
        """The type of numbers.

        Raises:
            ValueError: If it is none of numbers.
        """
        code, order = self.args[0], '<'
        state = getattr(self, 'state', ())
        if len(state) > 1 and state[1] in ('<', '>', '|'):
            order = state[1]
        if not (isinstance(code, str) and code[:1] in _NUMBERS
                and code[1:] in ('1', '2', '4', '8')):
            raise ValueError(f'an array of {code!r}, expected numbers')
        return np.dtype(order.replace('|', '<') + code)


class _Array(_Inert):
    """Stands for an array that is being put together."""

    def value(self) -> Any:
        """The array, or the list of an array of objects."""
        _, shape, dtype, is_fortran, content = self.state
        if isinstance(content, list):
            return content
        order = 'F' if is_fortran else 'C'
        flat = np.frombuffer(content, dtype.dtype)
        return flat.reshape(shape, order=order)


class _Reader(pickle.Unpickler):
    """Builds stand-ins, whatever a file names."""

    def find_class(self, module: str, name: str) -> Any:
        if module.partition('.')[0] == 'numpy':
            if name == '_reconstruct':
                return _Array
            if name == 'dtype':
                return _Dtype
        return _Inert

    def persistent_load(self, pid: Any) -> Any:
        return None


def load_numpy(path: Path) -> np.ndarray:
    """Read the labels of a NumPy file.

    Args:
        path (Path): An array of numbers (``.npy``), or what Cellpose saves
            (``_seg.npy``), whose ``masks`` are taken.

    Returns:
        ndarray: Of numbers.

    Raises:
        ImageFileError: If it holds neither.
    """
    if not path.is_file():
        raise ImageFileError(f'{path}: no such label file')
    try:
        with open(path, 'rb') as file:
            return _read(file)
    # A broken pickle raises whatever its instructions come upon.
    except Exception as error:
        raise ImageFileError(
            f'{path}: cannot be read as labels ({type(error).__name__}: '
            f'{error}); expected what Cellpose saves as _seg.npy, or an '
            'array of numbers') from error


def _read(file: BinaryIO) -> np.ndarray:
    version = np.lib.format.read_magic(file)
    read_header = (np.lib.format.read_array_header_1_0 if version == (1, 0)
                   else np.lib.format.read_array_header_2_0)
    _, _, dtype = read_header(file)
    if dtype.kind != 'O':
        file.seek(0)
        return np.load(file, allow_pickle=False)
    content = _Reader(file).load()
    if isinstance(content, _Array):
        content = content.value()
    if isinstance(content, list) and len(content) == 1:
        content = content[0]
    if not isinstance(content, dict) or 'masks' not in content:
        raise ValueError('it has no "masks"')
    masks = content['masks']
    return masks.value() if isinstance(masks, _Array) else np.asarray(masks)
