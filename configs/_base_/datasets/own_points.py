# Your own images with point labels (data/README.md, "Your own images"):
#
#   data/own/images/...                  8 or 16 bit, grey or RGB
#   data/own/annotations/train.json      boxes and points
#   data/own/annotations/val.json        the same, of other images
#
# For data elsewhere, set the environment variable PACE_OWN_DATA.
data_root = '{{$PACE_OWN_DATA:data/own}}'
data_command = 'see data/README.md, "Your own images"'

train_pipeline = [
    dict(type='SeedSample'),
    dict(type='LoadMicroscopyImage', normalize='percentile'),
    dict(type='LoadPointAnnotations'),
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
test_pipeline = [
    dict(type='LoadMicroscopyImage', normalize='percentile'),
    # To the network, cells are as large as in the file.
    dict(type='Resize', scale_factor=1.0, keep_ratio=True),
    dict(
        type='PackDetInputs',
        meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape',
                   'scale_factor'))
]

train_dataloader = dict(
    batch_size=2,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='SeededInfiniteSampler', shuffle=True),
    dataset=dict(
        type='CellPointDataset',
        num_points=4,
        data_root=data_root,
        ann_file='annotations/train.json',
        data_prefix=dict(img='images/'),
        filter_cfg=dict(filter_empty_gt=True),
        pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='CellPointDataset',
        num_points=1,
        data_root=data_root,
        ann_file='annotations/val.json',
        data_prefix=dict(img='images/'),
        test_mode=True,
        pipeline=test_pipeline))
test_dataloader = val_dataloader

# Without masks to compare with, only the boxes can be scored.
val_evaluator = dict(
    type='LIVECellMetric',
    ann_file=data_root + '/annotations/val.json',
    metric='bbox')
test_evaluator = val_evaluator
