"""A step of a recipe: a command that one could type, as its own program."""
import os
import subprocess
import sys
from pathlib import Path
from typing import Mapping, Optional

from pace_mmdet.errors import UserError

_PARENT = Path(__file__).resolve().parents[2]


def run_pace(*words: str,
             folder: Optional[Path] = None,
             environ: Optional[Mapping[str, str]] = None) -> None:
    """Run ``pace`` with the interpreter and the package of this process.

    Args:
        *words (str): Its arguments.
        folder (Path, optional): Where to; by default here.
        environ (Mapping[str, str], optional): Variables to add.

    Raises:
        UserError: If it fails.
    """
    print('$ pace', *words, flush=True)
    # Also in another folder the package is found, if it is not installed.
    path = os.pathsep.join(
        filter(None, [str(_PARENT), os.environ.get('PYTHONPATH')]))
    status = subprocess.run(
        [sys.executable, '-m', 'pace_mmdet', *words],
        cwd=folder,
        env={**os.environ, 'PYTHONPATH': path, **(environ or {})}).returncode
    if status:
        raise UserError(f'pace {words[0]} ended with exit status {status}; '
                        'see its output above')
