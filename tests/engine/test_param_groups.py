import pytest
import torch
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from torch import nn

from pace_mmdet.engine.param_groups import merge_groups


@pytest.mark.parametrize('groups, expected', [
    ([], []),
    ([dict(params=[1])], [dict(params=[1])]),
    ([dict(params=[1], lr=2), dict(params=[2]), dict(params=[3], lr=2)],
     [dict(params=[1, 3], lr=2), dict(params=[2])]),
    ([dict(params=[1], lr=2), dict(params=[2], lr=3)],
     [dict(params=[1], lr=2), dict(params=[2], lr=3)]),
])
def test_merge_groups(groups, expected):
    assert merge_groups(groups) == expected


@pytest.mark.parametrize('paramwise', [
    None, dict(norm_decay_mult=0.0),
    dict(norm_decay_mult=0.0, custom_keys={'0': dict(lr_mult=0.1)})
])
def test_training_is_the_same(paramwise):
    """Parameters after three steps, with groups of ours and of mmengine."""
    trained = []
    for constructor in ('DefaultOptimWrapperConstructor',
                        'MergedOptimWrapperConstructor'):
        torch.manual_seed(0)
        model = nn.Sequential(
            nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Linear(5, 1))
        with DefaultScope.overwrite_default_scope('mmdet'):
            wrapper = build_optim_wrapper(
                model,
                dict(
                    constructor=constructor,
                    optimizer=dict(
                        type='SGD', lr=0.1, momentum=0.9, weight_decay=0.1),
                    paramwise_cfg=paramwise))
        for _ in range(3):
            wrapper.update_params(model(torch.randn(8, 4)).square().mean())
        trained.append(torch.cat([p.flatten() for p in model.parameters()]))
        groups = len(wrapper.optimizer.param_groups)
    assert groups == (1 if paramwise is None else 1 + len(paramwise))
    torch.testing.assert_close(*trained)
