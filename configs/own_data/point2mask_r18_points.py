# Point2Mask on point labels of your own; as `pace_r18_points.py`.
_base_ = [
    '../_base_/models/point2mask_r18_small.py',
    '../_base_/datasets/own_points.py', '../_base_/schedules/own_2k.py',
    '../_base_/runtime.py'
]
default_hooks = dict(
    checkpoint=dict(interval=200, save_best='livecell/bbox_AP'))
