"""Running experiments: checkpoints, resuming, several processes, tools."""
from .arguments import parser_for_test, parser_for_train
from .atomic import AtomicLocalBackend
from .checkpoint_hook import AtomicCheckpointHook
from .errors import UserError, run_tool
from .launch import prepare_cpu
from .options import merge_options
from .resume import find_checkpoint
from .running import run_test, run_train
from .safe_loading import load_checkpoint_file, use_safe_loading
from .seeding import IterationSeedHook, SeededInfiniteSampler, SeedSample

__all__ = [
    'AtomicCheckpointHook', 'AtomicLocalBackend', 'IterationSeedHook',
    'SeedSample', 'SeededInfiniteSampler', 'UserError', 'find_checkpoint',
    'load_checkpoint_file', 'merge_options', 'parser_for_test',
    'parser_for_train', 'prepare_cpu', 'run_test', 'run_tool', 'run_train',
    'use_safe_loading'
]
