"""The whole way on real cells: data, training, evaluation, pictures.

What ``make demo`` runs. Training and evaluation are the commands that one
would type oneself, started as separate programs.
"""
from pathlib import Path
from typing import Dict, List

from mmdet.registry import DATASETS
from mmengine.config import Config
from rich.console import Console
from rich.table import Table

from pace_mmdet.engine import find_checkpoint
from pace_mmdet.engine.configuring import read_config
from pace_mmdet.errors import UserError
from pace_mmdet.evaluation.ground_truth import load_ground_truth
from pace_mmdet.evaluation.scoring import score_files
from pace_mmdet.images.intensities import to_uint8
from pace_mmdet.images.saving import save_figure
from pace_mmdet.images.stacks import read_image
from pace_mmdet.inference.preparation import score_threshold
from pace_mmdet.masks.codes import to_rles
from pace_mmdet.points import AnnotationCost
from pace_mmdet.sources.hela.preparing import prepare_hela
from pace_mmdet.structures import InstancePoints
from pace_mmdet.visualization import (read_scalars, supervision_figure,
                                      training_curve_figure)
from pace_mmdet.visualization.comparing import Comparison

from .steps import run_pace

# Part of the image that Fig. 1 shows, x1, y1, x2, y2 in pixels.
WINDOW = (200, 200, 420, 420)


def run_demo(config: str, work_dir: str) -> Dict[str, float]:
    """Train on HeLa from points, evaluate, draw, and sum up.

    Run again, it goes on where it was stopped.

    Args:
        config (str): One that trains on HeLa with points, its name or file.
        work_dir (str): Gets the log, checkpoints, predictions and pictures.

    Returns:
        dict[str, float]: Scores of the masks, by name, fractions.

    Raises:
        UserError: If the data cannot be fetched or a step fails.
    """
    console = Console()
    cfg = read_config(config)
    folder = Path(work_dir)
    predictions = folder / 'predictions.json'

    console.rule('1. Real cells: HeLa nuclei')
    try:
        prepare_hela(cfg.data_root)
    except RuntimeError as error:
        raise UserError(str(error)) from None
    console.print(f'Images and annotations are in {cfg.data_root}')
    save_figure(supervision_picture(cfg), folder / 'supervision.png')

    console.rule('2. Training from boxes and points')
    run_pace('train', config, '--work-dir', work_dir, '--resume',
             '--auto-amp')

    console.rule('3. Evaluation on the other part of the images')
    checkpoint = find_checkpoint(folder)
    run_pace('test', config, str(checkpoint), '--work-dir', work_dir, '--out',
             str(predictions))

    console.rule('4. Result')
    save_figure(
        comparison_picture(cfg, predictions), folder / 'comparison.png')
    save_figure(
        training_curve_figure(_logged(folder)), folder / 'training.png')
    truth = cfg.test_evaluator.ann_file
    scores = score_files(truth, predictions, ['segm'])['segm'][0].scores
    console.print(_summary(cfg, scores, folder, checkpoint))
    return scores


def supervision_picture(cfg: Config):
    """The first training image with its masks and with its points."""
    dataset = DATASETS.build(
        dict(cfg.train_dataloader.dataset, pipeline=[], test_mode=True))
    info = dataset.get_data_info(0)
    cells = info['instances']
    masks = load_ground_truth(
        Path(cfg.data_root) / 'annotations/train_masks.json')
    truth = masks.images[info['img_id']]
    points = InstancePoints([[(x + 0.5, y + 0.5) for x, y in
                              cell['point_coords']] for cell in cells],
                            [cell['point_labels'] for cell in cells],
                            info['height'], info['width'])
    return supervision_figure(
        to_uint8(read_image(info['img_path'])),
        [cell['bbox'] for cell in cells],
        points,
        to_rles(truth.counts, truth.height, truth.width),
        window=WINDOW)


def comparison_picture(cfg: Config, predictions: Path):
    """Truth and prediction on the first validation image."""
    folder = cfg.test_dataloader.dataset.data_prefix.img
    title = f'{cfg.train_dataloader.dataset.num_points} points per cell'
    comparison = Comparison(cfg.test_evaluator.ann_file, {title: predictions},
                            Path(cfg.data_root) / folder)
    return comparison.figure(
        next(iter(comparison.truth.images)), score_threshold(cfg),
        num_zooms=3)


def _logged(folder: Path) -> List[dict]:
    """What was logged, over all the runs that it took."""
    rows: List[dict] = []
    for path in sorted(folder.glob('*/vis_data/scalars.json')):
        rows += read_scalars(path)
    return rows


def _summary(cfg: Config, scores: Dict[str, float], folder: Path,
             checkpoint: Path) -> Table:
    num_points = cfg.train_dataloader.dataset.num_points
    cost = AnnotationCost()
    table = Table(show_header=False, title='Trained without a single mask')
    table.add_row('AP, AP50 of the masks',
                  f'{scores["AP"]:.3f}, {scores["AP50"]:.3f}')
    table.add_row(
        'annotation per cell',
        f'{cost.seconds(num_points):g} s for a box and {num_points} points, '
        f'{cost.fraction(num_points):.1%} of the {cost.seconds_per_mask:g} s '
        'for a mask')
    table.add_row('what points look like', str(folder / 'supervision.png'))
    table.add_row('truth and prediction', str(folder / 'comparison.png'))
    table.add_row('loss and AP', str(folder / 'training.png'))
    table.add_row('model', str(checkpoint))
    table.add_row('segment images', 'pace predict IMAGES '
                  f'--checkpoint {checkpoint} --out-dir results')
    return table
