"""Where and why a file is no JSON, without making objects of it."""
import mmap
import re
from pathlib import Path
from typing import Any, Union

import msgspec

from pace_mmdet.errors import AnnotationError

_EXCERPT = 20
_TOO_DEEP = 'lists or objects are nested too deeply'


class _Coco(msgspec.Struct):
    """What every COCO file has, undecoded."""
    images: msgspec.Raw
    annotations: msgspec.Raw
    categories: msgspec.Raw


def decode_json(data: Union[bytes, mmap.mmap],
                kind: Any,
                strict: bool = True) -> Any:
    """``msgspec.json.decode``, for files of strangers.

    Raises:
        DecodeError: As that; also if it is nested too deeply to be read,
            which is a RecursionError there.
    """
    try:
        return msgspec.json.decode(data, type=kind, strict=strict)
    except RecursionError:
        raise msgspec.DecodeError(_TOO_DEEP) from None


def check_complete_coco(path: Union[str, Path]) -> None:
    """Check that a file is JSON to its end and has the parts of a COCO file.

    The file is mapped, not read, so that one of half a gigabyte takes a second
    and no memory that the system could not have back.

    Args:
        path (str or Path): The file.

    Raises:
        AnnotationError: If it is not; with the place of the fault.
    """
    path = Path(path)
    if not path.stat().st_size:
        raise AnnotationError(f'{path}: is empty, expected a COCO file')
    with open(path, 'rb') as file, \
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        fault = ''
        try:
            decode_json(data, _Coco)
        except msgspec.ValidationError as error:
            fault = ('expected a COCO file, an object with images, '
                     f'annotations and categories: {error}')
        except msgspec.DecodeError as error:
            fault = syntax_fault(data, error)
    if fault:
        raise AnnotationError(f'{path}: {fault}')


def syntax_fault(data: Union[bytes, mmap.mmap],
                 error: msgspec.DecodeError) -> str:
    """Say what is wrong with a text that is no JSON.

    Args:
        data (bytes or mmap): The text.
        error (DecodeError): What msgspec said of it.

    Returns:
        str: The fault, the number of its byte, and what stands there.
    """
    if str(error) == _TOO_DEEP:
        return _TOO_DEEP
    place = error_place(data, error)
    if data[:_EXCERPT].lstrip().startswith(b'<'):
        return ('not JSON but HTML or XML, perhaps the page of a login or an '
                f'error; it begins with {_text(data[:3 * _EXCERPT])}')
    if 'truncated' in str(error):
        return (f'not a complete JSON file: it ends early, at byte {place}, '
                f'after {_text(data[max(place - _EXCERPT, 0):])}; copy or '
                'download it again')
    why = re.sub(r'^JSON is malformed: | \(byte \d+\)$', '', str(error))
    return (f'not a complete JSON file: {why} at byte {place} of '
            f'{len(data)}, before {_text(data[place:place + _EXCERPT])}')


def error_place(data: Union[bytes, mmap.mmap],
                error: msgspec.DecodeError) -> int:
    """The byte at which msgspec gave up; the length if the text ended."""
    found = re.search(r'\(byte (\d+)\)$', str(error))
    if not found:
        return len(data)
    # Of characters behind the end it gives the second.
    return int(found[1]) - ('trailing' in str(error))


def _text(data: bytes) -> str:
    return repr(data.decode(errors='replace'))
