"""Unpacking zip archives of strangers without harm.

Whatever an archive says, files are only made below the given folder, none is
a link, and together they are no larger than a bound.
"""
import re
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Callable, Iterator, List, Union

from pace_mmdet.errors import Faults, UserError
from pace_mmdet.files import naming_errors

CHUNK = 2**20
# A bound on bytes does not bound empty files.
MAX_FILES = 100_000
# Bytes; with the folder's own it fits what systems take.
_MAX_PATH = 1024
# What the zip format calls stored and deflated; all that LIVECell needs.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 1
# What zipfile raises when it reads nonsense; RuntimeError for what it does
# not know, OSError for places before the file.
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError,
           OSError)


class ArchiveError(UserError):
    """An archive is broken or not safe to unpack; lists all faults."""


def read_directory(path: Union[str, Path],
                   max_bytes: int) -> List[zipfile.ZipInfo]:
    """Read and check what a zip archive says that it holds.

    Args:
        path (str or Path): The archive.
        max_bytes (int): The most that it may unpack to.

    Returns:
        list[ZipInfo]: Its files, without folders.

    Raises:
        ArchiveError: If it is no complete zip archive; or if any member
            would lie outside the folder that it is unpacked to, is neither
            file nor folder, is encrypted or packed in an unknown way, shares
            its name with another, or all are too large together or too many.
    """
    faults = Faults(path, ArchiveError)
    if not Path(path).is_file():
        raise ArchiveError(f'{path}: no such archive')
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except _BROKEN as error:
        raise ArchiveError(f'{path}: not a complete zip archive ({error}); '
                           'remove it and get it again') from None
    taken, parents = set(), set()
    for member in members:
        fault = _fault(member)
        # Two names may be one file where case makes no difference.
        place = PurePosixPath(member.filename.lower())
        if not fault and not member.is_dir():
            if place in taken:
                fault = 'occurs more than once'
            taken.add(place)
            parents.update(place.parents)
        if fault:
            faults.add(f'{member.filename[:200]!r}: {fault}')
    for place in taken & parents:
        faults.add(f'{str(place)!r}: is a file and a folder')
    total = sum(member.file_size for member in members)
    if total > max_bytes:
        faults.add(f'unpacks to {total} bytes, expected at most {max_bytes}')
    if len(members) > MAX_FILES:
        faults.add(f'holds {len(members)} files, expected at most {MAX_FILES}')
    faults.raise_if_any('Nothing was unpacked. Remove it, and get the archive '
                        'from its publisher.')
    return [member for member in members if not member.is_dir()]


def unpack(path: Union[str, Path],
           folder: Union[str, Path],
           max_bytes: int,
           report: Callable[[int, int], None] = lambda done, size: None
           ) -> List[Path]:
    """Unpack a zip archive into a folder that does not exist yet.

    Args:
        path (str or Path): The archive.
        folder (str or Path): The folder; made here, so that nothing in it
            can lead elsewhere.
        max_bytes (int): The most that the archive may unpack to.
        report (Callable): Is told the bytes that are unpacked and those of
            all files.

    Returns:
        list[Path]: The files, relative to ``folder``.

    Raises:
        ArchiveError: As :func:`read_directory`, and if a file's content does
            not fit its size or checksum.
        OSError: If a file cannot be written.
    """
    folder = Path(folder)
    members = read_directory(path, max_bytes)
    total = sum(member.file_size for member in members)
    folder.mkdir(parents=True)
    done, files = 0, []
    with zipfile.ZipFile(path) as archive:
        for member in members:
            target = folder / member.filename
            target.parent.mkdir(parents=True, exist_ok=True)
            _unpack_one(archive, member, target, path)
            done += member.file_size
            files.append(target.relative_to(folder))
            report(done, total)
    return files


def _unpack_one(archive: zipfile.ZipFile, member: zipfile.ZipInfo,
                target: Path, path: Union[str, Path]) -> None:
    written = 0
    with naming_errors(target), open(target, 'xb') as file:
        for chunk in _read(archive, member, path):
            written += len(chunk)
            file.write(chunk)
    if written != member.file_size:
        raise ArchiveError(
            f'{path}: {member.filename!r} is broken: {written} bytes, but '
            f'{member.file_size} stated')


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo,
          path: Union[str, Path]) -> Iterator[bytes]:
    """A member's content in pieces, never more than it states.

    zipfile ends at the stated size and then compares the checksum.
    """
    try:
        with archive.open(member) as source:
            while chunk := source.read(CHUNK):
                yield chunk
    except _BROKEN as error:
        raise ArchiveError(
            f'{path}: {member.filename!r} is broken: {error}') from None


def _fault(member: zipfile.ZipInfo) -> str:
    """What is wrong with one member; empty if nothing is."""
    # Not filename: zipfile cuts that at a NUL and changes separators.
    name = member.orig_filename
    if (name.startswith('/') or re.search(r'[\\\x00]|^[A-Za-z]:', name)
            or not name.strip('/') or '..' in name.split('/')):
        return ('expected a relative path with "/" between folders and '
                'without ".."')
    if (len(name.encode()) > _MAX_PATH
            or max(len(part.encode()) for part in name.split('/')) > 255):
        return 'has a name that is too long for a file'
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return 'is a link or special file, expected files and folders'
    if member.flag_bits & _ENCRYPTED:
        return 'is encrypted'
    if member.compress_type not in _METHODS:
        return f'is packed by method {member.compress_type}, expected 0 or 8'
    return ''
