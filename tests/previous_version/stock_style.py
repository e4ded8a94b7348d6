# A Mask R-CNN of MMDetection, made very narrow, with this package's head, data
# set and points in it. Nothing but the package's name says where they are.
_base_ = [
    'mmdet::_base_/models/mask-rcnn_r50_fpn.py',
    'mmdet::_base_/default_runtime.py'
]
custom_imports = dict(imports=['pace_mmdet'], allow_failed_imports=False)

model = dict(
    data_preprocessor=dict(mean=[80.0] * 3, std=[60.0] * 3),
    backbone=dict(
        depth=18,
        num_stages=3,
        strides=(1, 2, 2),
        dilations=(1, 1, 1),
        out_indices=(0, 1, 2),
        stem_channels=4,
        base_channels=4,
        frozen_stages=-1,
        norm_eval=False,
        init_cfg=None),
    neck=dict(in_channels=[4, 8, 16], out_channels=8, num_outs=4),
    rpn_head=dict(
        in_channels=8,
        feat_channels=8,
        anchor_generator=dict(scales=[4], strides=[4, 8, 16, 32])),
    roi_head=dict(
        bbox_roi_extractor=dict(
            out_channels=8, featmap_strides=[4, 8, 16]),
        bbox_head=dict(in_channels=8, fc_out_channels=16, num_classes=1),
        mask_roi_extractor=dict(
            out_channels=8, featmap_strides=[4, 8, 16]),
        mask_head=dict(
            type='PointMaskHead',
            num_convs=1,
            in_channels=8,
            conv_out_channels=8,
            num_classes=1,
            loss_mask=dict(
                _delete_=True, type='CrossEntropyLoss', use_sigmoid=True))))

data_root = 'data/'
train_dataloader = dict(
    batch_size=2,
    num_workers=0,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type='CellMaskDataset',
        data_root=data_root,
        ann_file='annotations.json',
        data_prefix=dict(img='images/'),
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
            dict(type='RandomPointLabel', num_points=4),
            dict(type='RandomFlip', prob=0.5),
            dict(type='PackDetInputs')
        ]))
val_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='LIVECellPointDataset',
        num_points=1,
        data_root=data_root,
        ann_file='points.json',
        data_prefix=dict(img='images/'),
        test_mode=True,
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='Resize', scale_factor=1.0, keep_ratio=True),
            dict(
                type='PackDetInputs',
                meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape',
                           'scale_factor'))
        ]))
test_dataloader = val_dataloader
val_evaluator = dict(
    type='LIVECellMetric', ann_file='data/points.json', metric='bbox')
test_evaluator = val_evaluator

train_cfg = dict(type='IterBasedTrainLoop', max_iters=400, val_interval=400)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.01, momentum=0.9),
    clip_grad=dict(max_norm=10))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, end=100)
]
default_hooks = dict(
    checkpoint=dict(by_epoch=False, interval=400),
    logger=dict(interval=50))
log_processor = dict(by_epoch=False)
randomness = dict(seed=0)
