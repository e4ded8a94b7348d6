"""Loading checkpoints without running what is in them.

A checkpoint is a pickle: a list of instructions that may call whatever they
name. PyTorch's ``weights_only`` mode calls only names on a list. mmengine's
checkpoints need a few names more, for the history of losses that they carry;
mmengine's own list holds ``getattr`` and NumPy's constructors (an array of
objects laid over bytes of the file's choice reads and frees memory at will),
and when it refuses it loads the file all the same, without any list.

Here the extra names are bound to stand-ins that can do one thing each: build
a plain numeric array, a number, or a loss history. No real constructor can
be called by a file.
"""
import functools
import os
import pickle
from pathlib import Path
from typing import Any, Callable, List, Optional, Tuple, Union

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner import CheckpointLoader

from pace_mmdet.errors import UserError

# NumPy's own instances: unlike copies of them, a file cannot alter them.
_DTYPES = {
    code: np.dtype(code)
    for code in ('b1', 'i1', 'i2', 'i4', 'i8', 'u1', 'u2', 'u4', 'u8', 'f2',
                 'f4', 'f8')
}

_REFUSED = 'Refused: '
_WAY_OUT = 'If you trust where it comes from, give --trust-checkpoint'


def refusal(what: str) -> pickle.UnpicklingError:
    """The error that stops the unpickling of what is not on the list."""
    return pickle.UnpicklingError(_REFUSED + what)


class _ArrayName:
    """Stands for the name ``numpy.ndarray``, which is not to be called."""

    def __new__(cls, *args):
        raise refusal(f'a call of numpy.ndarray with {args}')


class _History(HistoryBuffer):
    """Restores a ``HistoryBuffer`` from its numbers, and becomes one."""

    def __setstate__(self, state: dict) -> None:
        # What else the state holds (its methods, by name) is left out:
        # every HistoryBuffer has the standard ones.
        self._set_default_statistics()
        self.max_length = int(state['max_length'])
        for key in ('_log_history', '_count_history'):
            if not isinstance(state[key], np.ndarray):
                raise refusal(f'a loss history whose {key} is no array')
            setattr(self, key, state[key])
        self.__class__ = HistoryBuffer


def _dtype(code: str, align: bool = False, copy: bool = False) -> np.dtype:
    if not isinstance(code, str) or code not in _DTYPES:
        raise refusal(f'the numpy.dtype {code!r}, which is not numeric')
    return _DTYPES[code]


def _reconstruct(subtype: Any, shape: Any, code: Any) -> np.ndarray:
    """An empty array, filled by the instructions that follow."""
    return np.empty(0)


def _scalar(dtype: np.dtype, data: bytes) -> np.generic:
    return np.frombuffer(data, dtype, count=1)[0]


def _getattr(owner: Any, name: str) -> None:
    """The methods that a loss history names; they are not restored."""
    if owner is not _History or name not in ('min', 'max', 'current', 'mean'):
        raise refusal(f'getattr({owner}, {name!r})')


def safe_globals() -> List[Tuple[Callable, str]]:
    """What a checkpoint may name beyond PyTorch's own list.

    Returns:
        list[tuple[Callable, str]]: Stand-in and name, in the form that
        ``torch.serialization.safe_globals`` takes. A file can only name what
        has a dot: names without one are types that it may fill with data but
        not call.
    """
    pairs = [(_getattr, 'builtins.getattr'), (np.ndarray, 'ndarray'),
             (_History, 'mmengine.logging.history_buffer.HistoryBuffer')]
    return array_globals() + pairs + [(type(dtype), f'dtype {code}')
                                      for code, dtype in _DTYPES.items()]


def array_globals() -> List[Tuple[Callable, str]]:
    """The stand-ins with which a file builds numeric arrays, and their names.

    Returns:
        list[tuple[Callable, str]]: As :func:`safe_globals`.
    """
    pairs = [(_ArrayName, 'numpy.ndarray'), (_dtype, 'numpy.dtype')]
    # The module's name in NumPy 1 and in NumPy 2.
    for core in ('numpy.core', 'numpy._core'):
        pairs += [(_reconstruct, f'{core}.multiarray._reconstruct'),
                  (_scalar, f'{core}.multiarray.scalar')]
    return pairs


def load_checkpoint_file(path: Union[str, Path],
                         map_location: Union[str, Callable, None] = None,
                         trust: bool = False,
                         mmap: Optional[bool] = None,
                         way_out: str = _WAY_OUT) -> dict:
    """Load a local checkpoint file.

    Args:
        path (str or Path): The file.
        map_location (str or Callable, optional): As of ``torch.load``.
        trust (bool): Whether to run whatever code the file holds.
        mmap (bool, optional): As of ``torch.load``: True leaves the weights
            on disk until they are used.
        way_out (str): What the user can do about a file that holds code; the
            end of the message.

    Returns:
        dict: The checkpoint, without ``meta['config']``, which mmengine runs
        when it resumes, trusted or not.

    Raises:
        UserError: The file is missing, is not a checkpoint, or holds more
            than data and ``trust`` is False.
    """
    return _checked_content(
        _load(path, map_location, trust, mmap, way_out), path)


