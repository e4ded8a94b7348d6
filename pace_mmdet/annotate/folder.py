"""The images of a project: which there are, and which can be used."""
import os
import re
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import (Callable, Dict, Iterable, Iterator, List, NamedTuple,
                    Optional, Union)

import numpy as np

from pace_mmdet.errors import ImageFileError
from pace_mmdet.images.folders import list_folder
from pace_mmdet.images.formats import IMAGE_SUFFIXES
from pace_mmdet.images.intensities import check_values
from pace_mmdet.images.stacks import ImageStack, read_single

from .errors import ProjectError

# Stretching takes some 35 bytes a pixel while it lasts.
MAX_PIXELS = 2**27


@dataclass
class ProjectImage:
    """One image file.

    Attributes:
        id (int): Its number in the project.
        name (str): Path below the folder, with slashes.
        width (int): In pixels.
        height (int): In pixels.
        modified_ns (int): When the file was last written; tells versions of
            its content apart.
        problem (str): Why it cannot be annotated; empty if it can.
        planes (Planes, optional): Set if all that is missing is which plane
            of the file is meant.
    """
    id: int
    name: str
    width: int
    height: int
    modified_ns: int
    problem: str = ''
    planes: Optional['Planes'] = None


class Planes(NamedTuple):
    """What a file with more than one plane holds.

    Attributes:
        pages (int): Planes of each channel.
        channels (int): Channels, 1 if the file has no such axis.
        names (list[str]): Of the channels, as far as it has them.
    """
    pages: int
    channels: int
    names: List[str]


