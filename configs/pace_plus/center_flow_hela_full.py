# As `center_flow_hela_4pt.py`, learning from full masks.
_base_ = './center_flow_hela_4pt.py'

train_pipeline = [
    *_base_.train_pipeline[:2],
    dict(type='LoadPolygonAnnotations'),
    *_base_.train_pipeline[3:]
]
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='CellMaskDataset',
        data_root={{_base_.data_root}},
        ann_file='annotations/train_masks.json',
        data_prefix=dict(img='images/train/'),
        filter_cfg=dict(filter_empty_gt=True),
        pipeline=train_pipeline))
