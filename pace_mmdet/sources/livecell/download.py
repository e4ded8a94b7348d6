"""Getting LIVECell's images and annotations from where they are published.

Each file or folder takes its place when it is complete and checked. So what
stands there is left alone, and a second call does nothing.
"""
import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import Dict, Iterator, List, Sequence, Union

from rich.progress import (BarColumn, DownloadColumn, Progress, TextColumn,
                           TimeRemainingColumn, TransferSpeedColumn)

from pace_mmdet.coco.json_checks import check_complete_coco
from pace_mmdet.errors import AnnotationError
from pace_mmdet.sources.archives import ArchiveError, read_directory, unpack
from pace_mmdet.sources.downloads import (DownloadError, Report, fetch,
                                          part_path, remote_size)

from .files import (ARCHIVE, BASE_URL, IMAGE_FOLDERS, IMAGES, WHOLE,
                    annotation_files)

# 5,239 images of 366,080 pixels of a byte are 1.9 GB.
MAX_UNPACKED = 8 * 10**9
# What the file system and a few small files need beside.
_SPARE = 10 * 2**20


def download_livecell(root: Union[str, Path],
                      sets: Sequence[str] = (WHOLE, ),
                      base_url: str = BASE_URL,
                      images: bool = True) -> List[str]:
    """Get what is not there yet.

    An ``images.zip`` or an annotation file that somebody put into its place
    is taken as if it had been downloaded.

    Args:
        root (str or Path): Folder of the data set.
        sets (Sequence[str]): Annotation sets, of
            :data:`~.livecell_files.ANNOTATION_SETS`.
        base_url (str): Address of the folder that holds them.
        images (bool): Whether to get the images too.

    Returns:
        list[str]: What was done, a line each; empty if all was there.

    Raises:
        DownloadError: If a file cannot be had or the disk has too little
            room; what arrived so far is kept for the next call.
        ArchiveError: If an ``images.zip`` in place is broken or unsafe.
        AnnotationError: If an annotation file in place is broken.
        OSError: If a file cannot be written.
    """
    root = Path(root)
    base_url = base_url.rstrip('/') + '/'
    files = [file for name in sets for file in annotation_files(name)]
    present = [file for file in files if (root / file.local).exists()]
    for file in present:
        _check_present(root / file.local)
    wants_images = images and not _has_entries(root / IMAGES)
    wanted = {
        base_url + file.remote: root / file.local
        for file in files if file not in present
    }
    if wants_images and not (root / ARCHIVE).exists():
        wanted[base_url + ARCHIVE] = root / ARCHIVE
    _check_room(root, wanted)
    done = []
    for url, target in wanted.items():
        check = _check_archive if target.name == ARCHIVE else (
            check_complete_coco)
        with _progress(target.name) as report:
            fetch(url, target, check, report)
        done.append(f'{target}: {_bytes(target.stat().st_size)}')
    if wants_images:
        done.append(unpack_images(root))
    return done


def unpack_images(root: Path) -> str:
    """Unpack ``images.zip`` to ``images/``, which appears when complete.

    Args:
        root (Path): Folder of the data set. Its ``images.zip`` is removed
            after that.

    Returns:
        str: What was done.

    Raises:
        ArchiveError: If the archive is broken, unsafe, or not LIVECell's.
        DownloadError: If the disk has too little room.
        OSError: If a file cannot be written.
    """
    archive, staged = root / ARCHIVE, root / f'.{IMAGES}.tmp'
    # What a killed call left.
    shutil.rmtree(staged, ignore_errors=True)
    members = read_directory(archive, MAX_UNPACKED)
    size = sum(member.file_size for member in members)
    require_room(root, size, f'unpacking {archive}')
    try:
        with _progress('unpacking') as report:
            files = unpack(archive, staged, MAX_UNPACKED, report)
        missing = [
            folder for folder in dict.fromkeys(IMAGE_FOLDERS.values())
            if not (staged / folder).is_dir()
        ]
        if missing:
            raise ArchiveError(
                f'{archive}: not LIVECell\'s archive of images: {missing} '
                f'is not in it, but {sorted({f.parts[0] for f in files})[:5]}')
        inside = sum(file.parts[0] == IMAGES for file in files)
        os.replace(staged / IMAGES, root / IMAGES)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    archive.unlink()
    line = f'{root / IMAGES}: {inside} files, {_bytes(size)}'
    others = len(files) - inside
    return line + (f' ({others} files beside {IMAGES}/ in the archive left '
                   'out)' if others else '')


def require_room(folder: Path, needed: int, purpose: str) -> None:
    """Raise a DownloadError if a disk has less room than is needed.

    Args:
        folder (Path): A folder on the disk; need not exist yet.
        needed (int): Bytes.
        purpose (str): What for, in the error.
    """
    existing = folder.absolute()
    while not existing.exists():
        existing = existing.parent
    free = shutil.disk_usage(existing).free
    if free < needed + _SPARE:
        raise DownloadError(
            f'{folder}: {purpose} needs {_bytes(needed + _SPARE)}, and '
            f'{_bytes(free)} are free on that disk: make room, or give '
            'another --root')


def _check_room(root: Path, wanted: Dict[str, Path]) -> None:
    """Ask for all sizes; so a wrong address shows before anything is here."""
    needed = 0
    for url, target in wanted.items():
        size = remote_size(url) or 0
        part = part_path(target)
        needed += max(size - (part.stat().st_size if part.exists() else 0), 0)
        if target.name == ARCHIVE:
            # Unpacked they are no smaller; how large, its directory will say.
            needed += size
    if wanted:
        require_room(root, needed, 'downloading')


def _check_present(path: Path) -> None:
    try:
        check_complete_coco(path)
    except AnnotationError as error:
        raise AnnotationError(
            f'{error}\nRemove it and call again to download it.') from None


def _check_archive(path: Path) -> None:
    read_directory(path, MAX_UNPACKED)


def _has_entries(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


@contextmanager
def _progress(title: str) -> Iterator[Report]:
    with Progress(
            TextColumn('{task.description}'), BarColumn(), DownloadColumn(),
            TransferSpeedColumn(), TimeRemainingColumn()) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, size: bar.update(
            task, completed=done, total=size)


def _bytes(size: int) -> str:
    for unit in ('bytes', 'kB', 'MB'):
        if size < 1000:
            break
        size /= 1000
    else:
        unit = 'GB'
    return f'{size:.3g} {unit}' if unit != 'bytes' else f'{size} bytes'
