"""Files that appear under their name only when they are complete."""
import errno
import os
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Iterator, Union

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
