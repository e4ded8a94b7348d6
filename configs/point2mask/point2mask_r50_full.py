_base_ = [
    '../_base_/models/point2mask_r50.py',
    '../_base_/datasets/livecell_masks.py',
    '../_base_/schedules/livecell_30k.py', '../_base_/runtime.py'
]
model = dict(roi_head=dict(mask_head=dict(type='FullMaskHead')))
