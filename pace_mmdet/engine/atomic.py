"""A file backend of mmengine that never leaves half a file."""
from pathlib import Path
from typing import Union

from mmengine.fileio import LocalBackend, register_backend

from pace_mmdet.files import write_atomically


@register_backend('atomic_local')
class AtomicLocalBackend(LocalBackend):
    """Local disk, every file written by :func:`write_atomically`."""

    def put(self, obj: bytes, filepath: Union[str, Path]) -> None:
        """Write bytes."""
        write_atomically(filepath, obj)

    def put_text(self,
                 obj: str,
                 filepath: Union[str, Path],
                 encoding: str = 'utf-8') -> None:
        """Write text."""
        self.put(obj.encode(encoding), filepath)
