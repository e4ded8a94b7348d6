"""Train one of our configs, predict, and say what it took.

Run by arena.py, which writes the job: a JSON with ``config`` (path), ``data``
(folder in the layout of configs/_base_/datasets/own_points.py), ``points``
(answers per cell, 0 for full masks), ``iterations``, ``seed``,
``cell_length``, ``bfloat16`` (whether to compute in it), ``predict`` ({name:
COCO file}) and ``out`` (folder).
"""
import argparse
import json
import os
import time
from pathlib import Path

import torch
from mmdet.registry import DATASETS
from mmengine.config import Config
from mmengine.runner import Runner

import pace_mmdet.register  # noqa: F401
from pace_mmdet.engine.bfloat16 import train_in_bfloat16
from pace_mmdet.engine.cell_scale import fit_to_cells


def prepare(job: dict) -> Config:
    """The config, with the job's data and schedule."""
    os.environ['PACE_OWN_DATA'] = job['data']
    cfg = Config.fromfile(job['config'])
    cfg.cell_length.images = job['cell_length']
    fit_to_cells(cfg)
    length = job['iterations']
    cfg.train_cfg.update(max_iters=length, val_interval=2 * length)
    for part in cfg.param_scheduler:
        if part.type == 'CosineAnnealingLR':
            part.end = max(length, part.begin + 1)
    if job['points']:
        cfg.train_dataloader.dataset.num_points = job['points']
    # All in one process, whose CPU time is counted.
    cfg.train_dataloader.update(num_workers=0, persistent_workers=False)
    # No scores on the way. The part for tests stays in the checkpoint, where
    # prediction reads how images are prepared.
    cfg.val_dataloader = cfg.val_evaluator = cfg.val_cfg = None
    cfg.default_hooks.checkpoint.update(save_best=None, interval=length)
    cfg.default_hooks.pop('visualization')
    if job.get('bfloat16'):
        train_in_bfloat16(cfg, 'cpu')
    cfg.randomness = dict(seed=job['seed'])
    cfg.work_dir = job['out']
    return cfg


def predict(model, cfg: Config, ann_file: str) -> tuple:
    """COCO results, and CPU seconds an image."""
    wanted = dict(cfg.test_dataloader.dataset, ann_file=ann_file,
                  type='CellMaskDataset')
    wanted.pop('num_points', None)
    dataset = DATASETS.build(wanted)
    results, seconds = [], 0.0
    for i in range(len(dataset)):
        start = time.process_time()
        sample = dataset[i]
        found = model.test_step(
            dict(inputs=[sample['inputs']],
                 data_samples=[sample['data_samples']]))[0]
        seconds += time.process_time() - start
        cells = found.pred_instances
        boxes = cells.bboxes.clone()
        boxes[:, 2:] -= boxes[:, :2]
        results += [
            dict(
                image_id=found.img_id,
                category_id=1,
                bbox=box,
                score=score,
                segmentation=dict(
                    size=list(mask['size']), counts=mask['counts'].decode()))
            for box, score, mask in zip(boxes.tolist(), cells.scores.tolist(),
                                        cells.masks)
        ]
    return results, seconds / len(dataset)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('job', type=Path)
    job = json.loads(parser.parse_args().job.read_text())
    torch.set_num_threads(1)
    cfg = prepare(job)
    runner = Runner.from_cfg(cfg)
    start = time.process_time()
    runner.train()
    done = dict(train_seconds=time.process_time() - start,
                steps=job['iterations'])
    runner.model.eval()
    out = Path(job['out'])
    for name, ann_file in job['predict'].items():
        with torch.autocast('cpu', torch.bfloat16, enabled=job['bfloat16']):
            results, seconds = predict(runner.model, cfg, ann_file)
        (out / f'{name}.json').write_text(json.dumps(results))
        if name == 'test':
            done['predict_seconds'] = seconds
    (out / 'done.json').write_text(json.dumps(done))


if __name__ == '__main__':
    main()
