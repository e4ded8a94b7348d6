# LIVECell with its full masks for training: the upper bound that point labels
# are compared with.
_base_ = './livecell_points.py'

train_pipeline = [
    dict(type='SeedSample'),
    # As published: the 8-bit values themselves, see the model's mean and std.
    dict(type='LoadMicroscopyImage', normalize='none'),
    dict(type='LoadPolygonAnnotations'),
    dict(
        type='RandomChoiceResize',
        scales=[(1333, side) for side in (440, 480, 520, 580, 620)],
        keep_ratio=True),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackDetInputs')
]
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='CellMaskDataset',
        data_root={{_base_.data_root}},
        ann_file='annotations/livecell_coco_train.json',
        data_prefix=dict(img={{_base_.train_images}}),
        filter_cfg=dict(filter_empty_gt=True),
        pipeline=train_pipeline))