def count_planes(path: Path) -> Planes:
    """What a file holds, by what it says of itself.

    Raises:
        ImageFileError: If it is missing or broken, or no image.
    """
    with ImageStack(path) as stack:
        return Planes(max(len(stack) // stack.num_channels, 1),
                      stack.num_channels, stack.channel_names)


def list_images(folder: Union[str, Path]) -> List[str]:
    """Names of the image files in a folder and those below it.

    Hidden files are left out. Numbers in names sort by their value.

    Args:
        folder (str or Path): The folder.

    Returns:
        list[str]: Paths below the folder, with slashes.

    Raises:
        ProjectError: If it is no folder or holds no image file.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ProjectError(f'{folder}: no such folder of images')
    found = list_folder(folder, recursive=True)
    names = [path.relative_to(folder).as_posix() for path in found.images]
    if not names:
        raise ProjectError(f'{folder}: no image file in it, expected some of '
                           + ', '.join(IMAGE_SUFFIXES) + ''.join(
                               f'\n  {line}' for line in found.left_out))
    return sorted(names, key=lambda name: [
        int(part) if part.isdigit() else part.lower()
        for part in re.split(r'(\d+)', name)
    ])


def resolve(folder: Union[str, Path], name: str) -> Path:
    """Where an image lies, if that is inside the folder.

    Args:
        folder (str or Path): The folder of images.
        name (str): Path below it.

    Returns:
        Path: Without links.

    Raises:
        ImageFileError: If it is outside, by ``..`` or by a link.
    """
    root = Path(folder).resolve()
    path = (root / name).resolve()
    if not path.is_relative_to(root):
        raise ImageFileError(f'{name}: leads out of the folder of images; '
                             'copy the file into it')
    return path


def read_plane(path: Path, page: Optional[int],
               max_pixels: int = MAX_PIXELS,
               channel: Optional[int] = None) -> np.ndarray:
    """Read an image of bounded size, one plane of a stack.

    Args:
        path (Path): The file.
        page (int, optional): Plane to read; a file with more than one
            needs it.
        max_pixels (int): Largest image that is decoded.
        channel (int, optional): Channel to read.

    Returns:
        ndarray: As :func:`~pace_mmdet.images.stacks.read_image`.

    Raises:
        ImageFileError: As that function, for a larger image, and for one
            that cannot be shown (complex values, or none at all).
    """
    with ImageStack(path, channel, page=page) as stack:
        if stack.max_pixels > max_pixels:
            raise ImageFileError(
                f'{path}: {stack.max_pixels / 1e6:.0f} million pixels, at '
                f'most {max_pixels / 1e6:.0f} million are taken; cut it into '
                'parts')
        img = read_single(stack)
    try:
        check_values(img)
    except ValueError as error:
        raise ImageFileError(f'{path}: {error}') from None
    return img


def scan(folder: Union[str, Path],
         connection: sqlite3.Connection,
         page: Optional[int] = None,
         progress: Callable[[Iterable[str]], Iterable[str]] = iter,
         channel: Optional[int] = None
         ) -> Dict[int, ProjectImage]:
    """Compare a folder with a project, and enter what is new.

    Files that have not changed since the last time are not read again.

    Args:
        folder (str or Path): The folder of images.
        connection (sqlite3.Connection): The project.
        page (int, optional): Plane of files with more than one.
        progress (Callable): Wraps the names while they are gone through.
        channel (int, optional): Channel to read.

    Returns:
        dict[int, ProjectImage]: By id, in the order in which they are
        listed: the folder's, then those that are gone from it.

    Raises:
        ProjectError: If the folder does not exist or holds no image.
    """
    connection.execute('BEGIN IMMEDIATE')
    try:
        images = examine(folder, connection, page, progress, channel)
        connection.execute('COMMIT')
    except BaseException:
        connection.execute('ROLLBACK')
        raise
    return images


def examine(folder: Union[str, Path],
            connection: sqlite3.Connection,
            page: Optional[int] = None,
            progress: Callable[[Iterable[str]], Iterable[str]] = iter,
            channel: Optional[int] = None) -> Dict[int, ProjectImage]:
    """What :func:`scan` does, within a transaction."""
    known = {row['name']: row for row in connection.execute(
        'SELECT images.*, EXISTS (SELECT 1 FROM boxes '
        'WHERE image_id = images.id) AS has_boxes FROM images')}
    images = []
    for name in progress(list_images(folder)):
        if not _is_text(name):
            images.append(_nameless(name, -1 - len(images)))
            continue
        images.append(
            _examine(folder, name, known.pop(name, None), connection, page,
                     channel))
    images += _missing(known.values())
    return {image.id: image for image in images}


def _is_text(name: str) -> bool:
    """Whether a file's name can be stored and shown."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _nameless(name: str, number: int) -> ProjectImage:
    """A file that is not entered, with a number that no other has."""
    shown = os.fsencode(name).decode('utf-8', 'backslashreplace')
    return ProjectImage(number, shown, 0, 0, 0, 'its name is not UTF-8, which '
                        'names in a project are: rename the file')


def _examine(folder: Union[str, Path], name: str, row: Optional[sqlite3.Row],
             connection: sqlite3.Connection, page: Optional[int],
             channel: Optional[int]) -> ProjectImage:
    """One file as it is now, its row in the project brought up to date."""
    size, modified, problem, planes = (0, 0), 0, '', None
    stamp = (0, 0)
    path = None
    try:
        path = resolve(folder, name)
        status = path.stat()
        stamp = modified, _ = status.st_mtime_ns, status.st_size
        if row is not None and row['width'] and stamp == (
                row['modified_ns'], row['bytes']):
            size = row['width'], row['height']
        else:
            size = read_plane(path, page, channel=channel).shape[1::-1]
    except ImageFileError as error:
        problem = without_folder(error, folder, name)
        planes = _choice(path)
    except OSError as error:
        problem = f'cannot be opened: {error.strerror}'
    if row is None:
        number = connection.execute(
            'INSERT INTO images (name, width, height, bytes, modified_ns) '
            'VALUES (?, ?, ?, ?, ?)',
            (name, *size, stamp[1], stamp[0])).lastrowid
        return ProjectImage(number, name, *size, modified, problem, planes)
    before = row['width'], row['height']
    if not problem and row['has_boxes'] and size != before:
        problem = (f'has changed: it was {before[0]} x {before[1]} pixels '
                   f'when its boxes were drawn and is {size[0]} x {size[1]} '
                   'now. Put the old file back, or give the new one another '
                   'name.')
    if problem:
        return ProjectImage(row['id'], name, *before, modified, problem,
                            planes)
    connection.execute(
        'UPDATE images SET width = ?, height = ?, bytes = ?, modified_ns = ? '
        'WHERE id = ?', (*size, stamp[1], stamp[0], row['id']))
    return ProjectImage(row['id'], name, *size, modified)


def _choice(path: Optional[Path]) -> Optional[Planes]:
    """The planes of a file that is one of several, for choosing."""
    try:
        planes = path and count_planes(path)
    except ImageFileError:
        return None
    return planes if planes and planes.pages * planes.channels > 1 else None


def _missing(rows: Iterable[sqlite3.Row]) -> Iterator[ProjectImage]:
    """Images that have boxes, but are no longer in the folder."""
    for row in rows:
        if row['has_boxes']:
            yield ProjectImage(
                row['id'], row['name'], row['width'], row['height'], 0,
                'is no longer in the folder; its boxes are kept')


def without_folder(error: Exception, folder: Union[str, Path],
                   name: str) -> str:
    """An error about an image without its path, which is not the page's."""
    text = str(error)
    for prefix in {str(Path(folder) / name),
                   str(Path(folder).resolve() / name)}:
        text = text.replace(prefix, name)
    return text.removeprefix(f'{name}: ')
