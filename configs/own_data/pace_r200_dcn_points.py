# The paper's model on point labels of your own. Start from a model trained on
# cells: --load-from CHECKPOINT.
_base_ = [
    '../_base_/models/pace_r200_dcn.py', '../_base_/datasets/own_points.py',
    '../_base_/schedules/own_2k.py', '../_base_/runtime.py'
]
# LIVECell's normalisation, stated for 8-bit phase contrast, on images that
# are stretched to the full 8 bits.
# Cells at the border of what is annotated are not background either.
model = dict(
    data_preprocessor=dict(mean=[128.0, 128.0, 128.0], std=[50.0, 50.0, 50.0]),
    train_cfg=dict(
        rpn=dict(assigner=dict(ignore_iof_thr=0.5)),
        rcnn=[
            dict(stage, assigner=dict(stage['assigner'], ignore_iof_thr=0.5))
            for stage in _base_.model.train_cfg.rcnn
        ]))
default_hooks = dict(
    checkpoint=dict(interval=200, save_best='livecell/bbox_AP'))
