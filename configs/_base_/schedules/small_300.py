# 300 iterations of 2 images from scratch: minutes on two CPU cores.
train_cfg = dict(type='IterBasedTrainLoop', max_iters=300, val_interval=300)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=0.0004, weight_decay=0.01),
    clip_grad=dict(max_norm=10.0))

param_scheduler = [
    dict(
        type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=20),
    dict(
        type='CosineAnnealingLR',
        eta_min=0.000004,
        by_epoch=False,
        begin=20,
        end=300)
]
auto_scale_lr = dict(enable=False, base_batch_size=2)
