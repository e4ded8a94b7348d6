"""Measure masks where the box is known: what supervision is good for.

The model predicts a mask for each true box of the test (or validation)
images, which is compared with the true mask: mean IoU, shares of cells above
an IoU, IoU of the boundaries; for all cells, by size and by cell type. With
--against, two models are compared cell by cell, with 95 % intervals.
"""
import argparse
import io
import json
from contextlib import redirect_stdout
from pathlib import Path
from typing import List, Optional

from mmdet.registry import DATASETS, MODELS
from mmengine.config import DictAction
from mmengine.device import get_device
from mmengine.registry import init_default_scope
from rich.console import Console
from rich.table import Table

from pace_mmdet.datasets.checks import require_masks
from pace_mmdet.engine.configuring import read_config
from pace_mmdet.engine.data_check import check_data
from pace_mmdet.engine.options import merge_options
from pace_mmdet.engine.running import load_weights
from pace_mmdet.engine.safe_loading import load_checkpoint_file
from pace_mmdet.errors import UserError
from pace_mmdet.evaluation.mask_quality import (MEASURES, MaskQuality, align,
                                                load_quality,
                                                paired_difference,
                                                save_quality)
from pace_mmdet.evaluation.true_boxes import measure_masks
from pace_mmdet.files import refuse_inputs, write_atomically

from .running import program


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Of the command line."""
    parser.add_argument('config', help='config of the model')
    parser.add_argument('checkpoint', help='its weights')
    parser.add_argument(
        '--against', metavar='FILE', help='another checkpoint, or what '
        '--out wrote for it; differences are the first minus this one')
    parser.add_argument(
        '--against-config', metavar='CONFIG',
        help="the other checkpoint's config (default: the same)")
    parser.add_argument(
        '--split', choices=['test', 'val'], default='test',
        help='images (default: %(default)s)')
    parser.add_argument(
        '--out', type=Path, metavar='FILE.npz', help="write all cells' values")
    parser.add_argument(
        '--results', type=Path, metavar='FILE.json',
        help='write the predicted masks as COCO results, for compare.py')
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, default={},
        metavar='KEY=VALUE', help='settings to change in the config')
    parser.add_argument(
        '--trust-checkpoint', action='store_true',
        help='load checkpoints that hold code')


def measure(config: str,
            checkpoint: str,
            args: argparse.Namespace,
            results: Optional[List[dict]] = None) -> MaskQuality:
    """A model's masks for the true boxes of a config's images."""
    cfg = read_config(config)
    merge_options(cfg, args.cfg_options)
    check_data(cfg, (args.split, ))
    settings = cfg[f'{args.split}_dataloader'].dataset
    require_masks(settings, config, args.split)
    init_default_scope(cfg.get('default_scope', 'mmdet'))
    cfg.model.backbone.init_cfg = None
    model = MODELS.build(cfg.model)
    weights = load_checkpoint_file(checkpoint, 'cpu', args.trust_checkpoint)
    load_weights(model, weights, checkpoint)
    model.to(get_device()).eval()
    with redirect_stdout(io.StringIO()):  # pycocotools talks
        dataset = DATASETS.build(settings)
    return measure_masks(model, dataset, results)


def table_of(quality: MaskQuality,
             other: Optional[MaskQuality]) -> Table:
    """Means by group; with another model, differences and intervals."""
    table = Table(title='masks for true boxes (%)'
                  if other is None else 'differences (percentage points), '
                  '± half of the 95 % interval over cells')
    for name in ('cells of', 'number', *MEASURES):
        table.add_column(name, justify='right' if name != 'cells of' else
                         'left')
    values = quality.values()
    others = None if other is None else other.values()
    for group, chosen in quality.groups().items():
        cells = []
        for name in MEASURES:
            if others is None:
                cells.append(f'{100 * values[name][chosen].mean():.2f}')
                continue
            change = paired_difference(values[name][chosen],
                                       others[name][chosen])
            cells.append(f'{100 * change.mean:+.2f} ± '
                         f'{100 * change.margin:.2f}')
        table.add_row(group, str(int(chosen.sum())), *cells)
    return table


def run(args: argparse.Namespace) -> None:
    """Measure and print."""
    if args.against_config is not None and (
            args.against is None or args.against.endswith('.npz')):
        raise UserError('--against-config goes with --against and a '
                        'checkpoint')
    refuse_inputs([args.out, args.results],
                  [args.config, args.checkpoint, args.against,
                   args.against_config])
    results: List[dict] = []
    quality = measure(args.config, args.checkpoint, args, results)
    if args.out is not None:
        save_quality(args.out, quality)
    if args.results is not None:
        write_atomically(args.results, json.dumps(results))
    console = Console()
    console.print(table_of(quality, None))
    if args.against is None:
        return
    if args.against.endswith('.npz'):
        other = load_quality(Path(args.against))
    else:
        other = measure(args.against_config or args.config, args.against,
                        args)
    other = align(quality, other)
    console.print(table_of(other, None))
    console.print(table_of(quality, other))


main = program(__name__)
