_base_ = [
    '../_base_/models/point2mask_r50.py',
    '../_base_/datasets/livecell_points.py',
    '../_base_/schedules/livecell_30k.py', '../_base_/runtime.py'
]
