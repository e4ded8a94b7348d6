# Your own images with boxes and points, on a laptop's CPU.
_base_ = [
    '../_base_/models/center_flow.py', '../_base_/datasets/own_points.py',
    '../_base_/schedules/plus_500.py', '../_base_/runtime.py'
]
train_pipeline = _base_.flow_pipelines.train
test_pipeline = _base_.flow_pipelines.test
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
default_hooks = dict(
    checkpoint=dict(interval=100, save_best='livecell/bbox_AP'))
