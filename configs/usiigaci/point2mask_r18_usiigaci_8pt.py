_base_ = './point2mask_r18_usiigaci_4pt.py'
train_dataloader = dict(dataset=dict(num_points=8))
