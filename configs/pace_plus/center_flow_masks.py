# As `center_flow_points.py`, learning from full masks (train_masks.json).
_base_ = [
    '../_base_/models/center_flow.py', '../_base_/datasets/own_points.py',
    '../_base_/schedules/plus_500.py', '../_base_/runtime.py'
]

train_pipeline = [
    dict(type='SeedSample'),
    dict(type='LoadMicroscopyImage', normalize='standard'),
    dict(type='LoadPolygonAnnotations'),
    *_base_.flow_pipelines.train[3:]
]
test_pipeline = _base_.flow_pipelines.test
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='CellMaskDataset',
        data_root={{_base_.data_root}},
        ann_file='annotations/train_masks.json',
        data_prefix=dict(img='images/'),
        filter_cfg=dict(filter_empty_gt=True),
        pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
default_hooks = dict(
    checkpoint=dict(interval=100, save_best='livecell/bbox_AP'))