def _load(path: Union[str, Path], map_location: Union[str, Callable, None],
          trust: bool, mmap: Optional[bool], way_out: str) -> Any:
    path = Path(path).expanduser()
    if not path.is_file():
        raise UserError(f'{path}: no such checkpoint file')
    try:
        if trust:
            return torch.load(
                path, map_location=map_location, weights_only=False, mmap=mmap)
        with torch.serialization.safe_globals(safe_globals()):
            return torch.load(
                path, map_location=map_location, weights_only=True, mmap=mmap)
    # A cut-off archive is an OSError (of seeking beyond its end).
    except (RuntimeError, OSError, EOFError, ValueError, KeyError, IndexError,
            TypeError, AttributeError, pickle.UnpicklingError) as error:
        names = [] if trust else _unsafe_names(path)
        refused = [] if trust else _refusals(error)
        if not names and not refused:
            raise UserError(
                f'{path}: not a checkpoint, or damaged '
                f'({_first_line(error)}); copy or download it again') from None
        raise UserError(
            f'{path}: not loaded, because beside data it holds code: '
            f'{", ".join(names or refused)}. {way_out}') from None


def _checked_content(content: Any, path: Union[str, Path]) -> dict:
    """Raise a UserError unless all is where mmengine puts it."""
    if not isinstance(content, dict):
        raise UserError(f'{path}: not a checkpoint of a model: it holds a '
                        f'{type(content).__name__}, expected a dict')
    faults = [
        f'{key} is a {type(content[key]).__name__}, expected a dict'
        for key in ('meta', 'state_dict', 'message_hub')
        if not isinstance(content.get(key) or {}, dict)
    ]
    if not faults:
        weights = content.get('state_dict') or content
        faults = [f'{key!r} is the name of a weight, expected text'
                  for key in weights if not isinstance(key, str)]
    if faults:
        raise UserError(f'{path}: not a checkpoint of a model: {faults[0]}')
    # A key of older versions; the config stands in meta['cfg'].
    (content.get('meta') or {}).pop('config', None)
    return content


def _unsafe_names(path: Path) -> List[str]:
    """The names in a checkpoint that are on no list, without loading it."""
    try:
        with torch.serialization.safe_globals(safe_globals()):
            return sorted(
                torch.serialization.get_unsafe_globals_in_checkpoint(path))
    except (RuntimeError, OSError, ValueError, EOFError,
            pickle.UnpicklingError):
        # Not a zip archive, or cut off: the caller's error says so.
        return []


def _refusals(error: Exception) -> List[str]:
    """What the loader itself says that it refused, if it did."""
    marks = (_REFUSED, 'Unsupported global', 'Trying to', 'Can only')
    for line in str(error).splitlines():
        for mark in marks:
            if mark in line:
                refused = line[line.index(mark):].removeprefix(_REFUSED)
                # PyTorch's advice on lists is for programmers.
                return [refused.split(' was not an allowed')[0]]
    return []


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def use_safe_loading(trust: bool = False) -> None:
    """Make mmengine load checkpoints by :func:`load_checkpoint_file`.

    It covers files on disk wherever mmengine reads them (``load_from``,
    ``resume``, testing, ``init_cfg`` of type Pretrained), and downloads, by
    address or by name (``open-mmlab://``, ``mmcls://``, ``torchvision://``),
    which PyTorch is told to load by the same list. It does not cover
    ``s3://`` and ``pavi://``, which load by mmengine's list.

    Args:
        trust (bool): Whether to run the code that checkpoints hold.
    """
    # PyTorch's switches, which overrule what its callers ask for.
    only, not_only = (f'TORCH_FORCE_{name}_LOAD'
                      for name in ('WEIGHTS_ONLY', 'NO_WEIGHTS_ONLY'))
    os.environ.pop(only, None)
    os.environ.pop(not_only, None)
    if not trust:
        os.environ[only] = '1'
        torch.serialization.add_safe_globals(safe_globals())
    load = functools.partial(load_checkpoint_file, trust=trust)
    # mmengine reads the loader's name for its log.
    load.__name__ = 'load_from_local'
    CheckpointLoader.register_scheme('', load, force=True)
    for prefix, loader in list(CheckpointLoader._schemes.items()):
        if prefix:
            CheckpointLoader.register_scheme(
                prefix, _clearly(getattr(loader, '__wrapped__', loader)),
                force=True)


def _clearly(loader: Callable) -> Callable:
    """mmengine's loader of what is elsewhere, its errors said to the user."""

    @functools.wraps(loader)
    def load(filename: str, *args, **kwargs) -> dict:
        try:
            content = loader(filename, *args, **kwargs)
        # Of the network, of the name, of reading, of what it refuses.
        except Exception as error:
            refused = _refusals(error)
            reason = (f'beside data it holds code: {refused[0]}. {_WAY_OUT}'
                      if refused else _first_line(error))
            raise UserError(f'{filename}: not loaded, {reason}') from error
        return _checked_content(content, filename)

    return load
