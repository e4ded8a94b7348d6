# Foreground and flow at every pixel of a small U-Net: learns from scratch,
# from few images, in minutes on a CPU core.
model = dict(
    type='CenterFlowDetector',
    data_preprocessor=dict(
        type='DetDataPreprocessor',
        # What normalize='standard' brings images to.
        mean=[96.0, 96.0, 96.0],
        std=[32.0, 32.0, 32.0],
        bgr_to_rgb=False,
        pad_mask=True,
        pad_size_divisor=32),
    backbone=dict(type='CellUNet', base_channels=32, num_levels=5),
    bbox_head=dict(type='CenterFlowHead', in_channels=32, stride=2, steps=40),
    # Cells are found in means over four views. With one they are found three
    # times as fast and less exactly (docs/flow_model.md).
    test_cfg=dict(score_thr=0.05, mask_thr=0.5, min_area=6, views=4))
# Scores are lower than those of a detector. Near the best F1 on the three
# data sets of tools/benchmarks/arena (0.48, 0.20, 0.34).
predict_cfg = dict(score_thr=0.25)

# Images are resized so that cells of `images` pixels have `network` pixels on
# their longer side. None: the median of the boxes that are trained on; testing
# and prediction then have it from the checkpoint.
cell_length = dict(images=None, network=36)
# For cells of 36 pixels, to be handed to the loaders.
flow_pipelines = dict(
    train=[
        dict(type='SeedSample'),
        dict(type='LoadMicroscopyImage', normalize='standard', keep_mb=512),
        dict(type='LoadPointAnnotations'),
        dict(
            type='RandomChoice',
            # Cut out first, it costs less. 256 pixels (or one less) are what
            # comes out, from 3/4 to 4/3 of the size.
            transforms=[[
                dict(type='RandomCrop', crop_size=(256, 256)),
                dict(
                    type='Resize',
                    scale_factor=2**(step / 7.2),
                    keep_ratio=True)
            ] for step in range(-3, 4)]),
        dict(
            type='RandomFlip',
            prob=0.75,
            direction=['horizontal', 'vertical', 'diagonal']),
        # A quarter turn every other time: with the flips all eight positions.
        dict(type='Rotate', prob=0.5, min_mag=90.0, max_mag=90.0),
        dict(type='PackDetInputs')
    ],
    test=[
        dict(type='LoadMicroscopyImage', normalize='standard'),
        dict(type='Resize', scale_factor=1.0, keep_ratio=True),
        dict(
            type='PackDetInputs',
            meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape',
                       'scale_factor'))
    ])
