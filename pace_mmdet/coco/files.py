"""Reading and writing COCO JSON files that may hold a million cells.

Files are decoded with msgspec into just the fields in use, annotations a
block at a time, so that memory follows the block and not the file.
"""
import codecs
import json
from pathlib import Path
from typing import (Annotated, Any, Callable, Dict, Iterable, Iterator, List,
                    Optional, Type, TypeVar, Union)

import msgspec

from pace_mmdet.errors import AnnotationError, Faults
from pace_mmdet.files import atomic_file

from .json_checks import decode_json, error_place, syntax_fault
from .regions import note_faults

T = TypeVar('T')
BLOCK_SIZE = 2000
# Of an image in pixels; run-length codes of larger ones overflow.
MAX_SIDE = 1_000_000
_WHOLE = dict(
    images=('id', 'height', 'width'),
    categories=('id', ),
    annotations=('id', 'image_id', 'category_id'))
# Ids are kept in int64 arrays.
Id = Annotated[int, msgspec.Meta(ge=-2**63, le=2**63 - 1)]


class ImageEntry(msgspec.Struct, gc=False, omit_defaults=True):
    """One element of a COCO file's ``images``.

    ``complete`` says what of it is fully annotated, see
    :mod:`~pace_mmdet.coco.regions`.
    """
    id: Id
    file_name: str
    height: int
    width: int
    complete: Any = True


class Category(msgspec.Struct, gc=False):
    """One element of a COCO file's ``categories``."""
    id: Id
    name: str


class _Document(msgspec.Struct):
    """A file whose annotations are still text."""
    images: List[ImageEntry]
    categories: List[Category]
    # LIVECell's files hold an object {id: annotation} where COCO has a list.
    annotations: Union[List[msgspec.Raw], Dict[str, msgspec.Raw]]
    info: Any = None


class CocoFile:
    """An open COCO file: images and categories read, annotations on demand.

    Attributes:
        path (Path): Where it was read from.
        images (list[ImageEntry]): In the file's order.
        categories (list[Category]): In the file's order.
        info (dict): The ``info`` block, empty if there is none.
        faults (Faults): What is wrong so far.
    """

    def __init__(self, path: Union[str, Path]) -> None:
        self.path = Path(path)
        self.faults = Faults(path)
        data = read_json_bytes(self.path)
        try:
            document = decode_leniently(data, _Document)
        except msgspec.DecodeError as error:
            self._refuse_fragments(data, error)
            self._open_leniently(data)
        else:
            self.images = document.images
            self.categories = document.categories
            self._set(document.info, document.annotations)
        check_tables(self.images, self.categories, self.faults)

    def __len__(self) -> int:
        """Number of annotations."""
        return len(self._annotations)

    def blocks(
        self,
        kind: Type[T],
        size: int = BLOCK_SIZE,
        from_text: Callable[[bytes], Optional[Any]] = lambda text: None
    ) -> Iterator[Union[List[T], Any]]:
        """Decode the annotations, some at a time.

        An annotation that is not a ``kind`` is noted in :attr:`faults` and
        left out.

        Args:
            kind (type): The msgspec structure to decode into.
            size (int): Annotations per block.
            from_text (Callable): Tried before that on each block's JSON, a
                list of annotations; None where it does not fit.

        Yields:
            list: At most ``size`` instances of ``kind``, in file order; or
            what ``from_text`` gives for them.
        """
        decoder = msgspec.json.Decoder(List[kind])
        for start in range(0, len(self), size):
            part = self._annotations[start:start + size]
            if self._is_text:
                text = b'[' + b','.join(part) + b']'
                try:
                    found = from_text(text)
                    yield decoder.decode(text) if found is None else found
                    continue
                except msgspec.ValidationError:
                    pass
                try:
                    yield msgspec.json.decode(text, type=List[kind],
                                              strict=False)
                    continue
                except msgspec.ValidationError:
                    part = [json.loads(bytes(text)) for text in part]
            yield convert_each(part, kind, self.faults, start)

    def _refuse_fragments(self, data: bytes,
                          error: msgspec.DecodeError) -> None:
        """Report what no reader takes before one fills the memory with it."""
        if isinstance(error, msgspec.ValidationError):
            return
        place = error_place(data, error)
        if not data[place:place + 8].startswith((b'NaN', b'Infinity')):
            raise AnnotationError(f'{self.path}: {syntax_fault(data, error)}')

    def _open_leniently(self, data: bytes) -> None:
        """Read what the typed decoder refused, noting why.

        Python's own reader also accepts NaN and Infinity, which the checks
        can then report with the annotation that holds them.
        """
        try:
            document = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise AnnotationError(
                f'{self.path}: not a complete JSON file: {error} (of '
                f'{len(data)} bytes). If it ends early, copy or download it '
                'again.') from None
        if not isinstance(document, dict):
            raise AnnotationError(
                f'{self.path}: expected a COCO file, an object with images, '
                f'annotations and categories, got a '
                f'{type(document).__name__}')
        for key in ('images', 'categories', 'annotations'):
            kinds = (list, dict) if key == 'annotations' else (list, )
            if not isinstance(document.get(key), kinds):
                found = type(document[key]).__name__ if key in document \
                    else 'nothing'
                self.faults.add(f'"{key}": expected a list, got {found}')
        self.faults.raise_if_any('Expected a COCO file.')
        self.images = convert_each(
            document['images'], ImageEntry, self.faults, what='image')
        self.categories = convert_each(
            document['categories'], Category, self.faults, what='category')
        self._set(document.get('info'), document['annotations'], False)

    def _set(self, info: Any, annotations: Union[list, dict],
             is_text: bool = True) -> None:
        self.info = info if isinstance(info, dict) else {}
        self._annotations = (list(annotations.values()) if isinstance(
            annotations, dict) else annotations)
        self._is_text = is_text


