# PACE's own network on the data of `livecell_small/`: for minutes on one GPU.
_base_ = [
    '../_base_/models/pace_r200_dcn.py',
    '../_base_/datasets/livecell_small_masks.py',
    '../_base_/schedules/small_300.py', '../_base_/runtime.py'
]
model = dict(
    backbone=dict(init_cfg=None),
    roi_head=dict(mask_head=dict(type='FullMaskHead')))
train_dataloader = dict(batch_size=8, num_workers=8)
optim_wrapper = dict(optimizer=dict(lr=0.0002))
default_hooks = dict(checkpoint=dict(interval=100))
