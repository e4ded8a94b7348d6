"""Files that appear under their name only when they are complete.

And one process at a time that writes them: :class:`PathLock`.
"""
import errno
import io
import os
import platform
import re
import secrets
import shutil
import sys
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Iterable, Iterator, Union

import filelock

from pace_mmdet.errors import UserError

# What a user can put right: a full disk or quota, a file larger than is
# allowed, a folder not to write to, a name that is a folder's or too long.
USER_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES,
               errno.EPERM, errno.EROFS, errno.EISDIR, errno.ENOTDIR,
               errno.EEXIST, errno.ENAMETOOLONG)
# Seconds: the workers of a killed process end a few seconds after it.
PATIENCE = 10.
_WITHOUT_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP)
_UNFINISHED = re.compile(r'\.(.{1,20})\.[0-9a-f]{8}\.tmp', re.DOTALL)


def temporary_path(path: Union[str, Path]) -> Path:
    """A new name for an unfinished file: beside the final one, hidden.

    No two writers get the same; it is short, whatever the file is called.
    """
    path = Path(path)
    return path.with_name(f'.{path.name[:20]}.{secrets.token_hex(4)}.tmp')


def remove_unfinished(folder: Union[str, Path],
                      starts: Iterable[str]) -> None:
    """Remove what killed writers left in a folder that no other writes to.

    Args:
        folder (str or Path): The folder; need not exist.
        starts (Iterable[str]): How the names of the final files begin.
    """
    starts = tuple(start[:20] for start in starts)
    for path in Path(folder).glob('.*.tmp'):
        match = _UNFINISHED.fullmatch(path.name)
        if match and match[1].startswith(starts):
            path.unlink(missing_ok=True)


def refuse_inputs(outputs: Iterable[Union[str, Path, None]],
                  inputs: Iterable[Union[str, Path, None]]) -> None:
    """Raise a UserError if a file to write is one that is read.

    Args:
        outputs (Iterable): Files to write; None for one that is not asked
            for.
        inputs (Iterable): Files to read, the same.
    """
    read = {Path(path).resolve(): path for path in inputs if path is not None}
    for path in outputs:
        if path is None:
            continue
        same = read.get(Path(path).resolve()) or next(
            (other for other in read.values() if _is_same(path, other)), None)
        if same is not None:
            raise UserError(f'{path}: is an input ({same}) and would be '
                            'replaced by the output; choose another name')


def _is_same(one: Union[str, Path], other: Union[str, Path]) -> bool:
    """Whether two names are one file: hard links, upper and lower case."""
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


@contextmanager
def naming_errors(path: Union[str, Path],
                  unfinished: Union[str, Path, None] = None
                  ) -> Iterator[None]:
    """Add a file's path to errors that lack it, such as that of a full disk.

    Args:
        path (str or Path): What is being written.
        unfinished (str or Path, optional): What it is called meanwhile.
    """
    try:
        yield
    except OSError as error:
        if error.errno in USER_ERRORS and (
                error.filename is None
                or str(error.filename) == str(unfinished)):
            error.filename, error.filename2 = str(path), None
        raise


