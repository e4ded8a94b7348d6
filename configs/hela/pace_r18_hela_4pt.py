_base_ = [
    '../_base_/models/pace_r18_small.py', '../_base_/datasets/hela_points.py',
    '../_base_/schedules/small_300.py', '../_base_/runtime.py'
]
default_hooks = dict(checkpoint=dict(interval=100))
