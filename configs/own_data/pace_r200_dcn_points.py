# The paper's model on point labels of your own. Start from a model trained on
# cells: --load-from CHECKPOINT.
_base_ = [
    '../_base_/models/pace_r200_dcn.py', '../_base_/datasets/own_points.py',
    '../_base_/schedules/own_2k.py', '../_base_/runtime.py'
]
# LIVECell's normalisation, stated for 8-bit phase contrast, on images that
# are stretched to the full 8 bits.
model = dict(
    data_preprocessor=dict(mean=[128.0, 128.0, 128.0], std=[50.0, 50.0, 50.0]))
default_hooks = dict(
    checkpoint=dict(interval=200, save_best='livecell/bbox_AP'))
