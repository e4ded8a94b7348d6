# LIVECell's schedule: 30,000 iterations of 16 images, evaluated every 500.
# (The paper says "3x", which is 270,000 iterations in detectron2, but picks
# checkpoints at 3,000 to 5,000: a fine-tuning run. In other toolkits 3x means
# 36 epochs, which is 7,300 iterations here.)
train_cfg = dict(
    type='IterBasedTrainLoop', max_iters=30000, val_interval=500)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

optim_wrapper = dict(
    type='OptimWrapper',
    constructor='MergedOptimWrapperConstructor',
    optimizer=dict(
        type='SGD', lr=0.02, momentum=0.9, weight_decay=0.0001),
    paramwise_cfg=dict(norm_decay_mult=0.0))

param_scheduler = [
    dict(
        type='LinearLR',
        start_factor=0.001,
        by_epoch=False,
        begin=0,
        end=1000),
    dict(
        type='MultiStepLR',
        by_epoch=False,
        begin=0,
        end=30000,
        milestones=[17500, 20000],
        gamma=0.1)
]

# The learning rate belongs to 16 images an iteration (8 GPUs x 2);
# `--auto-scale-lr` fits it to other numbers.
auto_scale_lr = dict(enable=False, base_batch_size=16)
