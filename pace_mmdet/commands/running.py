"""From a module of this package to a program."""
import argparse
import contextlib
import importlib
import os
import signal
import sys
import threading
from functools import partial
from typing import Any, Callable, Iterator, List, Optional, Sequence

from pace_mmdet.errors import UserError
from pace_mmdet.files import USER_ERRORS

EXIT_USER_ERROR = 2
EXIT_INTERRUPTED = 130
# What the extra 'train' brings.
_FOR_MODELS = ('torch', 'mmengine', 'mmcv', 'mmdet', 'scipy', 'roifile',
               'yaml')


def program(name: str) -> Callable[..., int]:
    """The ``main`` of a command, which is loaded when that is called.

    Args:
        name (str): Name of its module.

    Returns:
        Callable: As :func:`run_command`, without the name.
    """
    return partial(run_command, name)


def run_command(name: str,
                argv: Optional[Sequence[str]] = None,
                prog: Optional[str] = None) -> int:
    """Run a command of this package.

    Args:
        name (str): Name of its module.
        argv (Sequence[str], optional): Its arguments; by default those of
            this process.
        prog (str, optional): What it was called by.

    Returns:
        int: Exit code, as of :func:`run_tool`.
    """
    return run_tool(lambda: _run(name, argv, prog))


def _run(name: str, argv: Optional[Sequence[str]],
         prog: Optional[str]) -> Optional[int]:
    """Load a command, which takes seconds if it is about models, and call it.
    """
    try:
        command = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if (error.name or '').partition('.')[0] not in _FOR_MODELS:
            raise
        raise UserError(
            f'this needs {error.name}, which is not installed; install the '
            "extra 'train' (docs/install.md)") from None
    parser = argparse.ArgumentParser(
        prog=prog,
        description=command.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    command.add_arguments(parser)
    return command.run(parser.parse_args(argv))


def run_tool(main: Callable[[], Optional[int]]) -> int:
    """Run a tool and turn the user's faults into a message, not a traceback.

    A full disk and a folder that may not be written to count as such. Ctrl-C
    ends every tool with a line and 130, also where a library took it for an
    error of its own. Every other exception passes: it is a fault of the
    program, and its traceback is what a bug report needs. Of several
    processes the others say who speaks; of Ctrl-C the first alone.

    Args:
        main (Callable): Runs the tool; None counts as 0.

    Returns:
        int: Exit code, 2 for a fault of the user, 130 for Ctrl-C.
    """
    with _noticing_interrupts() as interrupted:
        try:
            return main() or 0
        except BaseException as error:
            if interrupted or isinstance(error, KeyboardInterrupt):
                message, code = '\nStopped.', EXIT_INTERRUPTED
            elif isinstance(error, UserError) or isinstance(
                    error, OSError) and error.errno in USER_ERRORS:
                message = f'error: {plain_message(error)}'
                code = EXIT_USER_ERROR
            else:
                raise
    rank = os.environ.get('RANK', '0')
    if rank == '0':
        print(message, file=sys.stderr)
    elif code != EXIT_INTERRUPTED:
        print(f'process {rank}: {message}', file=sys.stderr)
    return code


@contextlib.contextmanager
def _noticing_interrupts() -> Iterator[List[int]]:
    """A list that is no longer empty once Ctrl-C was pressed.

    Some libraries catch everything, and raise an error of their own instead.
    """
    signals: List[int] = []

    def note(number: int, frame: Any) -> None:
        signals.append(number)
        raise KeyboardInterrupt

    # Python has its own handler in the first thread, unless the signal is
    # ignored, as in a background job of a shell.
    if (threading.current_thread() is not threading.main_thread()
            or signal.getsignal(signal.SIGINT)
            is not signal.default_int_handler):
        yield signals
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield signals
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def plain_message(error: Exception) -> str:
    """The message of an error, also when a data loader's worker raised it.

    The operating system's errors become a path and what is wrong. PyTorch
    raises a worker's exception again with the worker's traceback as its
    message, which ends with the line 'module.Name: message'.
    """
    if isinstance(error, OSError) and error.filename:
        return f'{error.filename2 or error.filename}: {error.strerror}'
    message = str(error)
    if 'in DataLoader worker process' not in message:
        return message
    marker = f'{type(error).__name__}: '
    return message.rpartition(marker)[2].strip()
