"""Files that appear under their name only when they are complete.

And one process at a time that writes them: :class:`PathLock`.
"""
import errno
import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Iterator, Union

import filelock

from pace_mmdet.errors import UserError

# What a user can put right: a full disk or quota, a folder not to write to.
USER_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS)


def temporary_path(path: Union[str, Path]) -> Path:
    """Where the unfinished file lies: beside the final one, hidden."""
    path = Path(path)
    return path.with_name(f'.{path.name}.tmp')


@contextmanager
def naming_errors(path: Union[str, Path]) -> Iterator[None]:
    """Add a file's path to errors that lack it, such as that of a full disk.

    Args:
        path (str or Path): What is being written.
    """
    try:
        yield
    except OSError as error:
        if error.errno in USER_ERRORS and error.filename is None:
            error.filename = str(path)
        raise


@contextmanager
def atomic_file(path: Union[str, Path]) -> Iterator[BinaryIO]:
    """Open a file for writing such that a kill leaves the old or the new.

    On any error, what was written is removed and what stood at ``path``
    before stays as it was.

    Args:
        path (str or Path): The file. Its folder is made if need be.

    Yields:
        BinaryIO: The open file.

    Raises:
        OSError: The file cannot be written (for instance: the disk is full).
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = temporary_path(path)
    try:
        with naming_errors(path), open(unfinished, 'wb') as file:
            yield file
            file.flush()
            # Without it a crash of the machine may keep the new name and
            # lose the content.
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def write_atomically(path: Union[str, Path], content: Union[bytes,
                                                            str]) -> None:
    """Write a file by :func:`atomic_file`.

    Args:
        path (str or Path): The file. Its folder is made if need be.
        content (bytes or str): What it is to hold; text becomes UTF-8.
    """
    with atomic_file(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


class PathLock:
    """The right of one process to a file or folder, if all ask for it.

    Held from construction until :meth:`release` or the process's end. It is a
    lock of the system on a hidden file beside, so a killed process leaves
    none behind.

    Args:
        path (str or Path): The file or folder. The one above is made if need
            be.

    Raises:
        UserError: If another process holds it, or the folder above cannot be
            written to.
    """

    def __init__(self, path: Union[str, Path]) -> None:
        place = Path(path).resolve()
        # Not in the locked file: Windows lets nobody else read that.
        self._holder = place.with_name(f'.{place.name}.holder')
        self._lock = filelock.FileLock(
            place.with_name(f'.{place.name}.lock'), timeout=0)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
            self._holder.unlink(missing_ok=True)
        except filelock.Timeout:
            holder = 'another process'
            with suppress(OSError):
                holder = self._holder.read_text(encoding='utf-8')
            raise UserError(f'{path}: in use by {holder}. Wait for it, or '
                            'stop it.') from None
        except OSError as error:
            self._lock.release()
            raise UserError(f'{path}: cannot be locked: {error}') from None

    def describe(self, text: str) -> None:
        """Say who holds it, for the message to others."""
        write_atomically(self._holder, text)

    def release(self) -> None:
        """Let others have it."""
        self._holder.unlink(missing_ok=True)
        # While it is held: who waits for this very file sees that it went.
        # Windows keeps what is open, and filelock removes it there.
        with suppress(PermissionError):
            os.unlink(self._lock.lock_file)
        self._lock.release()

    def __enter__(self) -> 'PathLock':
        return self

    def __exit__(self, *exc_info) -> None:
        self.release()
