"""Which form of an operator runs: ours, or torchvision's kernel.

The rule is fixed, so that the same call on the same machine always takes the
same form: on CUDA torchvision's, where it is installed and works; anywhere
else ours, and so where PyTorch is to use deterministic algorithms only, which
torchvision's are not. Setting the environment variable ``PACE_OPS=pytorch``
before the first call makes it ours everywhere.
"""
import os
from typing import Optional

import torch
from torch import Tensor

from pace_mmdet.errors import UserError

VARIABLE = 'PACE_OPS'
_NAMES = ('nms', 'roi_align', 'deform_conv2d')
# A plain global, for a compiler to read; decided at the first call.
_serves_cuda: Optional[bool] = None


def torchvision_serves(tensor: Tensor) -> bool:
    """Whether torchvision's kernel is to be used for this tensor.

    Args:
        tensor (Tensor): An operator's main input.

    Raises:
        UserError: If the environment variable holds anything but 'pytorch'.
    """
    global _serves_cuda
    if (tensor.device.type != 'cuda'
            or torch.are_deterministic_algorithms_enabled()):
        return False
    if _serves_cuda is None:
        choice = os.environ.get(VARIABLE, '')
        if choice not in ('', 'pytorch'):
            raise UserError(
                f'{VARIABLE}={choice}: expected pytorch, or nothing')
        _serves_cuda = not choice and torchvision_works('CUDA')
    return _serves_cuda


def torchvision_works(key: str) -> bool:
    """Whether torchvision imports and has its kernels for a device.

    Beside a torch that it was not built for it may fail to import, in one of
    several ways, or import without its kernels.

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
