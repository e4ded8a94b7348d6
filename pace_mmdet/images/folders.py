"""Which files of a folder are images, and which are left out."""
import os
from pathlib import Path
from typing import List, NamedTuple, Sequence, Union

from pace_mmdet.errors import ImageFileError

from .formats import IMAGE_SUFFIXES, image_format, is_zarr

_MOST_NAMED = 3


class Listing(NamedTuple):
    """The content of a folder.

    Attributes:
        images (list[Path]): Files that end as images do, and OME-Zarrs.
        left_out (list[str]): What was left out and why, as text, a line for
            each reason.
    """
    images: List[Path]
    left_out: List[str]


def list_folder(folder: Union[str, Path],
                recursive: bool = False,
                suffixes: Sequence[str] = IMAGE_SUFFIXES,
                without: Sequence[Path] = ()) -> Listing:
    """Look through a folder. Hidden files and folders are passed over.

    Args:
        folder (str or Path): The folder.
        recursive (bool): Whether to look into folders below.
        suffixes (Sequence[str]): Endings that are taken, in lower case.
        without (Sequence[Path]): Folders that are passed over.

    Returns:
        Listing: In the order of the names.
    """
    passed = {Path(path).resolve() for path in without}
    images, others = [], []
    for parent, below, names in os.walk(folder):
        here = Path(parent)
        below[:] = sorted(name for name in below if not name.startswith('.'))
        for name in list(below):
            if is_zarr(here / name):
                below.remove(name)
                names.append(name)
            elif (here / name).resolve() in passed or not recursive:
                below.remove(name)
        for name in sorted(names):
            if name.startswith('.') or (here / name).is_dir() and \
                    not is_zarr(here / name):
                continue
            fits = name.lower().endswith(tuple(suffixes))
            (images if fits else others).append(here / name)
    return Listing(images, _reasons(others))


def stem_of(name: Union[str, Path]) -> str:
    """A file's name without what tells its type, ``.ome.tif`` as a whole."""
    stem = Path(name).stem
    return stem[:-4] if stem.lower().endswith('.ome') else stem


def _reasons(paths: List[Path]) -> List[str]:
    """Why files are left out, a line for each reason."""
    by_reason: dict = {}
    for path in paths:
        by_reason.setdefault(_reason(path), []).append(path.name)
    return [
        f'{len(names)} left out: {reason} ({_some(names)})'
        for reason, names in by_reason.items()
    ]


def _reason(path: Path) -> str:
    try:
        found = image_format(path)
    except ImageFileError:
        return f'{path.suffix or "files without a suffix"}, no image format ' \
               'that is read'
    return (f'{found.name} by content, but not by name: end it in '
            f'{found.suffixes[0]}')


def _some(names: List[str]) -> str:
    more = len(names) - _MOST_NAMED
    # Names need not be text in which they can be printed.
    names = [os.fsencode(name).decode('utf-8', 'backslashreplace')
             for name in names[:_MOST_NAMED]]
    return ', '.join(names) + (
        f' and {more} more' if more > 0 else '')
