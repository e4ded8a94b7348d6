_base_ = [
    '../_base_/models/pace_r18_small.py',
    '../_base_/datasets/usiigaci_masks.py',
    '../_base_/schedules/small_300.py', '../_base_/runtime.py'
]
# What stretched phase contrast has on average.
model = dict(
    data_preprocessor=dict(
        mean=[98.0, 98.0, 98.0],
        std=[20.0, 20.0, 20.0]),
    roi_head=dict(mask_head=dict(type='FullMaskHead')))
default_hooks = dict(checkpoint=dict(interval=100))
