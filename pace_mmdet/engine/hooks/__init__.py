"""Hooks of the training loop."""
from .checkpoints import AtomicCheckpointHook
from .memory_format import MemoryFormatHook
from .seeding import IterationSeedHook

__all__ = ['AtomicCheckpointHook', 'IterationSeedHook', 'MemoryFormatHook']
