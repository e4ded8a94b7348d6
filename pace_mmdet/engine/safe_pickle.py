"""Opening plain pickles of arrays without running what is in them.

detectron2's model zoo ships them (``.pkl``). PyTorch's safe mode reads only
its own files, and only the older of pickle's instructions; so this is
Python's unpickler with the stand-ins of ``safe_loading`` in place of every
name that a file may call.
"""
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any, Union

from pace_mmdet.errors import UserError

from .safe_loading import array_globals, refusal

# How torch.save's old format begins, after two bytes: its magic number.
_OLD_TORCH = b'\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.'


def _encode(text: str, codec: str) -> bytes:
    """How pickle writes bytes in its older protocols."""
    if not isinstance(text, str) or codec != 'latin1':
        raise refusal(f'_codecs.encode with {codec!r}')
    return text.encode('latin1')


_ALLOWED = {
    **{name: stand_in
       for stand_in, name in array_globals()},
    'collections.OrderedDict': OrderedDict,
    '_codecs.encode': _encode,
}


class _ArrayUnpickler(pickle.Unpickler):
    """Knows dictionaries, lists, numbers, text and numeric arrays."""

    def find_class(self, module: str, name: str) -> Any:
        """The stand-in of a name in the file."""
        try:
            return _ALLOWED[f'{module}.{name}']
        except KeyError:
            raise refusal(f'{module}.{name}') from None


def is_plain_pickle(path: Union[str, Path]) -> bool:
    """Whether a file is a pickle, and not one that PyTorch wrote."""
    with open(path, 'rb') as file:
        start = file.read(2 + len(_OLD_TORCH))
    return start[:1] == b'\x80' and start[2:] != _OLD_TORCH


def load_array_pickle(path: Union[str, Path], way_out: str) -> Any:
    """Load a pickle that holds numeric arrays in plain containers.

    Args:
        path (str or Path): The file.
        way_out (str): As for :func:`load_checkpoint_file`.

    Returns:
        Any: Its content.

    Raises:
        UserError: The file is damaged, or holds more than data.
    """
    try:
        with open(path, 'rb') as file:
            # Python 2's text becomes text, its bytes too.
            return _ArrayUnpickler(file, encoding='latin1').load()
    # A broken pickle may break off anywhere, with anything.
    except Exception as error:
        refused = str(error).removeprefix('Refused: ')
        if refused != str(error):
            raise UserError(
                f'{path}: not loaded, because beside data it holds code: '
                f'{refused}. {way_out}') from None
        raise UserError(
            f'{path}: not a checkpoint, or damaged ({type(error).__name__}: '
            f'{error}); copy or download it again') from None