def convert_each(items: Iterable[Any],
                 kind: Type[T],
                 faults: Faults,
                 start: int = 0,
                 what: str = 'annotation',
                 strict: bool = False) -> List[T]:
    """Convert one by one, so that each fault is found.

    Args:
        items (Iterable): Of a file's list, as JSON has them.
        kind (type): The msgspec structure to convert into.
        faults (Faults): Gets those that are none; they are left out.
        start (int): Number of the first.
        what (str): What they are called.
        strict (bool): Whether numbers may not be written as text.
    """
    converted = []
    for number, item in enumerate(items, start):
        try:
            converted.append(msgspec.convert(item, kind, strict=strict))
        except msgspec.ValidationError as error:
            known = item.get('id') if isinstance(item, dict) else None
            name = f'number {number}' if known is None else known
            faults.add(f'{what} {name}: {_plainly(error)}')
    return converted


def check_tables(images: List[ImageEntry], categories: List[Category],
                 faults: Faults) -> None:
    """Note what is wrong with a file's images and categories."""
    for name, entries in (('image', images), ('category', categories)):
        seen = set()
        for entry in entries:
            if entry.id in seen:
                faults.add(f'{name} {entry.id}: this id occurs more than '
                           'once')
            seen.add(entry.id)
    for image in images:
        if not (1 <= image.height <= MAX_SIDE
                and 1 <= image.width <= MAX_SIDE):
            faults.add(
                f'image {image.id} ({image.file_name}): expected a '
                f'height and width of at most {MAX_SIDE} and at least 1 '
                f'pixel, got {image.height} and {image.width}')
    note_faults(images, faults)


def _plainly(error: msgspec.ValidationError) -> str:
    """msgspec's message without its notation for the place."""
    text, _, place = str(error).partition(' - at `$')
    field = place.rstrip('`').lstrip('.')
    text = text[:1].lower() + text[1:]
    return f'"{field}": {text}' if field else text


def decode_leniently(data: bytes, kind: Type[T]) -> T:
    """Decode JSON; whole numbers may be written as 1.0 or "1".

    Args:
        data (bytes): The text.
        kind (type): What it is.

    Raises:
        msgspec.DecodeError: If it is something else.
    """
    try:
        return decode_json(data, kind)
    except msgspec.ValidationError:
        return decode_json(data, kind, strict=False)


