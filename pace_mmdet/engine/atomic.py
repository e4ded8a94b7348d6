"""Files that appear under their name only when they are complete."""
import os
from pathlib import Path
from typing import Union

from mmengine.fileio import LocalBackend, register_backend


def temporary_path(path: Union[str, Path]) -> Path:
    """Where the unfinished file lies: beside the final one, hidden."""
    path = Path(path)
    return path.with_name(f'.{path.name}.tmp')


def write_atomically(path: Union[str, Path], content: Union[bytes,
                                                            str]) -> None:
    """Write a file so that a kill at any moment leaves the old or the new.

    Args:
        path (str or Path): The file, in a folder that exists.
        content (bytes or str): What it is to hold; text becomes UTF-8.

    Raises:
        OSError: The file cannot be written (for instance: the disk is full).
            What was there before is untouched.
    """
    if isinstance(content, str):
        content = content.encode()
    unfinished = temporary_path(path)
    try:
        with open(unfinished, 'wb') as file:
            file.write(content)
            file.flush()
            # Without it a crash of the machine may keep the new name and
            # lose the content.
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise


@register_backend('atomic_local')
class AtomicLocalBackend(LocalBackend):
    """Local disk, every file written by :func:`write_atomically`."""

    def put(self, obj: bytes, filepath: Union[str, Path]) -> None:
        """Write bytes."""
        Path(filepath).parent.mkdir(parents=True, exist_ok=True)
        write_atomically(filepath, obj)

    def put_text(self,
                 obj: str,
                 filepath: Union[str, Path],
                 encoding: str = 'utf-8') -> None:
        """Write text."""
        self.put(obj.encode(encoding), filepath)
