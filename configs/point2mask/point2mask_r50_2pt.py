_base_ = './point2mask_r50_4pt.py'
train_dataloader = dict(dataset=dict(num_points=2))
