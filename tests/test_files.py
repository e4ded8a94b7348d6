import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pace_mmdet.errors import UserError
from pace_mmdet.files import PathLock, atomic_file, write_atomically


@pytest.mark.parametrize('content, expected', [(b'\x00\xff', b'\x00\xff'),
                                               ('ä', b'\xc3\xa4'), (b'', b'')])
def test_write(tmp_path, content, expected):
    path = tmp_path / 'x'
    for _ in range(2):
        write_atomically(path, content)
        assert path.read_bytes() == expected
    assert list(tmp_path.iterdir()) == [path]


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
    assert list(tmp_path.iterdir()) == [path]


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
