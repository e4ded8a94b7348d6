# LIVECell's anchor-based model as published: one config for the weights of all
# cells and of each cell type, converted as docs/published_models.md says. What
# differs from PACE is as in the LIVECell repository's
# model/anchor_based/livecell_config.yaml.
_base_ = [
    '../_base_/models/pace_r200_dcn.py',
    '../_base_/datasets/livecell_masks.py',
    '../_base_/schedules/livecell_30k.py', '../_base_/runtime.py'
]

model = dict(
    # Training starts from the COCO model, which has a backbone.
    backbone=dict(init_cfg=None),
    rpn_head=dict(
        type='SelectedLevelsRPNHead',
        # p2 twice: for anchors of 4 and of 9 pixels.
        in_levels=(0, 0, 1, 2, 3, 4),
        anchor_generator=dict(
            base_sizes=[4, 9, 17, 31, 64, 127],
            scales=[1],
            ratios=[0.25, 0.5, 1.0, 2.0, 4.0],
            strides=[4, 4, 8, 16, 32, 64])),
    roi_head=dict(
        # The reference code trains the mask head on the first stage's RoIs.
        mask_stage=0,
        mask_head=dict(type='FullMaskHead')))

# Images are resized by Pillow, as in the reference; and one short side more
# than PACE's (560).
train_pipeline = [
    dict(type='SeedSample'),
    dict(type='LoadMicroscopyImage', normalize='none'),
    dict(type='LoadPolygonAnnotations'),
    dict(
        type='RandomChoiceResize',
        scales=[(1333, side) for side in (440, 480, 520, 560, 580, 620)],
        keep_ratio=True,
        backend='pillow'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackDetInputs')
]
test_pipeline = [
    dict(type='LoadMicroscopyImage', normalize='none'),
    dict(
        type='Resize', scale=(1333, 800), keep_ratio=True, backend='pillow'),
    dict(
        type='PackDetInputs',
        meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape',
                   'scale_factor'))
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
