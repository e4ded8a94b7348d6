# 500 iterations of 2 crops from scratch: about 3 minutes of a CPU core.
train_cfg = dict(type='IterBasedTrainLoop', max_iters=500, val_interval=100)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(
        type='AdamW', lr=0.002, weight_decay=0.02, fused=True),
    clip_grad=dict(max_norm=5.0))

param_scheduler = [
    dict(
        type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=20),
    dict(
        type='CosineAnnealingLR',
        eta_min=0.00002,
        by_epoch=False,
        begin=20,
        end=500)
]
auto_scale_lr = dict(enable=False, base_batch_size=2)
