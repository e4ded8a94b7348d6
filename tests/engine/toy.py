"""A model, data set and metric that train in milliseconds.

Every source of randomness of a real run is in them: order of the data,
augmentation, and draws inside the model.
"""
import json
import os
import random
import signal
from pathlib import Path

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmdet.registry import DATASETS, HOOKS, METRICS, MODELS, TRANSFORMS
from mmengine.dataset import BaseDataset
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from mmengine.model import BaseModel

CONFIG = """
custom_imports = dict(imports=['tests.engine.toy'])
default_scope = 'mmdet'
model = dict(type='ToyModel')
loader = dict(
    batch_size=2,
    num_workers=0,
    sampler=dict(type='SeededInfiniteSampler', shuffle=True),
    dataset=dict(
        type='ToyDataset',
        serialize_data=False,
        pipeline=[dict(type='SeedSample'), dict(type='ToyNoise')]))
train_dataloader = loader
val_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='ToyDataset', serialize_data=False, pipeline=[]))
val_evaluator = dict(type='ToyMetric')
train_cfg = dict(type='IterBasedTrainLoop', max_iters=6, val_interval=2)
val_cfg = dict(type='ValLoop')
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1, momentum=0.9))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, end=4)
]
default_hooks = dict(
    logger=dict(type='LoggerHook', interval=1),
    checkpoint=dict(
        type='AtomicCheckpointHook',
        by_epoch=False,
        interval=2,
        max_keep_ckpts=1,
        save_best='toy/score',
        rule='greater'))
custom_hooks = [
    dict(type='IterationSeedHook'),
    dict(type='ToyRecorder')
]
randomness = dict(seed=3)
auto_scale_lr = dict(enable=False, base_batch_size=16)
log_level = 'ERROR'
"""


def write_config(folder: Path, extra: str = '') -> Path:
    """Write the toy config, with lines added at its end."""
    path = Path(folder) / 'toy.py'
    path.write_text(CONFIG + extra)
    return path


@DATASETS.register_module()
class ToyDataset(BaseDataset):
    """Numbers 0 to 6."""

    METAINFO = dict(classes=('cell', ), palette=[(220, 20, 60)])

    def load_data_list(self):
        return [dict(number=float(i)) for i in range(7)]


@TRANSFORMS.register_module()
class ToyNoise(BaseTransform):
    """Augmentation that draws from three random generators."""

    def transform(self, results):
        noise = random.random() + np.random.rand() + torch.rand(1).item()
        return {**results, 'noise': noise}


@MODELS.register_module()
class ToyModel(BaseModel):
    """A line with batch norm and dropout, fitted to the numbers."""

    def __init__(self):
        super().__init__()
        self.line = torch.nn.Linear(1, 4)
        self.norm = torch.nn.BatchNorm1d(4)

    def forward(self, number, noise=None, sample_idx=None, mode='tensor'):
        number = torch.as_tensor(number, dtype=torch.float32)[:, None]
        if mode == 'predict':
            return [self.norm.weight.detach().sum().item()]
        noise = torch.as_tensor(noise, dtype=torch.float32)[:, None]
        hidden = self.norm(self.line(number + noise))
        hidden = torch.nn.functional.dropout(hidden, 0.5)
        return dict(loss=(hidden.sum(1) - number[:, 0]).square().mean())


@METRICS.register_module()
class ToyMetric(BaseMetric):
    """A score that goes up and down in a way that weights decide."""

    default_prefix = 'toy'

    def process(self, data_batch, data_samples):
        self.results.extend(data_samples)

    def compute_metrics(self, results):
        return dict(score=float(np.sin(44 * np.mean(results))))


@METRICS.register_module()
class ToyRisingMetric(ToyMetric):
    """A score that is better each time."""

    passed = 1

    def compute_metrics(self, results):
        self.passed += 1
        return dict(score=float(self.passed))


@HOOKS.register_module()
class ToyRecorder(Hook):
    """Writes down what each step saw."""

    priority = 'LOWEST'

    def after_train_iter(self, runner, batch_idx, data_batch, outputs=None):
        row = dict(
            iter=runner.iter,
            data=[int(i) for i in data_batch['sample_idx']],
            noise=[float(n) for n in data_batch['noise']],
            lr=runner.optim_wrapper.get_lr()['lr'])
        name = f'steps_{os.environ.get("RANK", 0)}.jsonl'
        with open(Path(runner.work_dir) / name, 'a') as file:
            file.write(json.dumps(row) + '\n')


def kill_here() -> None:
    """End this process as a full memory or an impatient cluster does."""
    os.kill(os.getpid(), signal.SIGKILL)


class KillsWhenPickled:
    """Ends the process while a checkpoint is being written."""

    def __reduce__(self):
        kill_here()


@HOOKS.register_module()
class ToyKiller(Hook):
    """Kills the run at the n-th passing of a moment.

    Args:
        moment (str): 'step', 'save', 'validation' or 'scored'.
        passing (int): Counted from 1.
    """

    priority = 'VERY_HIGH'

    def __init__(self, moment, passing):
        self.moment = moment
        self.left = passing

    def _pass(self, moment):
        if moment == self.moment:
            self.left -= 1
        return moment == self.moment and self.left == 0

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if self._pass('step'):
            kill_here()

    def before_save_checkpoint(self, runner, checkpoint):
        if self._pass('save'):
            checkpoint['zzz'] = KillsWhenPickled()

    def before_val_iter(self, runner, batch_idx, data_batch=None):
        if self._pass('validation'):
            kill_here()

    def after_val_epoch(self, runner, metrics=None):
        if self._pass('scored'):
            kill_here()
