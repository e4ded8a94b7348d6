# As `livecell_small_points.py`, with full masks for training.
_base_ = './livecell_small_points.py'

train_pipeline = [
    dict(type='SeedSample'),
    dict(type='LoadMicroscopyImage', normalize='none'),
    dict(type='LoadPolygonAnnotations'),
    dict(type='RandomCrop', crop_size=(256, 256)),
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
        ann_file='annotations/livecell_coco_train.json',
        data_prefix=dict(img={{_base_.train_images}}),
        filter_cfg=dict(filter_empty_gt=True),
        pipeline=train_pipeline))
