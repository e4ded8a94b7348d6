"""The randomness of each training step from its place in the run."""
from mmdet.registry import HOOKS
from mmengine.dist import get_rank
from mmengine.hooks import Hook

from pace_mmdet.datasets.seeding import seed_from


@HOOKS.register_module()
class IterationSeedHook(Hook):
    """Seed each training step from (seed, rank, iteration).

    It covers what the model draws: RoI and anchor sampling, dropout.
    """

    def before_train_iter(self,
                          runner,
                          batch_idx: int,
                          data_batch=None) -> None:
        """Seed this process."""
        seed_from(runner.seed, get_rank(), runner.iter)
