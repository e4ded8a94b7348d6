"""Faults of the user's input, and how a tool reports them."""
import os
import sys
from typing import Callable, Optional

from pace_mmdet.errors import UserError
from pace_mmdet.files import USER_ERRORS

EXIT_USER_ERROR = 2


def run_tool(main: Callable[[], Optional[int]]) -> int:
    """Run a tool and turn the user's faults into a message, not a traceback.

    A full disk and a folder that may not be written to count as such. Every
    other exception passes: it is a fault of the program, and its traceback is
    what a bug report needs. Of several processes the first one speaks for
    all.

    Args:
        main (Callable): Runs the tool; None counts as 0.

    Returns:
        int: Exit code, 2 for a fault of the user.
    """
    try:
        return main() or 0
    except (UserError, OSError) as error:
        if isinstance(error, OSError) and error.errno not in USER_ERRORS:
            raise
        if os.environ.get('RANK', '0') == '0':
            print(f'error: {plain_message(error)}', file=sys.stderr)
        return EXIT_USER_ERROR


def plain_message(error: Exception) -> str:
    """The message of an error, also when a data loader's worker raised it.

    The operating system's errors become a path and what is wrong. PyTorch
    raises a worker's exception again with the worker's traceback as its
    message, which ends with the line 'module.Name: message'.
    """
    if isinstance(error, OSError) and error.filename:
        return f'{error.filename}: {error.strerror}'
    message = str(error)
    if 'in DataLoader worker process' not in message:
        return message
    marker = f'{type(error).__name__}: '
    return message.rpartition(marker)[2].strip()
