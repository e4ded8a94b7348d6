import errno
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from pace_mmdet import files
from pace_mmdet.commands.running import plain_message
from pace_mmdet.errors import UserError
from pace_mmdet.files import (USER_ERRORS, PathLock, atomic_file, folder_lock,
                              refuse_inputs, remove_unfinished,
                              write_atomically)


@pytest.mark.parametrize('content, expected', [(b'\x00\xff', b'\x00\xff'),
                                               ('ä', b'\xc3\xa4'), (b'', b'')])
def test_write(tmp_path, content, expected):
    path = tmp_path / 'x'
    for _ in range(2):
        write_atomically(path, content)
        assert path.read_bytes() == expected
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.posix
def test_a_kill_while_writing_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / 'x'
    path.write_bytes(b'old')
    pid = os.fork()
    if pid == 0:
        # The moment at which all is written and nothing renamed.
        monkeypatch.setattr(os, 'fsync',
                            lambda _: os.kill(os.getpid(), signal.SIGKILL))
        write_atomically(path, b'new')
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -9
    assert path.read_bytes() == b'old'
    write_atomically(path, b'new')
    assert path.read_bytes() == b'new'
    # Hidden, and known for what it is.
    assert len([*tmp_path.iterdir()]) == 2
    remove_unfinished(tmp_path, ['y'])
    assert len([*tmp_path.iterdir()]) == 2
    remove_unfinished(tmp_path, ['y', 'x'])
    assert list(tmp_path.iterdir()) == [path]


def test_what_others_are_writing_or_called_so_stays(tmp_path):
    names = ['.x.tmp', '.x.0123456.tmp', 'x.01234567.tmp', '.x.0123456g.tmp']
    for name in names:
        (tmp_path / name).touch()
    remove_unfinished(tmp_path, ['x', 'x.tmp'])
    remove_unfinished(tmp_path / 'none', ['x'])
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)


def test_two_writers_leave_the_work_of_one(tmp_path):
    path = tmp_path / 'x'
    contents = [bytes([number]) * 300_000 for number in range(4)]

    def write(content):
        for _ in range(20):
            with atomic_file(path) as file:
                for start in range(0, len(content), 50_000):
                    file.write(content[start:start + 50_000])
            assert path.read_bytes() in contents

    with ThreadPoolExecutor(len(contents)) as pool:
        for _ in pool.map(write, contents):
            pass
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize('name', [252 * 'n', 84 * '字' + 'n'])
def test_the_longest_names(tmp_path, name):
    write_atomically(tmp_path / name, b'new')
    assert (tmp_path / name).read_bytes() == b'new'


@pytest.mark.parametrize(('name', 'said'), [
    ('folder', 'Is a directory'), ('file/x', 'exists|directory'),
    (300 * 'n', 'too long')])
def test_names_that_cannot_be_written_to(tmp_path, name, said):
    (tmp_path / 'folder').mkdir()
    (tmp_path / 'file').touch()
    with pytest.raises(OSError, match=said) as caught:
        write_atomically(tmp_path / name, b'new')
    assert caught.value.errno in USER_ERRORS
    assert '.tmp' not in plain_message(caught.value)
    assert str(tmp_path) in plain_message(caught.value)
    assert len([*tmp_path.iterdir()]) == 2


def test_an_array_too_large_for_the_disk(tmp_path):
    """NumPy says how much was written, not why no more."""
    resource = pytest.importorskip('resource')
    pid = os.fork()
    if pid == 0:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        code = 1
        try:
            with atomic_file(tmp_path / 'x') as file:
                np.zeros(10**6, np.uint8).tofile(file)
        except OSError as error:
            code = (0 if error.errno == errno.EFBIG
                    and error.filename == str(tmp_path / 'x') else 2)
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert not list(tmp_path.iterdir())


