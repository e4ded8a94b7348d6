_base_ = './center_flow_hela_4pt.py'
train_dataloader = dict(dataset=dict(num_points=1))
