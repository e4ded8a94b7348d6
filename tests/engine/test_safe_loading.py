import os
import pickle
from collections import OrderedDict, defaultdict

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from mmengine.model import BaseModule
from mmengine.runner import CheckpointLoader, load_checkpoint

from pace_mmdet.engine import load_checkpoint_file, use_safe_loading
from pace_mmdet.errors import UserError
from tests.loopback import serving


class _Calls:
    """Pickles as a call of a function."""

    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


class _Builds:
    """Pickles as a call whose result is then filled with a state."""

    def __init__(self, function, args, state):
        self.call = function, args, state

    def __reduce__(self):
        return self.call


class _Stranger:
    """An object of no allowed class."""


def _touch(path):
    return _Calls(os.system, f'touch {path}')


def _getattr_chain(path):
    # os.system, reached from a module that an allowed class lives in.
    module = _Calls(getattr, HistoryBuffer, '__init__')
    return _Calls(getattr, _Calls(getattr, module, '__globals__'), 'os')


# np.ndarray over bytes: an array of pointers of the file's choice.
POINTERS = _Calls(np.ndarray, (1, ), 'O', b'12345678')
# A copy of float64 that becomes an array of objects.
DISGUISED = _Builds(np.dtype, ('f8', False, True), (3, '<', None, ('a', ), {
    'a': (np.dtype('O'), 0)
}, 8, 8, 63))


@pytest.fixture
def restored_loader():
    """Undo what use_safe_loading() sets for the process."""
    schemes = CheckpointLoader._schemes.copy()
    allowed = torch.serialization.get_safe_globals()
    yield
    CheckpointLoader._schemes = schemes
    torch.serialization.clear_safe_globals()
    torch.serialization.add_safe_globals(allowed)
    os.environ.pop('TORCH_FORCE_WEIGHTS_ONLY_LOAD', None)


@pytest.mark.parametrize('legacy', [False, True])
@pytest.mark.parametrize('make, named', [
    (_touch, 'system'),
    (_getattr_chain, 'getattr'),
    (lambda path: POINTERS, 'numpy'),
    (lambda path: DISGUISED, 'numpy|not numeric'),
    (lambda path: _Calls(eval, f'open({str(path)!r}, "w")'), 'eval'),
    (lambda path: _Stranger(), '_Stranger'),
])
def test_code_does_not_run(tmp_path, make, named, legacy):
    path, trace = tmp_path / 'hostile.pth', tmp_path / 'it_ran'
    content = dict(state_dict={}, meta=make(trace))
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(UserError, match=named) as caught:
        load_checkpoint_file(path)
    assert '--trust-checkpoint' in str(caught.value)
    assert 'hostile.pth' in str(caught.value)
    assert not trace.exists()


def test_trusted_code_runs(tmp_path):
    path, trace = tmp_path / 'trusted.pth', tmp_path / 'it_ran'
    torch.save(dict(meta=_touch(trace)), path)
    load_checkpoint_file(path, trust=True)
    assert trace.exists()


def test_what_mmengine_saves_comes_back(tmp_path):
    history = HistoryBuffer([0.5, 0.25], [1, 1])
    saved = dict(
        meta=dict(iter=3, score=np.float64(0.5), classes=('cell', )),
        state_dict=OrderedDict(a=torch.arange(3.)),
        counts=np.arange(6, dtype=np.int64).reshape(2, 3).T,
        flags=np.array([True, False]),
        history=history)
    path = tmp_path / 'x.pth'
    torch.save(saved, path)
    loaded = load_checkpoint_file(path)
    assert loaded['meta'] == saved['meta']
    assert loaded['state_dict']['a'].tolist() == [0, 1, 2]
    np.testing.assert_array_equal(loaded['counts'], saved['counts'])
    np.testing.assert_array_equal(loaded['flags'], saved['flags'])
    assert type(loaded['history']) is HistoryBuffer
    assert loaded['history'].mean() == 0.375
    assert loaded['history'].statistics('max') == 0.5
    loaded['history'].update(1.0)
    torch.save(loaded, path)
    assert load_checkpoint_file(path)['history'].current() == 1.0


class _OldNumPy:
    """A pickle module that names NumPy's parts as NumPy 1 did."""

    class Pickler(pickle._Pickler):

        def __init__(self, file, protocol=None):
            super().__init__(file, protocol)
            write = self.write
            self.write = lambda data: write(
                data.replace(b'numpy._core', b'numpy.core'))


