import pickle
from collections import OrderedDict

import numpy as np
import pytest
import torch

from pace_mmdet.engine.safe_pickle import is_plain_pickle, load_array_pickle
from pace_mmdet.errors import UserError
from tests.engine.test_safe_loading import (DISGUISED, POINTERS, _Calls,
                                            _getattr_chain, _OldNumPy,
                                            _Stranger, _touch)

CONTENT = dict(
    model=OrderedDict(
        a=np.arange(6, dtype=np.float32).reshape(2, 3).T,
        b=np.array([True, False]),
        c=np.float64(0.5)),
    __author__='Someone',
    steps=[1, 2.5, None, (3, b'x')])


def save(path, content, protocol=3):
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    return path


@pytest.mark.parametrize('protocol', range(2, 5))
def test_arrays_in_plain_containers(tmp_path, protocol):
    path = save(tmp_path / 'x.pkl', CONTENT, protocol)
    assert is_plain_pickle(path)
    loaded = load_array_pickle(path, '')
    assert loaded['__author__'] == 'Someone'
    assert loaded['steps'] == CONTENT['steps']
    for name, value in CONTENT['model'].items():
        assert type(loaded['model'][name]) is type(value)
        np.testing.assert_array_equal(loaded['model'][name], value)


def test_names_of_numpy_1(tmp_path):
    path = tmp_path / 'x.pkl'
    with open(path, 'wb') as file:
        _OldNumPy.Pickler(file, protocol=2).dump(CONTENT)
    assert b'numpy.core' in path.read_bytes()
    assert load_array_pickle(path, '')['model']['a'].shape == (3, 2)


@pytest.mark.parametrize('protocol', [2, 4])
@pytest.mark.parametrize('make, named', [
    (_touch, 'system'),
    (_getattr_chain, 'getattr'),
    (lambda path: POINTERS, 'numpy'),
    (lambda path: DISGUISED, 'not numeric'),
    (lambda path: _Calls(eval, f'open({str(path)!r}, "w")'), 'eval'),
    (lambda path: _Calls(pickle.loads, b'.'), 'loads'),
    (lambda path: _Stranger(), 'copyreg|_Stranger'),
    (lambda path: np.array([None]), 'not numeric'),
    (lambda path: torch.zeros(1), 'torch'),
])
def test_code_does_not_run(tmp_path, make, named, protocol):
    trace = tmp_path / 'it_ran'
    path = save(
        tmp_path / 'hostile.pkl', dict(model={'a': make(trace)}), protocol)
    with pytest.raises(UserError, match=named) as caught:
        load_array_pickle(path, 'Beware.')
    assert 'holds code' in str(caught.value)
    assert str(caught.value).endswith('. Beware.')
    assert not trace.exists()


@pytest.mark.parametrize('share', [0.2, 0.5, 0.9])
def test_a_truncated_pickle(tmp_path, share):
    whole = pickle.dumps(CONTENT)
    path = tmp_path / 'x.pkl'
    path.write_bytes(whole[:int(len(whole) * share)])
    assert is_plain_pickle(path)
    with pytest.raises(UserError, match='damaged .*download it again'):
        load_array_pickle(path, '')


@pytest.mark.parametrize('zipped', [True, False])
def test_files_of_pytorch_are_no_plain_pickles(tmp_path, zipped):
    path = tmp_path / 'x.pth'
    torch.save({}, path, _use_new_zipfile_serialization=zipped)
    assert not is_plain_pickle(path)
    path.write_bytes(b'')
    assert not is_plain_pickle(path)
