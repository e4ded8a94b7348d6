# Your own images with masks (COCO, for example from
# `pace data labels`), in the folders of
# `own_points.py`. Points are drawn from the masks as training goes, so that
# point supervision can be tried out; validation scores masks.
_base_ = './own_points.py'

train_pipeline = [
    dict(type='SeedSample'),
    dict(type='LoadMicroscopyImage', normalize='percentile'),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='RandomPointLabel', num_points=4),
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
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='CellMaskDataset',
        data_root={{_base_.data_root}},
        ann_file='annotations/train.json',
        data_prefix=dict(img='images/'),
        filter_cfg=dict(filter_empty_gt=True),
        pipeline=train_pipeline))
val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='CellMaskDataset',
        data_root={{_base_.data_root}},
        ann_file='annotations/val.json',
        data_prefix=dict(img='images/'),
        test_mode=True,
        pipeline={{_base_.test_pipeline}}))
test_dataloader = val_dataloader

val_evaluator = dict(metric=['bbox', 'segm'])
test_evaluator = val_evaluator
