"""A checkpoint of a network that has learned nothing, and finds anything."""
import torch
from mmdet.registry import MODELS
from mmengine.config import Config

from tests.engine.processes import ROOT

CONFIG = ROOT / 'configs/hela/pace_r18_hela_4pt.py'


def save_untrained(path):
    """Write a checkpoint as training does; few proposals, to be quick.

    Returns:
        tuple[Config, nn.Module]: What is in it.
    """
    cfg = Config.fromfile(CONFIG)
    cfg.model.test_cfg.rpn.update(nms_pre=30, max_per_img=30)
    cfg.model.test_cfg.rcnn.max_per_img = 12
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    model.init_weights()
    meta = dict(cfg=cfg.pretty_text, dataset_meta=dict(classes=('nucleus', )))
    torch.save(dict(state_dict=model.state_dict(), meta=meta), path)
    return cfg, model
