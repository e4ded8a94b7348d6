# As `center_flow_points.py`, learning from full masks (train_masks.json).
_base_ = [
    '../_base_/models/center_flow.py', '../_base_/datasets/plus_points.py',
    '../_base_/schedules/plus_500.py', '../_base_/runtime.py'
]

train_pipeline = [
    dict(type='SeedSample'),
    dict(type='LoadMicroscopyImage', normalize='standard'),
    dict(type='LoadPolygonAnnotations'),
    *_base_.train_pipeline[3:]
]
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='CellMaskDataset',
        data_root={{_base_.data_root}},
        ann_file='annotations/train_masks.json',
        data_prefix=dict(img='images/'),
        filter_cfg=dict(filter_empty_gt=True),
        pipeline=train_pipeline))
default_hooks = dict(
    checkpoint=dict(interval=100, save_best='livecell/bbox_AP'))
