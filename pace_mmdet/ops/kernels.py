"""Which form of an operator runs: ours, or torchvision's kernel.

The rule is fixed, so that the same call on the same machine always takes the
same form: on CUDA torchvision's, where it is installed and works; anywhere
else ours. Setting the environment variable ``PACE_OPS=pytorch`` before the
first call makes it ours everywhere.
"""
import functools
import os

import torch
from torch import Tensor

from pace_mmdet.errors import UserError

VARIABLE = 'PACE_OPS'
_NAMES = ('nms', 'roi_align', 'deform_conv2d')


def torchvision_serves(tensor: Tensor) -> bool:
    """Whether torchvision's kernel is to be used for this tensor.

    Args:
        tensor (Tensor): An operator's main input.

    Raises:
        UserError: If the environment variable holds anything but 'pytorch'.
    """
    return tensor.device.type == 'cuda' and _torchvision_on_cuda()


@torch.compiler.assume_constant_result
def _torchvision_on_cuda() -> bool:
    return _chosen()


@functools.lru_cache
def _chosen() -> bool:
    choice = os.environ.get(VARIABLE, '')
    if choice not in ('', 'pytorch'):
        raise UserError(f'{VARIABLE}={choice}: expected pytorch, or nothing')
    return not choice and torchvision_works('CUDA')


def torchvision_works(key: str) -> bool:
    """Whether torchvision imports and has its kernels for a device.

    Its Python part imports beside a torch that it was not built for, and
    fails then, in one of several ways.

    Args:
        key (str): 'CPU' or 'CUDA'.
    """
    try:
        import torchvision.ops  # noqa: F401
        return all(
            torch._C._dispatch_has_kernel_for_dispatch_key(
                f'torchvision::{name}', key) for name in _NAMES)
    except (ImportError, OSError, RuntimeError, AttributeError):
        return False
