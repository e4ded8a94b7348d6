"""Training steps of any config: images a second and peak memory.

Compares our layers in float32 with MMDetection's own, and on a GPU with ours
in bfloat16, with channels last, and with backbone and neck compiled. Images
are synthetic, weights random. --compiled names the interpreter of a second
environment, where MMCV was built with its operators: MMDetection then runs
there, and so does our model on those operators. With --loss-curve it trains
each for longer, on the same data and seeds, and draws the losses; then
bfloat16 works on a CPU too.
"""
import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Dict, List, Optional

import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from rich.progress import track

from pace_mmdet.engine import CompileHook
from pace_mmdet.engine.bfloat16 import train_in_bfloat16
from pace_mmdet.images.saving import save_figure
from pace_mmdet.testing import synthetic_sample
from pace_mmdet.testing.benchmarking import (OURS, Aim, Comparison, Cost,
                                             add_json_option, publish)
from pace_mmdet.visualization.plots import compared_losses_figure

STOCK = 'MMDetection'
MMCV = 'compiled MMCV'
VARIANTS = (OURS, STOCK, MMCV, 'compiled', 'bfloat16',
            'bfloat16+channels_last', 'bfloat16+compiled')
# Those that bring MMCV's operators in.
MMCV_LAYERS = dict(
    Float32DCNv2='DCNv2', Float32RoIExtractor='SingleRoIExtractor')
STOCK_LAYERS = dict(
    MMCV_LAYERS,
    Float32RPNHead='RPNHead',
    BoundedMaxIoUAssigner='MaxIoUAssigner')
