"""Running experiments: checkpoints, resuming, several processes."""
from .atomic import AtomicLocalBackend
from .bfloat16 import ProcessorAmpOptimWrapper
from .hooks import (AtomicCheckpointHook, CompileHook, IterationSeedHook,
                    MemoryFormatHook)
from .launch import prepare_cpu
from .options import merge_options
from .param_groups import MergedOptimWrapperConstructor
from .resume import find_checkpoint
from .running import run_test, run_train
from .safe_loading import load_checkpoint_file, use_safe_loading

__all__ = [
    'AtomicCheckpointHook', 'AtomicLocalBackend', 'CompileHook',
    'IterationSeedHook', 'MemoryFormatHook', 'MergedOptimWrapperConstructor',
    'ProcessorAmpOptimWrapper', 'find_checkpoint', 'load_checkpoint_file',
    'merge_options', 'prepare_cpu', 'run_test', 'run_train', 'use_safe_loading'
]
