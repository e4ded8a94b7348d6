# As `pace_r18_points.py` for data with masks; points are drawn from them.
_base_ = [
    '../_base_/models/pace_r18_small.py', '../_base_/datasets/own_masks.py',
    '../_base_/schedules/own_2k.py', '../_base_/runtime.py'
]
default_hooks = dict(checkpoint=dict(interval=200))
