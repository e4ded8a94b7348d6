"""Convolutions in the memory format that a GPU's matrix units prefer."""
import torch
from mmcv.ops import ModulatedDeformConv2d
from mmdet.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import nn


def to_channels_last(model: nn.Module) -> None:
    """Store the weights of all plain convolutions channels last, in place.

    A convolution with such weights gives its output so, too, and the layers
    between pass that on; inputs need no change. Deformable convolutions, which
    read weights and offsets as contiguous, stay as they are.

    Args:
        model (nn.Module): Any model; its parameters stay the same objects, so
            that an optimizer may hold them already.
    """
    if isinstance(model, ModulatedDeformConv2d):
        return
    if isinstance(model, (nn.Conv2d, nn.ConvTranspose2d)):
        model.weight.data = model.weight.data.contiguous(
            memory_format=torch.channels_last)
    for module in model.children():
        to_channels_last(module)


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
            to_channels_last(runner.model)
