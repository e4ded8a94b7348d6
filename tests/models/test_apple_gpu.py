"""What Apple's GPUs have not is not used: float64, and some operators.

There is no such GPU where these tests were written. So each operator that a
training step and a prediction call is looked up in PyTorch's own list of
kernels, which its wheel holds.
"""
import re
from pathlib import Path

import pytest
import torch
import torchgen
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from pace_mmdet.models import Float32DCNv2
from pace_mmdet.testing import synthetic_sample

from .conftest import build, prepare

KERNELS = Path(torchgen.__file__).with_name('packaged').joinpath(
    'ATen/native/native_functions.yaml')


class Calls(TorchDispatchMode):
    """Notes the operators that are called, and those given float64."""

    def __init__(self):
        super().__init__()
        self.names, self.in_float64 = set(), set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        self.names.add(func.name())
        if any(isinstance(leaf, torch.Tensor) and leaf.dtype == torch.float64
               for leaf in tree_leaves((args, kwargs, out))):
            self.in_float64.add(func.name())
        return out


@pytest.fixture(scope='module')
def backends():
    """Names of the backends that each operator has a kernel for."""
    blocks = re.split(r'\n(?=- func: )', KERNELS.read_text('utf-8'))[1:]
    kernels, delegates = {}, {}
    for block in blocks:
        name = re.match(r'- func: ([\w.]+)\(', block)[1]
        lines = re.findall(r'^    ([\w, ]+):', block, re.M)
        # One without a list is made of others.
        kernels[name] = {word for line in lines for word in line.split(', ')
                         } or {'CompositeImplicitAutograd'}
        delegate = re.search(r'structured_delegate: ([\w.]+)', block)
        if delegate:
            delegates[name] = delegate[1]
    for name, delegate in delegates.items():
        kernels[name] = kernels[delegate]
    return kernels


def runs_on_apple(kernels):
    return any(k == 'MPS' or k.startswith('Composite') for k in kernels)


def missing(calls, backends):
    names = {name.removeprefix('aten::') for name in calls.names
             if name.startswith('aten::')}
    assert len(names) > 20
    return sorted(n for n in names if not runs_on_apple(backends[n]))


def test_what_is_looked_for(backends):
    assert backends['bmm'] >= {'CPU', 'CUDA', 'MPS'}
    assert not runs_on_apple(backends['geqrf'])
    with Calls() as calls:
        torch.ones(2, dtype=torch.float64).float() + 1
    assert calls.in_float64 == {'aten::ones', 'aten::_to_copy'}


def test_training_and_prediction(small_model_cfg, backends):
    model = build(small_model_cfg())
    samples = [synthetic_sample(4, 64, 64, seed=i) for i in range(2)]
    with Calls() as calls:
        losses = model(**prepare(model, samples, True), mode='loss')
        model.parse_losses(losses)[0].backward()
        torch.optim.AdamW(model.parameters()).step()
        model.eval()
        with torch.no_grad():
            model(**prepare(model, samples, False), mode='predict')
    assert missing(calls, backends) == [] and calls.in_float64 == set()


def test_deformable_convolution(backends):
    layer = Float32DCNv2(4, 4, 3, padding=1, deform_groups=2)
    with Calls() as calls:
        layer(torch.rand(2, 4, 9, 9, requires_grad=True)).sum().backward()
    assert missing(calls, backends) == [] and calls.in_float64 == set()
