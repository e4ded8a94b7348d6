# PACE (paper, section 3): Cascade Mask R-CNN with FPN and ResNeSt-200, with
# deformable convolution. Where the paper is silent, the settings are those of
# LIVECell's anchor-based model, which is PACE's "full mask" row, and below it
# the defaults of the code that it was trained with (detectron2, ResNeSt fork).
# Every 'BN' becomes SyncBN where several GPUs train (`sync_bn` in runtime.py).
norm_cfg = dict(type='BN', requires_grad=True)

model = dict(
    type='CascadeRCNN',
    data_preprocessor=dict(
        type='DetDataPreprocessor',
        # LIVECell's grey images, repeated on three channels.
        mean=[128.0, 128.0, 128.0],
        std=[11.578, 11.578, 11.578],
        bgr_to_rgb=False,
        pad_mask=True,
        pad_size_divisor=32),
    backbone=dict(
        type='ResNeSt',
        depth=200,
        stem_channels=128,
        radix=2,
        reduction_factor=4,
        avg_down_stride=True,
        num_stages=4,
        out_indices=(0, 1, 2, 3),
        frozen_stages=-1,
        norm_cfg=norm_cfg,
        norm_eval=False,
        style='pytorch',
        dcn=dict(
            type='Float32DCNv2', deform_groups=2, fallback_on_stride=False),
        stage_with_dcn=(False, True, True, True),
        # The reference starts from the COCO model of this architecture; set
        # `load_from` to do so. By default only the backbone starts from
        # ImageNet.
        init_cfg=dict(
            type='Pretrained', checkpoint='open-mmlab://resnest200')),
    neck=dict(
        type='FPN',
        in_channels=[256, 512, 1024, 2048],
        out_channels=256,
        norm_cfg=norm_cfg,
        num_outs=5),
    rpn_head=dict(
        type='Float32RPNHead',
        in_channels=256,
        feat_channels=256,
        # Sizes 8, 16, 32, 64, 128 (section 6), one per level.
        anchor_generator=dict(
            type='AnchorGenerator',
            scales=[2],
            ratios=[0.5, 1.0, 2.0, 3.0, 4.0],
            strides=[4, 8, 16, 32, 64]),
        bbox_coder=dict(
            type='DeltaXYWHBBoxCoder',
            target_means=[.0, .0, .0, .0],
            target_stds=[1.0, 1.0, 1.0, 1.0]),
        loss_cls=dict(
            type='CrossEntropyLoss', use_sigmoid=True, loss_weight=1.0),
        loss_bbox=dict(type='L1Loss', loss_weight=1.0)),
    roi_head=dict(
        type='SingleMaskCascadeRoIHead',
        num_stages=3,
        # Not MMDetection's [1, 0.5, 0.25]: the reference has no stage weights.
        stage_loss_weights=[1, 1, 1],
        # "In the final stage" (section 3.3). The reference code trains it on
        # the RoIs of the first: mask_stage=0. With small models on the
        # LIVECell sample the last gave masks of 1.0 (4 points) to 1.6 (full)
        # points more IoU in true boxes, and mask AP that is level within three
        # seeds; on HeLa both are level (docs/results.md). What ResNeSt-200
        # makes of it was not tried.
        mask_stage=-1,
        bbox_roi_extractor=dict(
            type='Float32RoIExtractor',
            roi_layer=dict(
                type='RoIAlign', output_size=7, sampling_ratio=0),
            out_channels=256,
            featmap_strides=[4, 8, 16, 32]),
        bbox_head=[
            dict(
                type='Shared4Conv1FCBBoxHead',
                in_channels=256,
                conv_out_channels=256,
                fc_out_channels=1024,
                norm_cfg=norm_cfg,
                roi_feat_size=7,
                num_classes=1,
                reg_class_agnostic=True,
                bbox_coder=dict(
                    type='DeltaXYWHBBoxCoder',
                    target_means=[0., 0., 0., 0.],
                    target_stds=[1 / weight for weight in weights]),
                loss_cls=dict(
                    type='CrossEntropyLoss',
                    use_sigmoid=False,
                    loss_weight=1.0),
                loss_bbox=dict(type='L1Loss', loss_weight=1.0))
            for weights in [(10, 10, 5, 5), (20, 20, 10, 10), (30, 30, 15, 15)]
        ],
        mask_roi_extractor=dict(
            type='Float32RoIExtractor',
            roi_layer=dict(
                type='RoIAlign', output_size=14, sampling_ratio=0),
            out_channels=256,
            featmap_strides=[4, 8, 16, 32]),
        # Its last layer starts as MMDetection's does; detectron2 draws it with
        # a deviation of 0.001. From COCO weights it makes no difference.
        mask_head=dict(
            type='PointMaskHead',
            num_convs=8,
            in_channels=256,
            conv_out_channels=256,
            norm_cfg=norm_cfg,
            num_classes=1)),
    train_cfg=dict(
        rpn=dict(
            assigner=dict(
                # MaxIoUAssigner within memory: 3,000 cells are common here.
                type='BoundedMaxIoUAssigner',
                # Above 0.7 a cell, below 0.3 background, ignored in between:
                # the usual rule, which section 3.2 turns around in words.
                pos_iou_thr=0.7,
                neg_iou_thr=0.3,
                # Every cell gets its best anchor, however small the overlap,
                # as in detectron2. (0 would match a cell that no anchor
                # overlaps with all of them.)
                min_pos_iou=1e-6,
                # MMDetection gives such an anchor to the cell, even if it
                # overlaps another one more; detectron2 only makes it a
                # positive one. It concerns 1 % of the positive anchors on
                # sixteen images of LIVECell.
                match_low_quality=True,
                ignore_iof_thr=-1),
            sampler=dict(
                type='RandomSampler',
                num=256,
                pos_fraction=0.5,
                neg_pos_ub=-1,
                add_gt_as_proposals=False),
            allowed_border=-1,
            pos_weight=-1,
            debug=False),
        rpn_proposal=dict(
            nms_pre=12000,
            max_per_img=3000,
            nms=dict(type='nms', iou_threshold=0.7),
            min_bbox_size=0),
        rcnn=[
            dict(
                assigner=dict(
                    type='MaxIoUAssigner',
                    pos_iou_thr=iou_thr,
                    neg_iou_thr=iou_thr,
                    min_pos_iou=iou_thr,
                    match_low_quality=False,
                    ignore_iof_thr=-1),
                # 512 RoIs are drawn once; the later stages relabel what the
                # stage before made of them, as in detectron2.
                sampler=dict(
                    type='RandomSampler',
                    num=512,
                    pos_fraction=0.25,
                    neg_pos_ub=-1,
                    add_gt_as_proposals=True)
                if iou_thr == 0.5 else dict(type='PseudoSampler'),
                mask_size=28,
                pos_weight=-1,
                debug=False) for iou_thr in [0.5, 0.6, 0.7]
        ]),
    test_cfg=dict(
        rpn=dict(
            nms_pre=6000,
            max_per_img=3000,
            nms=dict(type='nms', iou_threshold=0.7),
            min_bbox_size=0),
        rcnn=dict(
            score_thr=0.05,
            nms=dict(type='nms', iou_threshold=0.5),
            max_per_img=3000,
            mask_thr_binary=0.5,
            # Run-length codes instead of bitmaps of the image.
            mask_codes=True)))