def test_an_output_that_is_an_input(tmp_path):
    source, link, hard = (tmp_path / name for name in 'slh')
    source.write_bytes(b'x')
    link.symlink_to(source)
    hard.hardlink_to(source)
    for path in (source, link, hard, tmp_path / '.' / 's', f'{tmp_path}//s'):
        with pytest.raises(UserError, match='is an input .* another name'):
            refuse_inputs([None, path], [None, source])
    refuse_inputs([tmp_path / 'new', None], [source, tmp_path / 'none'])


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / 'x'
    path.write_bytes(b'old')

    def full(_):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(os, 'fsync', full)
    with pytest.raises(OSError, match='No space'):
        write_atomically(path, b'new')
    assert path.read_bytes() == b'old'
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize('error, named', [
    (OSError(28, 'No space left on device'), 'x'),
    (OSError(28, 'No space left on device', 'other'), 'other'),
    # Not of writing: it may be of anything.
    (OSError(5, 'Input/output error'), None),
])
def test_errors_of_writing_name_the_file(tmp_path, error, named):
    with pytest.raises(OSError) as caught, atomic_file(tmp_path / 'x'):
        raise error
    name = caught.value.filename
    assert (name and Path(name).name) == named


def test_atomic_file_has_ordinary_permissions(tmp_path):
    with atomic_file(tmp_path / 'a') as file:
        file.write(b'x')
    (tmp_path / 'b').write_bytes(b'x')
    assert (tmp_path / 'a').stat().st_mode == (tmp_path / 'b').stat().st_mode


def test_one_at_a_time(tmp_path):
    path = tmp_path / 'below/p.db'
    lock = PathLock(path)
    with pytest.raises(UserError, match='p.db: in use by another process'):
        PathLock(path)
    lock.describe('http://127.0.0.1:1/')
    with pytest.raises(UserError, match='in use by http://127.0.0.1:1/. Wait'):
        PathLock(path)
    PathLock(tmp_path / 'other.db').release()
    lock.release()
    PathLock(path).release()
    assert list(path.parent.iterdir()) == []


def test_a_killed_process_holds_nothing(tmp_path):
    path = tmp_path / 'x'
    code = ('import sys; from pace_mmdet.files import PathLock\n'
            'lock = PathLock(sys.argv[1]); lock.describe("me"); input()')
    with subprocess.Popen([sys.executable, '-c', code, path],
                          stdin=subprocess.PIPE) as process:
        while not path.with_name('.x.holder').exists():
            assert process.poll() is None
            time.sleep(0.01)
        with pytest.raises(UserError, match='in use by me'):
            PathLock(path)
        process.kill()
    with PathLock(path), pytest.raises(UserError, match='another process'):
        PathLock(path)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_locked(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(UserError, match='x: cannot be locked: .*file'):
        PathLock(tmp_path / 'file/x')


@pytest.fixture
def busy(tmp_path):
    """A folder that another process holds; its number."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        with folder_lock(tmp_path / 'run', ''):
            os.write(writer, b'x')
            signal.pause()
        os._exit(0)
    os.read(reader, 1)
    yield pid
    try:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    except ProcessLookupError:
        pass


def test_who_comes_second_is_told_who_is_there(tmp_path, monkeypatch, busy):
    monkeypatch.setattr(files, 'PATIENCE', 0.1)
    with pytest.raises(UserError, match=rf'run: in use by process {busy} on '
                       '.*Take another'):
        folder_lock(tmp_path / 'run', 'Take another.')


def test_who_comes_after_a_killed_one_waits_a_little(tmp_path, busy):
    timer = threading.Timer(0.2, os.kill, (busy, signal.SIGKILL))
    timer.start()
    with folder_lock(tmp_path / 'run', ''):
        pass
    os.waitpid(busy, 0)
    assert not list((tmp_path / 'run').iterdir())


def test_who_holds_it_is_for_its_account_only(tmp_path):
    with folder_lock(tmp_path, ''):
        holder = tmp_path / '.pace.holder'
        assert holder.stat().st_mode & 0o777 == 0o600
        assert holder.read_text().startswith(f'process {os.getpid()} on ')


def test_a_disk_without_locks(tmp_path, monkeypatch):
    def fails(*args, **kwargs):
        raise OSError(errno.ENOLCK, 'No locks available')

    monkeypatch.setattr(files.filelock.FileLock, 'acquire', fails)
    with folder_lock(tmp_path, ''):
        pass
    assert not list(tmp_path.iterdir())


def test_a_folder_is_held_by_one_at_a_time(tmp_path):
    """Also where the file is made and removed again and again."""
    inside = []

    def work(number):
        for _ in range(5):
            with folder_lock(tmp_path, ''):
                inside.append(number)
                time.sleep(0.001)
                assert inside == [number]
                inside.clear()

    with ThreadPoolExecutor(3) as pool:
        for _ in pool.map(work, range(3)):
            pass
