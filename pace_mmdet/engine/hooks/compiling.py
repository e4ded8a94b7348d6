"""The network's larger part through ``torch.compile``."""
import importlib.util
import math
import os
import shutil
from typing import List

import torch
from mmdet.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn

from pace_mmdet.errors import UserError
from pace_mmdet.ops.kernels import torchvision_serves

_CPP_COMPILERS = ('c++', 'g++', 'clang++', 'cl')


@HOOKS.register_module()
class CompileHook(Hook):
    """Compiles a detector's backbone and neck before it is trained or tested.

    Every size of images is compiled for itself, in training and in evaluation
    mode; so all sides are padded to multiples of ``pad``, which leaves a
    handful of sizes. The first images of each size take minutes. Names of
    parameters stay as they are.

    Args:
        enabled (bool): Whether to do so.
        backend (str): Of ``torch.compile``. The default, 'inductor', needs
            Triton on a GPU and a C++ compiler on a CPU.
        pad (int): Pixels.
        most_sizes (int): After so many sizes further ones run uncompiled.
    """

    def __init__(self,
                 enabled: bool = False,
                 backend: str = 'inductor',
                 pad: int = 128,
                 most_sizes: int = 32) -> None:
        self.enabled = enabled
        self.backend = backend
        self.pad = pad
        self.most_sizes = most_sizes

    def before_run(self, runner: Runner) -> None:
        """Compile.

        Raises:
            UserError: If the model has no backbone, or what the backend needs
                is not there.
        """
        if not self.enabled:
            return
        model = runner.model
        model = model.module if is_model_wrapper(model) else model
        parts = _parts(model)
        if not parts:
            raise UserError(f'{type(model).__name__} has no backbone to '
                            'compile: leave --compile out')
        parameter = next(model.parameters())
        if self.backend == 'inductor':
            _check_inductor(parameter.device.type)
        # Decided here, so that no compiler meets the decision.
        torchvision_serves(parameter)
        for part in parts:
            part.compile(backend=self.backend, dynamic=False)
        preprocessor = model.data_preprocessor
        preprocessor.pad_size_divisor = math.lcm(
            preprocessor.pad_size_divisor, self.pad)
        # A limit of its own takes precedence.
        if 'DYNAMO_CACHE_SIZE_LIMIT' not in os.environ:
            torch._dynamo.config.cache_size_limit = self.most_sizes


def _parts(model: nn.Module) -> List[nn.Module]:
    """What is compiled: without decisions that hang on what it sees."""
    parts = (getattr(model, name, None) for name in ('backbone', 'neck'))
    return [part for part in parts if part is not None]


def _check_inductor(device: str) -> None:
    if device == 'cuda':
        if importlib.util.find_spec('triton') is None:
            raise UserError('compiling for a GPU needs Triton: install the '
                            'package triton, or leave --compile out')
        return
    if not (os.environ.get('CXX') or any(map(shutil.which, _CPP_COMPILERS))):
        raise UserError('compiling for a CPU needs a C++ compiler, and none '
                        f'of {", ".join(_CPP_COMPILERS)} was found: install '
                        'one, or leave --compile out')