@contextmanager
def atomic_file(path: Union[str, Path],
                private: bool = False) -> Iterator[BinaryIO]:
    """Open a file for writing such that a kill leaves the old or the new.

    On any error, what was written is removed and what stood at ``path``
    before stays as it was. Of several writers at once, one's work stands
    there in the end.

    Args:
        path (str or Path): The file. Its folder is made if need be.
        private (bool): Whether only its owner may read it.

    Yields:
        BinaryIO: The open file.

    Raises:
        OSError: The file cannot be written (for instance: the disk is full).
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR),
                                str(path))
    unfinished = temporary_path(path)
    try:
        with naming_errors(path, unfinished), open(unfinished,
                                                   'xb') as file:
            if private:
                os.chmod(unfinished, 0o600)
            with _finding_causes(file):
                yield file
            file.flush()
            # Without it a crash of the machine may keep the new name and
            # lose the content.
            os.fsync(file.fileno())
        with naming_errors(path, unfinished):
            os.replace(unfinished, path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


@contextmanager
def _finding_causes(file: BinaryIO) -> Iterator[None]:
    """Say why a library could not write.

    NumPy, and so tifffile, raise an OSError of how many values were written,
    without the system's reason. Writing on gives it.
    """
    try:
        yield
    except OSError as error:
        if error.errno is None and not isinstance(error,
                                                  io.UnsupportedOperation):
            file.seek(0, os.SEEK_END)
            file.write(bytes(2**20))
            file.flush()
        raise


def write_atomically(path: Union[str, Path],
                     content: Union[bytes, str],
                     private: bool = False) -> None:
    """Write a file by :func:`atomic_file`.

    Args:
        path (str or Path): The file. Its folder is made if need be.
        content (bytes or str): What it is to hold; text becomes UTF-8.
        private (bool): Whether only its owner may read it.
    """
    with atomic_file(path, private) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def replace_folder(complete: Path, path: Path) -> None:
    """Give a folder its name; one that stands there goes.

    Args:
        complete (Path): The folder, on the same disk.
        path (Path): Its name.
    """
    if path.is_dir() and not path.is_symlink():
        old = temporary_path(path)
        os.replace(path, old)
        os.replace(complete, path)
        shutil.rmtree(old)
    else:
        path.unlink(missing_ok=True)
        os.replace(complete, path)


class PathLock:
    """The right of one process to a file or folder, if all ask for it.

    Held from construction until :meth:`release` or the process's end. It is a
    lock of the system on a hidden file beside, so a killed process leaves
    none behind. Where the file system knows no locks, there is none.

    Args:
        path (str or Path): The file or folder. The one above is made if need
            be.
        name (str or Path, optional): What is locked, in messages.
        advice (str): What who comes second can do, in the error.
        patience (float): Seconds to wait for who was first.

    Raises:
        UserError: If another process holds it, or the folder above cannot be
            written to.
    """

    def __init__(self,
                 path: Union[str, Path],
                 name: Union[str, Path, None] = None,
                 advice: str = 'Wait for it, or stop it.',
                 patience: float = 0.) -> None:
        place = Path(path).resolve()
        name = path if name is None else name
        # Not in the locked file: Windows lets nobody else read that.
        self._holder = place.with_name(f'.{place.name}.holder')
        self._lock = filelock.FileLock(
            place.with_name(f'.{place.name}.lock'), timeout=patience)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
            self._holder.unlink(missing_ok=True)
        except filelock.Timeout:
            holder = 'another process'
            with suppress(OSError):
                holder = self._holder.read_text(encoding='utf-8')
            raise UserError(f'{name}: in use by {holder}. {advice}') from None
        except OSError as error:
            self._lock.release()
            if error.errno not in _WITHOUT_LOCKS:
                raise UserError(f'{name}: cannot be locked: {error}') from None

    def describe(self, text: str) -> None:
        """Say who holds it, for the message to others of this account."""
        write_atomically(self._holder, text, private=True)

    def release(self) -> None:
        """Let others have it."""
        self._holder.unlink(missing_ok=True)
        # While it is held: who waits for this very file sees that it went.
        # Windows keeps what is open, and filelock removes it there.
        with suppress(PermissionError, FileNotFoundError):
            os.unlink(self._lock.lock_file)
        self._lock.release()

    def __enter__(self) -> 'PathLock':
        return self

    def __exit__(self, *exc_info) -> None:
        self.release()


def folder_lock(folder: Union[str, Path], advice: str) -> PathLock:
    """Hold a folder that one command at a time writes to.

    Args:
        folder (str or Path): The folder; made if need be.
        advice (str): What who comes second can do, in the error.

    Returns:
        PathLock: Held, by a file in the folder; says who this process is.
    """
    lock = PathLock(Path(folder, 'pace'), folder, advice, PATIENCE)
    now = datetime.now().isoformat(' ', 'seconds')
    command = ' '.join([Path(sys.argv[0]).name, *sys.argv[1:]])
    lock.describe(f'process {os.getpid()} on {platform.node()} since {now} '
                  f'({command[:200]})')
    return lock
