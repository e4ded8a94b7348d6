# As `pace_r18_masks.py`, trained on the masks themselves: what point
# supervision is compared with.
_base_ = [
    '../_base_/models/pace_r18_small.py', '../_base_/datasets/own_masks.py',
    '../_base_/schedules/own_2k.py', '../_base_/runtime.py'
]
model = dict(roi_head=dict(mask_head=dict(type='FullMaskHead')))
train_pipeline = [
    dict(type='SeedSample'),
    dict(type='LoadMicroscopyImage', normalize='percentile'),
    dict(type='LoadPolygonAnnotations'),
    dict(
        type='RandomChoice',
        transforms=[[dict(type='Resize', scale_factor=factor, keep_ratio=True)]
                    for factor in (0.8, 1.0, 1.25)]),
    dict(type='RandomCrop', crop_size=(512, 512)),
    dict(
        type='RandomFlip',
        prob=0.75,
        direction=['horizontal', 'vertical', 'diagonal']),
    dict(type='PackDetInputs')
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
default_hooks = dict(checkpoint=dict(interval=200))
