import os
import signal

import pytest
import torch
from mmengine.fileio import get_file_backend

from pace_mmdet.engine import write_atomically


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


def test_the_backend_that_checkpoints_use(tmp_path):
    backend = get_file_backend(
        str(tmp_path), backend_args=dict(backend='atomic_local'))
    path = tmp_path / 'new_folder' / 'x.pth'
    backend.put(b'abc', str(path))
    backend.put_text('ä', str(tmp_path / 'y'))
    assert path.read_bytes() == b'abc'
    assert (tmp_path / 'y').read_text(encoding='utf-8') == 'ä'
    assert not list(tmp_path.rglob('.*'))
    with pytest.raises(TypeError):
        backend.put(torch.zeros(1), str(path))
    assert path.read_bytes() == b'abc'
