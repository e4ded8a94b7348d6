import pickle
import random
from itertools import islice

import numpy as np
import pytest
import torch
from mmdet.registry import DATASETS
from mmengine.dataset import InfiniteSampler

import tests.engine.toy  # noqa: F401
from pace_mmdet.datasets.seeding import (SeededInfiniteSampler, SeedSample,
                                         StreamIndex, seed_from)


def _draw():
    return random.random(), np.random.rand(), torch.rand(1).item()


def test_a_seed_fixes_all_generators():
    seed_from(1, 2)
    first = _draw()
    _draw()
    seed_from(1, 2)
    assert _draw() == first
    seed_from(2, 1)
    assert not set(_draw()) & set(first)


def test_stream_index_is_an_index():
    index = pickle.loads(pickle.dumps(StreamIndex(3, seed=5, position=11)))
    assert index == 3 and 'abcd'[index] == 'd'
    assert (index.seed, index.position) == (5, 11)


def test_the_order_is_the_parents():
    sampler = SeededInfiniteSampler(range(5), seed=4)
    stock = InfiniteSampler(range(5), seed=4)
    indices = list(islice(sampler, 12))
    assert indices == list(islice(stock, 12))
    assert [index.position for index in indices] == list(range(12))


@pytest.mark.parametrize('rank', [0, 1])
def test_positions_count_over_processes(rank, monkeypatch):
    monkeypatch.setattr('mmengine.dataset.sampler.get_dist_info', lambda:
                        (rank, 2))
    sampler = SeededInfiniteSampler(range(5), seed=4)
    positions = [index.position for index in islice(sampler, 3)]
    assert positions == [rank, rank + 2, rank + 4]


def test_skipping_is_absolute():
    sampler = SeededInfiniteSampler(range(5), seed=4)
    everything = list(islice(sampler, 20))
    later = SeededInfiniteSampler(range(5), seed=4)
    later.skip(13)
    rest = list(islice(later, 7))
    assert rest == everything[13:]
    assert rest[0].position == 13


@pytest.mark.parametrize('serialize', [False, True])
def test_a_sample_depends_on_its_position_only(serialize):
    dataset = DATASETS.build(
        dict(
            type='ToyDataset',
            serialize_data=serialize,
            pipeline=[dict(type='SeedSample'),
                      dict(type='ToyNoise')]))
    noise = [dataset[StreamIndex(2, 0, n)]['noise'] for n in (0, 1, 0)]
    assert noise[0] == noise[2] != noise[1]
    assert dataset[2]['noise'] != dataset[2]['noise']


def test_samples_without_a_position_pass():
    assert SeedSample()(dict(sample_idx=4)) == dict(sample_idx=4)
    assert SeedSample()({}) == {}
