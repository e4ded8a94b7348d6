"""Hooks of the training loop."""
from .checkpoints import AtomicCheckpointHook
from .compiling import CompileHook
from .memory_format import MemoryFormatHook
from .seeding import IterationSeedHook

__all__ = [
    'AtomicCheckpointHook', 'CompileHook', 'IterationSeedHook',
    'MemoryFormatHook'
]
