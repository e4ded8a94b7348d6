_base_ = './point2mask_r18_hela_4pt.py'
train_dataloader = dict(dataset=dict(num_points=6))
