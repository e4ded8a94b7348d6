import pytest
from mmengine.config import Config

from pace_mmdet.engine import prepare_cpu
from pace_mmdet.engine.launch import (cpu_config, rank_variables,
                                      threads_per_process)
from pace_mmdet.errors import UserError

EXPECTED = dict(RANK='3', WORLD_SIZE='4', LOCAL_RANK='1', LOCAL_WORLD_SIZE='2')


@pytest.mark.parametrize('launcher, environ', [
    ('pytorch', EXPECTED),
    ('slurm',
     dict(
         SLURM_PROCID='3',
         SLURM_NTASKS='4',
         SLURM_LOCALID='1',
         SLURM_NTASKS_PER_NODE='2(x2)')),
    ('mpi',
     dict(
         OMPI_COMM_WORLD_RANK='3',
         OMPI_COMM_WORLD_SIZE='4',
         OMPI_COMM_WORLD_LOCAL_RANK='1',
         OMPI_COMM_WORLD_LOCAL_SIZE='2')),
])
def test_rank_variables(launcher, environ):
    assert rank_variables(launcher, environ) == EXPECTED


@pytest.mark.parametrize('launcher, missing', [
    ('pytorch', 'RANK, WORLD_SIZE, LOCAL_RANK'),
    ('slurm', 'SLURM_PROCID'),
    ('mpi', 'OMPI_COMM_WORLD_RANK'),
])
def test_not_started_by_the_launcher(launcher, missing):
    with pytest.raises(UserError, match=missing):
        rank_variables(launcher, {})


@pytest.mark.parametrize('cores, processes, threads', [(2, 2, 1), (16, 4, 4),
                                                       (2, 8, 1), (7, 2, 3),
                                                       (4, 0, 4)])
def test_threads(cores, processes, threads):
    assert threads_per_process(cores, processes) == threads


def test_cpu_config():
    cfg = Config(
        dict(
            model=dict(
                norm_cfg=dict(type='SyncBN', requires_grad=True),
                heads=[dict(norm_cfg=dict(type='SyncBN'))]),
            find_unused_parameters=True,
            sync_bn='torch'))
    cpu_config(cfg)
    assert cfg.sync_bn is None
    assert cfg.model.norm_cfg == dict(type='BN', requires_grad=True)
    assert cfg.model.heads[0].norm_cfg.type == 'BN'
    assert cfg.model_wrapper_cfg == dict(
        type='MMDistributedDataParallel',
        broadcast_buffers=False,
        find_unused_parameters=True,
        device_ids=None)


def test_a_wrapper_of_ones_own_stays():
    cfg = Config(dict(model={}, model_wrapper_cfg=dict(static_graph=True)))
    cpu_config(cfg)
    assert cfg.model_wrapper_cfg == dict(
        type='MMDistributedDataParallel', static_graph=True, device_ids=None)


def test_one_process_needs_nothing():
    cfg = Config(dict(model={}, sync_bn='torch'))
    assert prepare_cpu(cfg, 'none') is False
    assert cfg.sync_bn == 'torch'