def read_json_bytes(path: Union[str, Path]) -> bytes:
    """A JSON file's text, without the mark that some editors begin it with.

    Raises:
        AnnotationError: If there is no such file.
    """
    path = Path(path)
    try:
        return path.read_bytes().removeprefix(codecs.BOM_UTF8)
    except FileNotFoundError:
        raise AnnotationError(f'{path}: no such annotation file') from None
    except IsADirectoryError:
        raise AnnotationError(
            f'{path}: expected an annotation file, got a folder') from None


def read_document(path: Union[str, Path]) -> dict:
    """A whole COCO file as Python objects, its whole numbers as such.

    For readers that want all of it, such as pycocotools.

    Args:
        path (str or Path): The file.

    Returns:
        dict: Ids and sizes that were written as 1.0 or "1" are integers;
        what is no number stays as it is.

    Raises:
        AnnotationError: If it is missing, no JSON, or no COCO file.
    """
    data = read_json_bytes(path)
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise AnnotationError(
            f'not a complete JSON file: {error}. If it ends early, copy or '
            'download it again.') from None
    if not isinstance(document, dict):
        raise AnnotationError('expected a COCO file, an object with images, '
                              'annotations and categories')
    faults = Faults(path)
    for table, keys in _WHOLE.items():
        if document.get(table) is None:
            document.pop(table, None)
            continue
        items = document[table]
        if table == 'annotations' and isinstance(items, dict):
            items = items.values()
        elif not isinstance(items, list):
            faults.add(f'"{table}": expected a list, got '
                       f'{type(items).__name__}')
            continue
        for number, item in enumerate(items):
            if isinstance(item, dict):
                _make_whole(item, keys, f'{table} number {number}', faults)
            else:
                faults.add(f'{table} number {number}: expected an object, '
                           f'got {json.dumps(item)[:40]}')
    faults.raise_if_any('Expected a COCO file.')
    return document


def _make_whole(item: dict, keys: Iterable[str], name: str,
                faults: Faults) -> None:
    for key in keys:
        item[key] = _whole(item.get(key))
        if isinstance(item[key], (list, dict)):
            faults.add(f'{name}: "{key}": expected a number, got '
                       f'{json.dumps(item[key])[:40]}')
    # "0" would count as true.
    if isinstance(item.get('iscrowd'), (str, float)):
        item['iscrowd'] = _whole(item['iscrowd'])


def _whole(value: Any) -> Any:
    if type(value) is int:
        return value
    try:
        return msgspec.convert(value, int, strict=False)
    except msgspec.ValidationError:
        return value


def write_coco(path: Union[str, Path],
               images: Iterable[Any],
               categories: Iterable[Any],
               annotations: Iterable[Any],
               info: Optional[Callable[[], dict]] = None,
               licenses: Any = None) -> int:
    """Write a COCO file without holding its annotations in memory.

    Args:
        path (str or Path): Where to; written atomically.
        images (Iterable): Entries, dicts or msgspec structures.
        categories (Iterable): Entries, dicts or msgspec structures.
        annotations (Iterable): Entries; consumed one at a time.
        info (Callable, optional): Gives the ``info`` block; called after
            the last annotation, so that it can hold counts.
        licenses (Any): As COCO has them; None if there are none to name.

    Returns:
        int: The number of annotations written.
    """
    encode = msgspec.json.Encoder().encode
    count = 0
    with atomic_file(path) as file:
        file.write(b'{"images":' + encode(list(images)) + b',"categories":' +
                   encode(list(categories)) + b',"annotations":[')
        for count, annotation in enumerate(annotations, 1):
            file.write((b',\n' if count > 1 else b'\n') + encode(annotation))
        file.write(b'\n],"info":' + encode(info() if info else {}))
        if licenses is not None:
            file.write(b',"licenses":' + encode(licenses))
        file.write(b'}\n')
    return count
