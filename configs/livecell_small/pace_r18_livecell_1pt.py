_base_ = './pace_r18_livecell_4pt.py'
train_dataloader = dict(dataset=dict(num_points=1))
