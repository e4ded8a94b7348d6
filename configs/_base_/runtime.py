# What every experiment shares: hooks, logging, pictures, processes.
import sys

custom_imports = dict(imports=['pace_mmdet'], allow_failed_imports=False)
default_scope = 'mmdet'

default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    # Scores belong to iterations, not to epochs.
    logger=dict(
        type='LoggerHook', interval=20, log_metric_by_epoch=False),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(
        type='AtomicCheckpointHook',
        by_epoch=False,
        interval=500,
        save_best='livecell/segm_AP',
        rule='greater',
        max_keep_ckpts=3),
    # Faster on some GPUs together with bfloat16 (`--amp`).
    memory_format=dict(type='MemoryFormatHook', channels_last=False),
    # `--compile`: backbone and neck by torch.compile.
    compile=dict(type='CompileHook', enabled=False),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    visualization=dict(type='CellVisualizationHook'))
# With the seeded sampler and transform of the data sets: a resumed run goes on
# exactly as the interrupted one would have.
custom_hooks = [dict(type='IterationSeedHook')]
randomness = dict(seed=0)

env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(
        # The fast way; libraries of macOS do not survive it.
        mp_start_method='fork' if sys.platform == 'linux' else 'spawn',
        opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'))

vis_backends = [dict(type='LocalVisBackend')]
visualizer = dict(
    type='PointLocalVisualizer', vis_backends=vis_backends, name='visualizer')
log_processor = dict(type='LogProcessor', window_size=20, by_epoch=False)
log_level = 'INFO'

# Batch normalisation over all GPUs; without effect on one or on a CPU.
sync_bn = 'torch'
load_from = None
resume = False
