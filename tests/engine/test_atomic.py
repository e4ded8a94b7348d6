import pytest
import torch
from mmengine.fileio import get_file_backend

import pace_mmdet.engine  # noqa: F401


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
