_base_ = [
    '../_base_/models/point2mask_r18_small.py',
    '../_base_/datasets/livecell_small_points.py',
    '../_base_/schedules/small_300.py', '../_base_/runtime.py'
]
# LIVECell's grey values as they are, see `pace_r200_dcn.py`.
model = dict(
    data_preprocessor=dict(
        mean=[128.0, 128.0, 128.0],
        std=[11.578, 11.578, 11.578]))
default_hooks = dict(checkpoint=dict(interval=100))
