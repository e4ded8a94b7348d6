# `own_points.py`, prepared for `../models/center_flow.py`.
#
# PACE_CELL_LENGTH: the median of the longer sides of your boxes, in pixels.
# Training and prediction size the images so that it becomes 36.
_base_ = './own_points.py'

scale_factor = 36 / float('{{$PACE_CELL_LENGTH:36}}')
# From 3/4 to 4/3 of that.
scale_factors = [scale_factor * 2**(step / 7.2) for step in range(-3, 4)]

train_pipeline = [
    dict(type='SeedSample'),
    dict(type='LoadMicroscopyImage', normalize='standard'),
    dict(type='LoadPointAnnotations'),
    dict(
        type='RandomChoice',
        # Crops of 256 pixels or one less. Cut out first, it costs less.
        transforms=[[
            dict(type='RandomCrop', crop_size=(int(256 / factor), ) * 2),
            dict(type='Resize', scale_factor=factor, keep_ratio=True)
        ] for factor in scale_factors]),
    dict(
        type='RandomFlip',
        prob=0.75,
        direction=['horizontal', 'vertical', 'diagonal']),
    # A quarter turn every other time: with the flips all eight positions.
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
