_base_ = './pace_r200_livecell_4pt.py'
train_dataloader = dict(dataset=dict(num_points=1))
