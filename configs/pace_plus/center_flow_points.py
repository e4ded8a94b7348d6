# Your own images with boxes and points, on a laptop's CPU; see
# `../_base_/datasets/plus_points.py`.
_base_ = [
    '../_base_/models/center_flow.py', '../_base_/datasets/plus_points.py',
    '../_base_/schedules/plus_500.py', '../_base_/runtime.py'
]
default_hooks = dict(
    checkpoint=dict(interval=100, save_best='livecell/bbox_AP'))
