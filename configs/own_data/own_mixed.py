# As `own_points.py`, when some images have full masks, say from another tool:
# those in `annotations/train_masks.json` are learned from all their pixels,
# those in `annotations/train.json` from boxes and points. An image stands in
# one of the two files.
_base_ = './own_points.py'

points = {{_base_.train_dataloader.dataset}}
masks = dict(
    type='CellMaskDataset',
    data_root={{_base_.data_root}},
    ann_file='annotations/train_masks.json',
    data_prefix=dict(img='images/'),
    filter_cfg=dict(filter_empty_gt=True),
    pipeline=[
        *_base_.flow_pipelines.train[:2],
        dict(type='LoadPolygonAnnotations'),
        *_base_.flow_pipelines.train[3:]
    ])
train_dataloader = dict(
    dataset=dict(
        _delete_=True, type='ConcatDataset', datasets=[points, masks]))
