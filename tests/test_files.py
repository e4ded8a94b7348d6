import os
import signal
from pathlib import Path

import pytest

from pace_mmdet.files import atomic_file, write_atomically


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
