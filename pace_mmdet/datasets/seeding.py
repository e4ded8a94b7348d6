"""Randomness that depends on the place in the run, not on its history.

Saved random states would have to be collected from every process and every
data loading worker. Instead each step and each sample starts from a seed of
its own, so a resumed run draws what the uninterrupted one would have drawn,
whatever the number of workers.
"""
import random
from typing import Iterator, Optional

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmdet.registry import DATA_SAMPLERS, TRANSFORMS
from mmengine.dataset import InfiniteSampler


def seed_from(*numbers: int) -> None:
    """Seed Python, NumPy and PyTorch from non-negative integers.

    The numbers are hashed, so neighbouring ones give unrelated streams.
    """
    words = np.random.SeedSequence(numbers).generate_state(3)
    random.seed(int(words[0]))
    np.random.seed(words[1])
    torch.manual_seed(int(words[2]))


class StreamIndex(int):
    """An index into a data set that knows where it stands in the stream.

    Attributes:
        seed (int): Seed of the stream.
        position (int): Number of indices before this one, over all processes.
    """

    def __new__(cls, index: int, seed: int, position: int) -> 'StreamIndex':
        self = super().__new__(cls, index)
        self.seed = seed
        self.position = position
        return self

    def __getnewargs__(self):
        return int(self), self.seed, self.position


@DATA_SAMPLERS.register_module()
class SeededInfiniteSampler(InfiniteSampler):
    """The parent's stream of indices, as :class:`StreamIndex`."""

    def _infinite_indices(self) -> Iterator[StreamIndex]:
        for position, index in enumerate(super()._infinite_indices()):
            yield StreamIndex(index, self.seed, position)


@TRANSFORMS.register_module()
class SeedSample(BaseTransform):
    """Seed what follows from the sample's place in the training stream.

    To stand first in a training pipeline, with
    :class:`SeededInfiniteSampler`. A sample that comes with a plain index
    (browsing, other samplers) is left to the current random state.
    Transforms with a memory (``CachedMosaic``, ``CachedMixUp``) still depend
    on the samples before.
    """

    def transform(self, results: dict) -> Optional[dict]:
        """Seed this process from ``results['sample_idx']``."""
        index = results.get('sample_idx')
        if isinstance(index, StreamIndex):
            seed_from(index.seed, index.position)
        return results
