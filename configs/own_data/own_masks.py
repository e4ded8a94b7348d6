# As `own_points.py` for images with full masks, which it learns from.
_base_ = [
    '../_base_/models/center_flow.py', '../_base_/datasets/own_masks.py',
    '../_base_/schedules/plus_500.py', '../_base_/runtime.py'
]
train_pipeline = [
    *_base_.flow_pipelines.train[:2],
    dict(type='LoadPolygonAnnotations'),
    *_base_.flow_pipelines.train[3:]
]
test_pipeline = _base_.flow_pipelines.test
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
# As there.
train_cfg = dict(max_iters=1000)
param_scheduler = [
    _base_.param_scheduler[0],
    dict(_base_.param_scheduler[1], end=1000)
]
default_hooks = dict(checkpoint=dict(interval=100))
