# LIVECell, or a part of it in its official layout, at a size for CPU cores:
# crops of 256 pixels, cells as large as in the file. Elsewhere than in
# data/livecell: set the environment variable PACE_LIVECELL to the folder.
data_root = '{{$PACE_LIVECELL:data/livecell/}}'
train_images = 'images/livecell_train_val_images/'
data_command = ('python tools/dataset_converters/livecell.py all (or, for a '
                'part of LIVECell, ... livecell.py points --root FOLDER)')

train_pipeline = [
    dict(type='SeedSample'),
    dict(type='LoadMicroscopyImage', normalize='none'),
    dict(type='LoadPointAnnotations'),
    dict(type='RandomCrop', crop_size=(256, 256)),
    dict(
        type='RandomFlip',
        prob=0.75,
        direction=['horizontal', 'vertical', 'diagonal']),
    dict(type='PackDetInputs')
]
test_pipeline = [
    dict(type='LoadMicroscopyImage', normalize='none'),
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
        type='LIVECellPointDataset',
        num_points=4,
        data_root=data_root,
        ann_file='annotations/livecell_points_train.json',
        data_prefix=dict(img=train_images),
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
        ann_file='annotations/livecell_coco_val.json',
        data_prefix=dict(img=train_images),
        test_mode=True,
        pipeline=test_pipeline))
test_dataloader = dict(
    batch_size=1,
    num_workers=1,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='CellMaskDataset',
        data_root=data_root,
        ann_file='annotations/livecell_coco_test.json',
        data_prefix=dict(img='images/livecell_test_images/'),
        test_mode=True,
        pipeline=test_pipeline))

val_evaluator = dict(
    type='LIVECellMetric',
    ann_file=data_root + '/annotations/livecell_coco_val.json')
test_evaluator = dict(
    type='LIVECellMetric',
    ann_file=data_root + '/annotations/livecell_coco_test.json')
