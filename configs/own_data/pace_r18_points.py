# The paper's method on a small cascade of MMDetection, from scratch; for cells
# of 10 to 100 pixels. `own_points.py` is better and faster.
_base_ = [
    '../_base_/models/pace_r18_small.py', '../_base_/datasets/own_points.py',
    '../_base_/schedules/own_2k.py', '../_base_/runtime.py'
]
default_hooks = dict(
    checkpoint=dict(interval=200, save_best='livecell/bbox_AP'))
