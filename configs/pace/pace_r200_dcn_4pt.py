_base_ = [
    '../_base_/models/pace_r200_dcn.py',
    '../_base_/datasets/livecell_points.py',
    '../_base_/schedules/livecell_30k.py', '../_base_/runtime.py'
]
