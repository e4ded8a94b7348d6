# What to take for images of your own with boxes and points: the flow model,
# from scratch, in minutes on a CPU (docs/training.md).
_base_ = [
    '../_base_/models/center_flow.py', '../_base_/datasets/own_points.py',
    '../_base_/schedules/plus_500.py', '../_base_/runtime.py'
]
train_pipeline = _base_.flow_pipelines.train
test_pipeline = _base_.flow_pipelines.test
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
# Twice as long as in tools/benchmarks/arena: minutes more, which pay where
# cells are hard to see.
train_cfg = dict(max_iters=1000)
param_scheduler = [
    _base_.param_scheduler[0],
    dict(_base_.param_scheduler[1], end=1000)
]
# The boxes around the masks that it predicts.
default_hooks = dict(
    checkpoint=dict(interval=100, save_best='livecell/bbox_AP'))
