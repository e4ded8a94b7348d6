"""Files that appear under their name only when they are complete."""
import os
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Iterator, Union


def temporary_path(path: Union[str, Path]) -> Path:
    """Where the unfinished file lies: beside the final one, hidden."""
    path = Path(path)
    return path.with_name(f'.{path.name}.tmp')


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
        with open(unfinished, 'wb') as file:
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
