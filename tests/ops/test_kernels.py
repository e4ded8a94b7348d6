"""When torchvision's kernels are used."""
import sys
from types import SimpleNamespace

import pytest
import torch

from pace_mmdet.errors import UserError
from pace_mmdet.ops import kernels


def tensor(device):
    """Stands for a tensor on a device that may not be there."""
    return SimpleNamespace(device=torch.device(device))


@pytest.fixture(autouse=True)
def undecided(monkeypatch):
    monkeypatch.setattr(kernels, '_serves_cuda', None)


@pytest.mark.parametrize('device, works, variable, expected', [
    ('cuda', True, None, True),
    ('cuda', True, '', True),
    ('cuda', True, 'pytorch', False),
    ('cuda', False, None, False),
    ('cpu', True, None, False),
    ('mps', True, None, False),
])
def test_the_rule(monkeypatch, device, works, variable, expected):
    monkeypatch.setattr(kernels, 'torchvision_works', lambda key: works)
    monkeypatch.delenv(kernels.VARIABLE, raising=False)
    if variable is not None:
        monkeypatch.setenv(kernels.VARIABLE, variable)
    assert kernels.torchvision_serves(tensor(device)) is expected


def test_deterministic_algorithms_are_ours(monkeypatch):
    monkeypatch.setattr(kernels, 'torchvision_works', lambda key: True)
    monkeypatch.setattr(torch, 'are_deterministic_algorithms_enabled',
                        lambda: True)
    assert not kernels.torchvision_serves(tensor('cuda'))


def test_an_unknown_choice(monkeypatch):
    monkeypatch.setenv(kernels.VARIABLE, 'fast')
    with pytest.raises(UserError, match='PACE_OPS=fast: expected pytorch'):
        kernels.torchvision_serves(tensor('cuda'))


@pytest.mark.parametrize('error', [ImportError, RuntimeError, OSError])
def test_a_torchvision_that_does_not_import(monkeypatch, error):

    class Broken:

        def find_spec(self, name, *_):
            raise error(f'{name}: torchvision::nms does not exist')

    for name in [n for n in sys.modules if n.split('.')[0] == 'torchvision']:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, 'meta_path', [Broken()])
    assert not kernels.torchvision_works('CPU')
