# Foreground and flow at every pixel of a small U-Net: learns from scratch,
# from few images, in minutes on a CPU core. Cells should be about 36 pixels
# long at its input.
model = dict(
    type='SingleStageDetector',
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
    test_cfg=dict(score_thr=0.05, mask_thr=0.45, min_area=6))
# Scores are lower than those of a detector. Near the best F1 on the three
# data sets of tools/benchmarks/arena (0.46, 0.19, 0.31).
predict_cfg = dict(score_thr=0.25)
