"""Convolutions in the memory format that a GPU's matrix units prefer."""
import torch
from mmdet.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.runner import Runner


@HOOKS.register_module()
class MemoryFormatHook(Hook):
    """Switches a model to channels last before it is trained or tested.

    Args:
        channels_last (bool): Whether to do so.
    """

    def __init__(self, channels_last: bool = False) -> None:
        self.channels_last = channels_last

    def before_run(self, runner: Runner) -> None:
        """Convert the model."""
        if self.channels_last:
            runner.model.to(memory_format=torch.channels_last)
