"""One server to a project."""
import fcntl
import os
from pathlib import Path
from typing import Union

from .errors import ProjectError


class ProjectLock:
    """Held from construction until :meth:`release` or the process's end.

    It is a lock of the system on a hidden file beside the project's, so a
    killed process leaves none behind.

    Args:
        path (str or Path): The project's file.

    Raises:
        ProjectError: If another process holds it, or the folder cannot be
            written to.
    """

    def __init__(self, path: Union[str, Path]) -> None:
        project = Path(path).resolve()
        self._path = project.with_name(f'.{project.name}.lock')
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            while True:
                self._file = open(self._path, 'a+')
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if self._is_current():
                    break
                # Its last holder removed it just now.
                self._file.close()
        except BlockingIOError:
            self._file.seek(0)
            holder = self._file.read().strip() or 'another process'
            self._file.close()
            raise ProjectError(f'{path}: in use by {holder}. Open that page, '
                               'or stop it first.') from None
        except OSError as error:
            raise ProjectError(f'{path}: cannot be locked: {error}') from None

    def describe(self, text: str) -> None:
        """Say who holds it, for the message to others."""
        self._file.truncate(0)
        self._file.write(text)
        self._file.flush()

    def release(self) -> None:
        """Let others have it."""
        self._path.unlink(missing_ok=True)
        self._file.close()

    def _is_current(self) -> bool:
        try:
            status = os.stat(self._path)
        except FileNotFoundError:
            return False
        return os.path.samestat(status, os.fstat(self._file.fileno()))
