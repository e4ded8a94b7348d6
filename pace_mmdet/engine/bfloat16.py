"""Computing in bfloat16: where it is asked for, and where it pays.

bfloat16 has the range of float32 and an eighth of its digits: gradients need
no scaling. Processors that have no instructions for it convert to and fro,
and are slower with it than without.
"""
import argparse
from contextlib import contextmanager
from typing import Iterator

import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from mmengine.registry import OPTIM_WRAPPERS
from torch import nn

from pace_mmdet.errors import UserError


def add_amp_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--amp`` and ``--auto-amp`` to a command line.

    Two flags, as a value that may be left out would swallow the config or
    image behind it.
    """
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument(
        '--amp', action='store_const', const='yes', default='no',
        help='compute in bfloat16 what loses nothing by it')
    choice.add_argument(
        '--auto-amp', action='store_const', const='auto', dest='amp',
        default='no',
        help='the same where GPU or processor has instructions for it')


def multiplies_bfloat16(device: str) -> bool:
    """Whether a device has instructions for products in bfloat16.

    Args:
        device (str): Such as 'cuda:1' or 'cpu'.
    """
    if device.startswith('cuda'):
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device == 'cpu':
        # Not every PyTorch that will do here can tell.
        known = getattr(torch.cpu, 'get_capabilities', dict)()
        return bool(known.get('avx512_bf16') or known.get('amx_bf16'))
    return False


def in_bfloat16(choice: str, device: str) -> bool:
    """Whether ``amp`` of the command line asks for it on a device."""
    return choice == 'yes' or (choice == 'auto'
                               and multiplies_bfloat16(device))


def train_in_bfloat16(cfg: Config, device: str) -> None:
    """Train in bfloat16, or in the 16 bits that the config names, in place.

    On a CPU validation follows, as predicting with these weights may.

    Args:
        cfg (Config): Of a training run.
        device (str): What it is trained on.

    Raises:
        UserError: If the device computes in neither.
    """
    wrapper = cfg.optim_wrapper
    dtype = wrapper.setdefault('dtype', 'bfloat16')
    if device == 'cpu' and dtype == 'bfloat16':
        wrapper.type = 'ProcessorAmpOptimWrapper'
        del wrapper.dtype
        wrapper.pop('loss_scale', None)
        if cfg.get('val_cfg'):
            cfg.val_cfg.fp16 = True
    elif device in ('cpu', 'mps'):
        raise UserError(f'--amp: no training in {dtype} on this device '
                        f'({device})')
    else:
        wrapper.type = 'AmpOptimWrapper'
        wrapper.setdefault('loss_scale',
                           1.0 if dtype == 'bfloat16' else 'dynamic')


@OPTIM_WRAPPERS.register_module()
class ProcessorAmpOptimWrapper(OptimWrapper):
    """``AmpOptimWrapper`` in bfloat16 on a CPU, where MMEngine's refuses."""

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Where losses are computed."""
        with super().optim_context(model), torch.autocast(
                'cpu', torch.bfloat16):
            yield