ROOT = Path(__file__).resolve().parents[2]
# So many different batches at most; a step takes the next.
NUM_BATCHES = 4


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'config', nargs='?', default='configs/pace/pace_r200_dcn_4pt.py')
    parser.add_argument('--device', default='cuda' if
                        torch.cuda.is_available() else 'cpu')
    parser.add_argument(
        '--variants', nargs='+', choices=VARIANTS,
        help='default: all that can run; on a CPU the first three')
    parser.add_argument('--compiled', metavar='PYTHON', type=Path)
    parser.add_argument(
        '--aim', type=float,
        help='how many times our time our model on a compiled MMCV should '
        'take')
    parser.add_argument('--batch-size', type=int, default=2)
    parser.add_argument('--height', type=int, default=520)
    parser.add_argument('--width', type=int, default=704)
    parser.add_argument('--cells', type=int, default=300, help='per image')
    parser.add_argument('--steps', type=int, default=10, help='measured')
    parser.add_argument('--warmup', type=int, default=3)
    parser.add_argument(
        '--loss-curve', type=int, default=0, metavar='STEPS',
        help='train for so many steps instead and compare the losses')
    parser.add_argument('--out', type=Path, help='picture of the losses')
    add_json_option(parser)
    # What a process started by this one runs.
    parser.add_argument('--one', choices=VARIANTS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.variants is None:
        known = VARIANTS if args.device != 'cpu' else VARIANTS[:3]
        args.variants = [v for v in known if v != MMCV or args.compiled]
    if OURS not in args.variants:
        parser.error(f'--variants needs {OURS} to compare with')
    if MMCV in args.variants and args.compiled is None:
        parser.error(f'{MMCV} needs --compiled')
    return args


def replace_layers(node, others: Dict[str, str]) -> None:
    """Replace types of layers, in place."""
    children = node.values() if isinstance(node, dict) else node
    if isinstance(node, dict) and node.get('type') in others:
        node['type'] = others[node['type']]
    for child in children:
        if isinstance(child, (dict, list, tuple)):
            replace_layers(child, others)


def num_points(cfg: Config) -> int:
    """Points per cell that the config trains from, 0 for full masks."""
    return cfg.train_dataloader.dataset.get('num_points', 0)


def train(variant: str, args: argparse.Namespace) -> dict:
    """Run one variant; gives what was measured."""
    # Otherwise it lists how every parameter was initialised.
    MMLogger.get_instance('train_step', log_level='WARNING')
    cfg = Config.fromfile(args.config)
    init_default_scope('mmdet')
    if cfg.model.backbone.get('init_cfg'):
        cfg.model.backbone.init_cfg = None
    if variant in (STOCK, MMCV):
        check_mmcv(args.compiled)
        replace_layers(cfg.model,
                       STOCK_LAYERS if variant == STOCK else MMCV_LAYERS)
    if variant == STOCK:
        cfg.optim_wrapper.pop('constructor', None)
    if 'bfloat16' in variant:
        train_in_bfloat16(cfg, args.device)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    if args.loss_curve:
        # Takes long, and says nothing about speed.
        model.init_weights()
    model.to(args.device).train()
    if 'channels_last' in variant:
        model.to(memory_format=torch.channels_last)
    if 'compiled' in variant.split('+'):
        CompileHook(enabled=True).before_run(SimpleNamespace(model=model))
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    batches = [[
        synthetic_sample(args.cells, args.height, args.width,
                         args.batch_size * batch + image, num_points(cfg))
        for image in range(args.batch_size)
    ] for batch in range(min(NUM_BATCHES, args.loss_curve or args.steps))]
    synchronize(args.device)
    before = memory(args.device)
    steps = args.loss_curve or args.warmup + args.steps
    seconds, losses = [], []
    for step in track(range(steps), f'{variant:<22}', transient=True):
        torch.manual_seed(step)
        warm_up(wrapper, step)
        start = time.perf_counter()
        logs = model.train_step(pack(batches[step % len(batches)]), wrapper)
        synchronize(args.device)
        seconds.append(time.perf_counter() - start)
        losses.append({k: v.item() for k, v in logs.items() if 'loss' in k})
    return dict(
        seconds=statistics.median(seconds[args.warmup:]),
        megabytes=(memory(args.device) - before) / 1e6,
        losses=losses)


def check_mmcv(compiled: Optional[Path]) -> None:
    """Make sure that MMCV's operators are what was asked for."""
    import mmcv._ext
    if compiled and mmcv._ext.__file__.endswith('.py'):
        raise SystemExit(f'{sys.executable} has no compiled MMCV')


def pack(batch: List[tuple]) -> dict:
    """A batch as a data loader gives it; training changes its samples."""
    images, samples = zip(*batch)
    return dict(
        inputs=list(images),
        data_samples=[sample.clone() for sample in samples])


def warm_up(wrapper, step: int) -> None:
    """Let the learning rate rise over 100 steps, as schedules do."""
    for group in wrapper.optimizer.param_groups:
        full = group.setdefault('initial_lr', group['lr'])
        group['lr'] = full * min((step + 1) / 100, 1)


def synchronize(device: str) -> None:
    if device != 'cpu':
        torch.cuda.synchronize()


def memory(device: str) -> float:
    """Most bytes in use at any moment so far."""
    if device == 'cpu':
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return torch.cuda.max_memory_allocated()


def run_apart(variant: str, args: argparse.Namespace) -> dict:
    """Run a variant in a fresh process, so that none leaves traces."""
    python = sys.executable
    if variant in (STOCK, MMCV) and args.compiled:
        python = args.compiled
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'result.json'
        done = subprocess.run(
            [python, __file__, *sys.argv[1:], '--one', variant, '--json',
             path], env=dict(os.environ, PYTHONPATH=str(ROOT)))
        if done.returncode:
            raise SystemExit(f'{variant} ended with exit status '
                             f'{done.returncode}, see above')
        return json.loads(path.read_text())


def comparison(args: argparse.Namespace,
               results: Dict[str, dict]) -> Comparison:
    """The measured times and memory."""
    device = (f'{torch.get_num_threads()} CPU threads'
              if args.device == 'cpu' else torch.cuda.get_device_name())
    speed = ', '.join(f'{name} {args.batch_size / result["seconds"]:.2f}'
                      for name, result in results.items())
    return Comparison(
        f'A training step of {Path(args.config).stem}, {args.batch_size} '
        f'images of {args.width} x {args.height} pixels with {args.cells} '
        f'cells, {device}', {
            name: Cost(result['seconds'], result['megabytes'])
            for name, result in results.items()
        }, {MMCV: Aim(args.aim)}, [f'images a second: {speed}'])


def print_losses(results: Dict[str, dict]) -> None:
    """Ten means of each run's losses."""
    window = max(len(next(iter(results.values()))['losses']) // 10, 1)
    print(f'Mean loss of every {window} steps:')
    for variant, result in results.items():
        totals = [loss['loss'] for loss in result['losses']]
        means = [statistics.mean(totals[i:i + window])
                 for i in range(0, len(totals) - window + 1, window)]
        print(f'  {variant:<22}' + ' '.join(f'{m:6.3f}' for m in means))


def main() -> None:
    args = parse_args()
    if args.one:
        args.json.write_text(json.dumps(train(args.one, args)))
        return
    results = {variant: run_apart(variant, args) for variant in args.variants}
    publish([comparison(args, results)], args.json)
    if args.loss_curve:
        print_losses(results)
        if args.out:
            save_figure(
                compared_losses_figure({
                    name: [loss['loss'] for loss in result['losses']]
                    for name, result in results.items()
                }), args.out)


if __name__ == '__main__':
    main()
