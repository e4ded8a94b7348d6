# PACE's method at a size that trains from scratch on two CPU cores: ResNet-18
# with group normalisation, thinner FPN and heads, fewer RoIs.
_base_ = './pace_r200_dcn.py'
norm_cfg = dict(type='GN', num_groups=16, requires_grad=True)
channels = 128
bbox_head = dict(
    type='Shared2FCBBoxHead',
    in_channels=channels,
    fc_out_channels=256,
    roi_feat_size=7,
    num_classes=1,
    reg_class_agnostic=True,
    loss_cls=dict(
        type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0),
    loss_bbox=dict(type='L1Loss', loss_weight=1.0))

model = dict(
    data_preprocessor=dict(
        mean=[64.0, 64.0, 64.0], std=[64.0, 64.0, 64.0]),
    backbone=dict(
        _delete_=True,
        type='ResNet',
        depth=18,
        num_stages=4,
        out_indices=(0, 1, 2, 3),
        frozen_stages=-1,
        norm_cfg=norm_cfg,
        norm_eval=False,
        style='pytorch'),
    neck=dict(
        in_channels=[64, 128, 256, 512],
        out_channels=channels,
        norm_cfg=norm_cfg),
    rpn_head=dict(in_channels=channels, feat_channels=channels),
    roi_head=dict(
        bbox_roi_extractor=dict(out_channels=channels),
        bbox_head=[
            dict(
                bbox_coder=dict(
                    type='DeltaXYWHBBoxCoder',
                    target_means=[0., 0., 0., 0.],
                    target_stds=[1 / weight for weight in weights]),
                **bbox_head)
            for weights in [(10, 10, 5, 5), (20, 20, 10, 10), (30, 30, 15, 15)]
        ],
        mask_roi_extractor=dict(out_channels=channels),
        mask_head=dict(
            num_convs=2,
            in_channels=channels,
            conv_out_channels=channels,
            norm_cfg=norm_cfg)),
    train_cfg=dict(
        rpn_proposal=dict(nms_pre=1000, max_per_img=500),
        rcnn=[
            dict(
                assigner=dict(
                    type='MaxIoUAssigner',
                    pos_iou_thr=iou_thr,
                    neg_iou_thr=iou_thr,
                    min_pos_iou=iou_thr,
                    match_low_quality=False,
                    ignore_iof_thr=-1),
                sampler=dict(
                    type='RandomSampler',
                    num=128,
                    pos_fraction=0.25,
                    neg_pos_ub=-1,
                    add_gt_as_proposals=True),
                mask_size=28,
                pos_weight=-1,
                debug=False) for iou_thr in [0.5, 0.6, 0.7]
        ]),
    test_cfg=dict(
        rpn=dict(nms_pre=1000, max_per_img=500), rcnn=dict(max_per_img=500)))
