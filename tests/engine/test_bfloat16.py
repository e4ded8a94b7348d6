import argparse

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from torch import nn

from pace_mmdet.engine import bfloat16
from pace_mmdet.errors import UserError


@pytest.mark.parametrize('args, able, expected', [
    ([], True, False),
    (['--amp'], True, True),
    (['--amp'], False, True),
    (['--auto-amp'], True, True),
    (['--auto-amp'], False, False),
])
def test_choices(args, able, expected, monkeypatch):
    monkeypatch.setattr(bfloat16, 'multiplies_bfloat16', lambda device: able)
    parser = argparse.ArgumentParser()
    parser.add_argument('config')
    bfloat16.add_amp_option(parser)
    # The config may stand on either side.
    for words in ([*args, 'a.py'], ['a.py', *args]):
        parsed = parser.parse_args(words)
        assert parsed.config == 'a.py'
        assert bfloat16.in_bfloat16(parsed.amp, 'cpu') is expected


@pytest.mark.parametrize('device, known, expected', [
    ('cpu', dict(avx512_bf16=True, amx_bf16=False), True),
    ('cpu', dict(avx512_bf16=False, amx_bf16=True), True),
    ('cpu', dict(avx512_bf16=False, avx2=True), False),
    ('cpu', dict(), False),
    ('mps', dict(avx512_bf16=True), False),
])
def test_which_devices_are_able(device, known, expected, monkeypatch):
    monkeypatch.setattr(torch.cpu, 'get_capabilities', lambda: known,
                        raising=False)
    assert bfloat16.multiplies_bfloat16(device) is expected


@pytest.mark.parametrize('device, given, expected', [
    ('cpu', dict(), dict(type='ProcessorAmpOptimWrapper')),
    ('cpu', dict(type='AmpOptimWrapper', dtype='bfloat16', loss_scale=1.0),
     dict(type='ProcessorAmpOptimWrapper')),
    ('cuda', dict(),
     dict(type='AmpOptimWrapper', dtype='bfloat16', loss_scale=1.0)),
    ('cuda', dict(dtype='float16'),
     dict(type='AmpOptimWrapper', dtype='float16', loss_scale='dynamic')),
])
def test_wrappers(device, given, expected):
    optimizer = dict(type='SGD', lr=0.1)
    cfg = Config(dict(optim_wrapper={'type': 'OptimWrapper',
                                     'optimizer': optimizer, **given},
                      val_cfg=dict(type='ValLoop')))
    bfloat16.train_in_bfloat16(cfg, device)
    assert cfg.optim_wrapper.to_dict() == dict(expected, optimizer=optimizer)
    assert cfg.val_cfg.get('fp16', False) == (device == 'cpu')


@pytest.mark.parametrize('device, dtype', [
    ('cpu', 'float16'), ('mps', 'bfloat16')])
def test_what_no_device_trains_in(device, dtype):
    cfg = Config(dict(optim_wrapper=dict(type='OptimWrapper', dtype=dtype)))
    with pytest.raises(UserError, match=f'in {dtype} .*{device}'):
        bfloat16.train_in_bfloat16(cfg, device)


def test_weights_stay_in_float32():
    torch.manual_seed(0)
    model = nn.Linear(8, 1)
    wrapper = build_optim_wrapper(
        model, dict(type='ProcessorAmpOptimWrapper',
                    optimizer=dict(type='SGD', lr=0.1)))
    before = model.weight.detach().clone()
    with wrapper.optim_context(model):
        output = model(torch.rand(4, 8))
    assert output.dtype == torch.bfloat16
    wrapper.update_params(output.float().square().mean())
    assert model.weight.dtype == torch.float32
    assert not torch.equal(model.weight, before)
