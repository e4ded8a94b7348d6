# LIVECell with point labels for training. No mask of the training images is
# needed; those of the other splits serve the evaluation.
data_root = 'data/livecell/'
train_images = 'images/livecell_train_val_images/'
test_images = 'images/livecell_test_images/'
data_command = 'pace data livecell all'

train_pipeline = [
    dict(type='SeedSample'),
    # As published: the 8-bit values themselves, see the model's mean and std.
    dict(type='LoadMicroscopyImage', normalize='none'),
    dict(type='LoadPointAnnotations'),
    # Short sides of section 6; 1333 never limits LIVECell's 520 x 704. OpenCV
    # resizes; the reference has Pillow (backend='pillow'), which
    # averages where it shrinks: half a grey level apart at 440, 0.2 from 580.
    dict(
        type='RandomChoiceResize',
        scales=[(1333, side) for side in (440, 480, 520, 580, 620)],
        keep_ratio=True),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackDetInputs')
]
test_pipeline = [
    dict(type='LoadMicroscopyImage', normalize='none'),
    dict(type='Resize', scale=(1333, 800), keep_ratio=True),
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
        type='LIVECellPointDataset',
        num_points=4,
        data_root=data_root,
        ann_file='annotations/livecell_points_train.json',
        data_prefix=dict(img=train_images),
        filter_cfg=dict(filter_empty_gt=True),
        pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=1,
    num_workers=2,
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
    num_workers=2,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='CellMaskDataset',
        data_root=data_root,
        ann_file='annotations/livecell_coco_test.json',
        data_prefix=dict(img=test_images),
        test_mode=True,
        pipeline=test_pipeline))

val_evaluator = dict(
    type='LIVECellMetric',
    ann_file=data_root + 'annotations/livecell_coco_val.json')
test_evaluator = dict(
    type='LIVECellMetric',
    ann_file=data_root + 'annotations/livecell_coco_test.json')

# `pace predict` resizes other images by the factor that these get.
predict_cfg = dict(image_shape=(520, 704))
