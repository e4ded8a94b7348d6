"""What takes minutes runs in a process of its own, which outlives the server.

A job is a folder. ``python -m pace_mmdet.annotate.jobs FOLDER`` runs the
commands in its ``job.json`` one after the other at a low priority, and
holds a lock on the folder meanwhile. So whoever looks at the folder, now or
after a restart, sees how the job stands, and nobody needs its number:

- ``job.json``    the commands
- ``log.txt``     what they print
- ``stop``        somebody wants it to stop
- ``ended.json``  exit code of the last command, -1 if it was stopped
"""
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import List, Optional, Sequence

import msgspec

from pace_mmdet.errors import UserError
from pace_mmdet.files import PathLock, write_atomically

STOPPED = -1
# The lowest priority there is: what the page does comes first.
NICENESS = 19
# A process that was started needs so long at most to take its lock.
_SECONDS_TO_START = 60.
# Training writes a checkpoint before it ends.
_SECONDS_TO_END = 60.
_LOOK_EVERY = 0.1
_LINES_SHOWN = 5
PACKAGE = Path(__file__).resolve().parents[1]


class JobFile(msgspec.Struct):
    """Content of ``job.json``."""
    commands: List[List[str]]
    niceness: int = NICENESS


class Ended(msgspec.Struct):
    """Content of ``ended.json``; what the commands took of the processors."""
    code: int
    cpu_seconds: float = 0.0


class Job:
    """A job by its folder, whoever started it.

    Args:
        folder (str or Path): Its folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)

    def start(self, commands: Sequence[Sequence[str]]) -> None:
        """Begin, or begin again after it ended.

        Args:
            commands (Sequence[Sequence[str]]): Arguments of
                ``python -m``, one list for each.

        Raises:
            OSError: If the folder cannot be written to.
        """
        for name in ('ended.json', 'stop'):
            (self.folder / name).unlink(missing_ok=True)
        write_atomically(self.folder / 'job.json', msgspec.json.encode(
            JobFile([list(map(str, command)) for command in commands],
                    NICENESS)))
        # In a session of its own: Ctrl-C in the terminal is for the server.
        _popen([__name__, str(self.folder)], start_new_session=True,
               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def ended(self) -> Ended:
        """How it ended."""
        return msgspec.json.decode(
            (self.folder / 'ended.json').read_bytes(), type=Ended)

    def commands(self) -> List[List[str]]:
        """What it runs, as it was started the last time."""
        return msgspec.json.decode((self.folder / 'job.json').read_bytes(),
                                   type=JobFile).commands

    def state(self) -> str:
        """'new', 'running', 'done', 'stopped', 'failed', or 'interrupted' if
        it ended without a word, as when the machine lost its power.
        """
        if (self.folder / 'ended.json').is_file():
            return {0: 'done', STOPPED: 'stopped'}.get(self.ended().code,
                                                       'failed')
        if not (self.folder / 'job.json').is_file():
            return 'new'
        if self._is_held():
            return 'running'
        if (self.folder / 'ended.json').is_file():
            return self.state()
        age = time.time() - (self.folder / 'job.json').stat().st_mtime
        has_begun = (self.folder / 'log.txt').is_file() and (
            self.folder / 'log.txt').stat().st_mtime >= (
                self.folder / 'job.json').stat().st_mtime
        return ('interrupted' if has_begun or age > _SECONDS_TO_START else
                'running')

    def stop(self) -> None:
        """Ask it to end in good order; returns at once."""
        (self.folder / 'stop').touch()

    def last_lines(self) -> str:
        """The end of what it printed."""
        try:
            text = (self.folder / 'log.txt').read_bytes()[-4000:]
        except FileNotFoundError:
            return ''
        lines = text.decode(errors='replace').splitlines()
        errors = [line for line in lines if line.startswith('error: ')]
        return '\n'.join(errors[-1:] or lines[-_LINES_SHOWN:])

    def _is_held(self) -> bool:
        try:
            PathLock(self.folder / 'job').release()
        except UserError:
            return True
        return False


def _popen(arguments: Sequence[str], **kwargs) -> subprocess.Popen:
    """Start ``python -m ...`` with this very package."""
    env = dict(os.environ)
    paths = [str(PACKAGE.parent), env.get('PYTHONPATH')]
    env['PYTHONPATH'] = os.pathsep.join(filter(None, paths))
    # One core is left for the page.
    threads = str(max((os.cpu_count() or 2) - 1, 1))
    env.setdefault('OMP_NUM_THREADS', threads)
    return subprocess.Popen([sys.executable, '-m', *arguments], env=env,
                            stdin=subprocess.DEVNULL, **kwargs)


def _prepare_process(niceness: int) -> None:
    if hasattr(os, 'setpriority'):
        now = os.getpriority(os.PRIO_PROCESS, 0)
        os.setpriority(os.PRIO_PROCESS, 0, min(now + niceness, 19))
    # A shell's background jobs ignore Ctrl-C; commands must heed it here.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def run(folder: Path) -> int:
    """Run the commands of a job.

    Args:
        folder (Path): The job's.

    Returns:
        int: Exit code of the last command that ran; 0 if all went well.
    """
    # The server that asks whether it is held, holds it for a moment.
    with PathLock(folder / 'job', patience=10.):
        job = msgspec.json.decode((folder / 'job.json').read_bytes(),
                                  type=JobFile)
        _prepare_process(job.niceness)
        code = 0
        with open(folder / 'log.txt', 'ab') as log:
            os.utime(log.fileno())
            for command in job.commands:
                code = _run_one(command, folder, log)
                if code:
                    break
        write_atomically(folder / 'ended.json',
                         msgspec.json.encode(Ended(code, _spent())))
    return code


def _spent() -> float:
    times = os.times()
    return round(times.children_user + times.children_system, 1)


def _run_one(command: Sequence[str], folder: Path, log) -> int:
    if (folder / 'stop').exists():
        return STOPPED
    flags = getattr(subprocess, 'BELOW_NORMAL_PRIORITY_CLASS', 0)
    process = _popen(command, stdout=log, stderr=subprocess.STDOUT,
                     creationflags=flags)
    deadline: Optional[float] = None
    while process.poll() is None:
        time.sleep(_LOOK_EVERY)
        if deadline is None and (folder / 'stop').exists():
            process.send_signal(signal.SIGINT if os.name == 'posix' else
                                signal.SIGTERM)
            deadline = time.monotonic() + _SECONDS_TO_END
        elif deadline is not None and time.monotonic() > deadline:
            log.write(b'did not end when it was asked to: killed\n')
            process.kill()
            process.wait()
    return process.returncode if deadline is None else STOPPED


if __name__ == '__main__':
    sys.exit(run(Path(sys.argv[1])))
