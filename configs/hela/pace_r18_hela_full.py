_base_ = [
    '../_base_/models/pace_r18_small.py', '../_base_/datasets/hela_masks.py',
    '../_base_/schedules/small_300.py', '../_base_/runtime.py'
]
model = dict(roi_head=dict(mask_head=dict(type='FullMaskHead')))
default_hooks = dict(checkpoint=dict(interval=100))
