# HeLa nuclei (data/README.md) with 4 points each. As
# `../_base_/datasets/plus_points.py`; half of the boxes are 31 pixels or more
# on their longer side.
_base_ = [
    '../_base_/models/center_flow.py', '../_base_/datasets/hela_points.py',
    '../_base_/schedules/plus_500.py', '../_base_/runtime.py'
]
scale_factor = 36 / 31
scale_factors = [scale_factor * 2**(step / 7.2) for step in range(-3, 4)]

train_pipeline = [
    dict(type='SeedSample'),
    dict(type='LoadMicroscopyImage', normalize='standard'),
    dict(type='LoadPointAnnotations'),
    dict(
        type='RandomChoice',
        transforms=[[
            dict(type='RandomCrop', crop_size=(int(256 / factor), ) * 2),
            dict(type='Resize', scale_factor=factor, keep_ratio=True)
        ] for factor in scale_factors]),
    dict(
        type='RandomFlip',
        prob=0.75,
        direction=['horizontal', 'vertical', 'diagonal']),
    dict(type='Rotate', prob=0.5, min_mag=90.0, max_mag=90.0),
    dict(type='PackDetInputs')
]
test_pipeline = [
    dict(type='LoadMicroscopyImage', normalize='standard'),
    dict(type='Resize', scale_factor=scale_factor, keep_ratio=True),
    dict(
        type='PackDetInputs',
        meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape',
                   'scale_factor'))
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
default_hooks = dict(checkpoint=dict(interval=100))
