# Trained on boxes alone: the common start of every kind of supervision where
# these are compared (table1.py --start boxes).
_base_ = './pace_r200_livecell_4pt.py'
model = dict(
    roi_head=dict(
        mask_head=dict(
            loss_mask=dict(
                type='CrossEntropyLoss', use_sigmoid=True, loss_weight=0.0))))
default_hooks = dict(checkpoint=dict(save_best='livecell/bbox_AP'))
