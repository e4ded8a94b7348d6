# 2,000 iterations for a small data set, from scratch or from a checkpoint
# (`--load-from`).
train_cfg = dict(type='IterBasedTrainLoop', max_iters=2000, val_interval=200)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=0.0002, weight_decay=0.01),
    clip_grad=dict(max_norm=10.0))

param_scheduler = [
    dict(
        type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=50),
    dict(
        type='CosineAnnealingLR',
        eta_min=0.000002,
        by_epoch=False,
        begin=50,
        end=2000)
]
auto_scale_lr = dict(enable=False, base_batch_size=2)
