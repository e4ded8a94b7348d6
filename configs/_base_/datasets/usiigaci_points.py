# Usiigaci (Tsai et al., SoftwareX 2019): 30 phase-contrast images of T98G
# cells with drawn masks, as an example of one's own data. The folder, which
# the environment variable PACE_USIIGACI may name, holds images/,
# coco_train.json and coco_val.json (masks), and points_train.json:
#
#   python tools/dataset_converters/masks_to_points.py \
#       data/usiigaci/coco_train.json data/usiigaci/points_train.json
data_root = '{{$PACE_USIIGACI:data/usiigaci/}}'
data_command = 'see data/README.md, "The other data of docs/results.md"'

train_pipeline = [
    dict(type='SeedSample'),
    dict(type='LoadMicroscopyImage', normalize='percentile'),
    dict(type='LoadPointAnnotations'),
    dict(type='RandomCrop', crop_size=(256, 256)),
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
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='SeededInfiniteSampler', shuffle=True),
    dataset=dict(
        type='CellPointDataset',
        num_points=4,
        data_root=data_root,
        ann_file='points_train.json',
        data_prefix=dict(img='images/'),
        filter_cfg=dict(filter_empty_gt=True),
        pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=1,
    num_workers=1,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='CellMaskDataset',
        data_root=data_root,
        ann_file='coco_val.json',
        data_prefix=dict(img='images/'),
        test_mode=True,
        pipeline=test_pipeline))
test_dataloader = val_dataloader

val_evaluator = dict(
    type='LIVECellMetric', ann_file=data_root + '/coco_val.json')
test_evaluator = val_evaluator