def test_names_of_numpy_1(tmp_path):
    path = tmp_path / 'x.pth'
    saved = dict(x=np.arange(3.), y=np.float32(0.5))
    torch.save(saved, path, pickle_module=_OldNumPy)
    assert b'numpy.core' in path.read_bytes()
    assert b'numpy._core' not in path.read_bytes()
    loaded = load_checkpoint_file(path)
    assert loaded['x'].tolist() == [0, 1, 2] and loaded['y'] == 0.5


@pytest.mark.parametrize('content, expected', [
    (None, 'no such checkpoint file'),
    (b'', 'not a checkpoint, or damaged'),
    (b'hello, this is text', 'not a checkpoint, or damaged'),
    (b'PK\x03\x04 cut off', 'not a checkpoint, or damaged'),
])
def test_files_that_are_no_checkpoints(tmp_path, content, expected):
    path = tmp_path / 'x.pth'
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=expected):
        load_checkpoint_file(path)


@pytest.mark.parametrize('legacy', [False, True])
@pytest.mark.parametrize('share', [0.1, 0.5, 0.99])
def test_a_truncated_checkpoint(tmp_path, share, legacy):
    path = tmp_path / 'x.pth'
    torch.save(
        dict(state_dict=dict(a=torch.zeros(50000))), path,
        _use_new_zipfile_serialization=not legacy)
    whole = path.read_bytes()
    path.write_bytes(whole[:int(len(whole) * share)])
    with pytest.raises(UserError, match='not a checkpoint, or damaged'):
        load_checkpoint_file(path)


def _load_as_pretrained(path):
    module = BaseModule(init_cfg=dict(type='Pretrained', checkpoint=path))
    module.init_weights()


def _load_by_runner_function(path):
    load_checkpoint(torch.nn.Linear(1, 1), path)


def _load_as_a_download(path):
    # mmengine's way to load what it downloaded.
    torch.load(path, weights_only=False)


@pytest.mark.parametrize(
    'load',
    [_load_as_pretrained, _load_by_runner_function, _load_as_a_download])
@pytest.mark.parametrize('make', [_touch, _getattr_chain, lambda _: POINTERS])
def test_every_way_in_is_guarded(tmp_path, restored_loader, load, make):
    path, trace = tmp_path / 'hostile.pth', tmp_path / 'it_ran'
    torch.save(dict(state_dict={}, meta=make(trace)), path)
    use_safe_loading()
    with pytest.raises((UserError, pickle.UnpicklingError)):
        load(str(path))
    assert not trace.exists()


def test_downloads_may_hold_what_mmengine_saves(tmp_path, restored_loader):
    path = tmp_path / 'x.pth'
    torch.save(dict(history=HistoryBuffer([1.0], [1])), path)
    use_safe_loading()
    assert torch.load(path, weights_only=False)['history'].mean() == 1.0


def test_trust_is_for_every_way_in(tmp_path, restored_loader):
    path = tmp_path / 'x.pth'
    torch.save(dict(state_dict={}, other=defaultdict(list)), path)
    use_safe_loading()
    use_safe_loading(trust=True)
    for load in (_load_by_runner_function, _load_as_a_download):
        load(str(path))


@pytest.mark.parametrize('make', [_touch, _getattr_chain])
def test_downloads_are_refused_clearly(tmp_path, monkeypatch, restored_loader,
                                       make):
    trace = tmp_path / 'it_ran'
    torch.save(dict(state_dict={}, meta=make(trace)), tmp_path / 'x.pth')
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'home'))
    with serving({'/x.pth': (tmp_path / 'x.pth').read_bytes()}) as server:
        use_safe_loading()
        use_safe_loading()
        for name, said in [('x.pth', 'holds code: .*--trust-checkpoint'),
                           ('none.pth', 'not loaded, .*404')]:
            with pytest.raises(UserError, match=f'{server.url}/{name}: .*'
                               f'{said}'):
                CheckpointLoader.load_checkpoint(f'{server.url}/{name}')
    with pytest.raises(UserError, match='torchvision://none: not loaded'):
        CheckpointLoader.load_checkpoint('torchvision://none')
    assert not trace.exists()
