"""Compiled, a network does the same."""
import copy
import shutil
from argparse import Namespace

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.optim import OptimWrapper
from torch import nn

from pace_mmdet.engine import CompileHook
from pace_mmdet.engine.configuring import load_config
from pace_mmdet.errors import UserError
from pace_mmdet.testing import synthetic_sample
from tests.models.conftest import build, prepare, small_model_cfg  # noqa: F401


class Runner:
    """As much of a runner as the hook looks at."""

    def __init__(self, model):
        self.model = model


@pytest.fixture(autouse=True)
def fresh():
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


class Network(nn.Module):
    """ResNeSt with deformable convolution, and FPN."""

    def __init__(self):
        super().__init__()
        self.backbone = MODELS.build(dict(
            type='ResNeSt', depth=50, num_stages=2, strides=(1, 2),
            dilations=(1, 1), out_indices=(0, 1), base_channels=16,
            stem_channels=16, avg_down_stride=True, frozen_stages=-1,
            norm_cfg=dict(type='BN'), norm_eval=False,
            dcn=dict(type='Float32DCNv2', deform_groups=2,
                     fallback_on_stride=False),
            stage_with_dcn=(False, True)))
        self.neck = MODELS.build(dict(
            type='FPN', in_channels=[64, 128], out_channels=16, num_outs=4))

    def forward(self, x):
        return self.neck(self.backbone(x))


def test_no_graph_break_in_backbone_and_neck():
    network = Network()
    network.train()
    assert any(type(m).__name__ == 'Float32DCNv2' for m in network.modules())
    report = torch._dynamo.explain(network)(torch.randn(2, 3, 32, 64))
    assert (report.graph_count, report.graph_break_count) == (1, 0)


def train(model, samples, steps=3):
    """The losses of some steps on the same samples."""
    wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), 0.005))
    losses = []
    for step in range(steps):
        torch.manual_seed(step)
        data = prepare(model, samples, True)
        assert data['inputs'].shape[2:] == (128, 128)
        loss, logs = model.parse_losses(model(**data, mode='loss'))
        wrapper.update_params(loss)
        losses.append({k: v.item() for k, v in logs.items()})
    return losses


def test_the_loss_curve_is_the_plain_one(small_model_cfg):  # noqa: F811
    samples = [synthetic_sample(6, 64, 96), synthetic_sample(9, 96, 64, 1)]
    plain = build(small_model_cfg()).train()
    compiled = copy.deepcopy(plain)
    names = list(plain.state_dict())
    CompileHook(enabled=True, backend='aot_eager').before_run(
        Runner(compiled))
    assert compiled.data_preprocessor.pad_size_divisor == 128
    assert list(compiled.state_dict()) == names
    plain.data_preprocessor.pad_size_divisor = 128
    expected = train(plain, samples)
    assert expected[0]['loss'] != expected[-1]['loss']
    counters = torch._dynamo.utils.counters
    counters.clear()
    for found, other in zip(train(compiled, samples), expected):
        assert found == pytest.approx(other, rel=1e-4, abs=1e-5)
    # Backbone and neck, once each.
    assert counters['stats']['unique_graphs'] == 2
    assert not counters['graph_break']


def test_it_is_a_switch(small_model_cfg):  # noqa: F811
    model = build(small_model_cfg())
    before = model.data_preprocessor.pad_size_divisor
    CompileHook().before_run(Runner(model))
    assert model.data_preprocessor.pad_size_divisor == before
    assert model.backbone._compiled_call_impl is None


def test_without_a_compiler(monkeypatch, small_model_cfg):  # noqa: F811
    monkeypatch.setattr(shutil, 'which', lambda name: None)
    monkeypatch.delenv('CXX', raising=False)
    hook = CompileHook(enabled=True)
    with pytest.raises(UserError, match='needs a C.. compiler'):
        hook.before_run(Runner(build(small_model_cfg())))


def test_without_a_backbone():
    with pytest.raises(UserError, match='Linear has no backbone'):
        CompileHook(enabled=True).before_run(Runner(nn.Linear(1, 1)))


@pytest.mark.parametrize('hooks, expected', [
    ('', dict(type='CompileHook', enabled=True)),
    ("default_hooks = dict(compile=dict(type='CompileHook', pad=64))",
     dict(type='CompileHook', pad=64, enabled=True))])
def test_the_option(tmp_path, hooks, expected):
    path = tmp_path / 'config.py'
    path.write_text(hooks)
    args = Namespace(config=str(path), launcher='none', cfg_options=None,
                     work_dir='run', compile=True)
    assert load_config(args).default_hooks.compile == expected
    args.compile = False
    hook = load_config(args).get('default_hooks', {}).get('compile', {})
    assert not hook.get('enabled')
