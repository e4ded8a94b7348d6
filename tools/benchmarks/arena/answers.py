"""How well wrong answers are found: precision and recall.

    python tools/benchmarks/arena/answers.py --data hela --work-dir WORK_DIR

takes the network that arena.py trained with 10 % wrong answers, which it left
in WORK_DIR, and asks it about the answers that it learned from. Which are
wrong, the masks know.
"""
import argparse
import json
from pathlib import Path
from typing import List, Tuple

import numpy as np
import torch
from arena import run_folder
from contests import CONTESTS
from mmdet.registry import DATASETS, MODELS
from mmengine.registry import init_default_scope
from mmengine.runner import load_checkpoint
from train_ours import prepare

from pace_mmdet.models.center_flow import candidate_boxes, sample_map
from pace_mmdet.points.labeling import label_points
from pace_mmdet.points.questions import contradicted_answers
from pace_mmdet.reporting.tables import markdown_table

DOUBTS = (0.6, 0.7, 0.8, 0.9)


def answers_of(job: dict, ann_file: Path) -> Tuple[np.ndarray, np.ndarray]:
    """Probabilities at the points that were learned from, and labels.

    Where several boxes cover a point, each is taken to be as likely.

    Returns:
        tuple[ndarray]: Shape (N, P) both, in the file's order by image.
    """
    cfg = prepare(job)
    init_default_scope(cfg.default_scope)
    model = MODELS.build(cfg.model)
    checkpoint, = Path(job['out']).glob('iter_*.pth')
    load_checkpoint(model, str(checkpoint), map_location='cpu')
    model.eval()
    dataset = DATASETS.build(
        dict(cfg.test_dataloader.dataset, ann_file=str(ann_file),
             type='CellPointDataset', num_points=job['points']))
    content = json.loads(ann_file.read_text())
    probs, labels = [], []
    for i in range(len(dataset)):
        sample = dataset[i]
        data = model.data_preprocessor(
            dict(inputs=[sample['inputs']],
                 data_samples=[sample['data_samples']]), False)
        meta = data['data_samples'][0].metainfo
        cells = [cell for cell in content['annotations']
                 if cell['image_id'] == meta['img_id']]
        factor = torch.tensor(meta['scale_factor']).float()
        points = torch.tensor(
            [cell['point_coords'][:job['points']] for cell in cells])
        points = (points + 0.5) * factor
        boxes = torch.tensor([cell['bbox'] for cell in cells]).float()
        boxes[:, 2:] += boxes[:, :2]
        boxes *= factor.repeat(2)
        with torch.no_grad():
            logits = model(data['inputs'])[0][0]
        on_cell = sample_map(logits, points, model.bbox_head.stride)[0]
        _, _, count = candidate_boxes(*points.view(-1, 2).T, boxes, 1)
        count = count.view(on_cell.shape).clamp(min=1)
        probs.append((on_cell.sigmoid() / count).numpy())
        labels += [cell['point_labels'][:job['points']] for cell in cells]
    return np.concatenate(probs), np.array(labels)


def right_labels(points_file: Path, masks_file: Path,
                 points: int) -> np.ndarray:
    """What the masks say, in the order of :func:`answers_of`."""
    content = json.loads(points_file.read_text())
    masks = {cell['id']: cell['segmentation']
             for cell in json.loads(masks_file.read_text())['annotations']}
    found: List[np.ndarray] = []
    for image in content['images']:
        cells = [cell for cell in content['annotations']
                 if cell['image_id'] == image['id']]
        found.append(label_points(
            np.array([cell['point_coords'][:points] for cell in cells]),
            [masks[cell['id']] for cell in cells],
            image['height'], image['width']))
    return np.concatenate(found)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--data', choices=list(CONTESTS), default='hela')
    parser.add_argument('--work-dir', type=Path, default=Path(
        __file__).resolve().parents[3] / 'work_dirs/arena')
    parser.add_argument('--method', default='ours, 4 points, 10 % wrong')
    parser.add_argument('--seed', type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(1)
    out = run_folder(args.work_dir, args.data, args.method, args.seed)
    job = json.loads((out / 'job.json').read_text())
    job['out'] = str(out)
    points_file = Path(job['data'], 'annotations/train.json')
    probs, labels = answers_of(job, points_file)
    wrong = labels != right_labels(
        points_file, args.work_dir / args.data / 'ours.json', job['points'])
    rows = []
    for doubt in DOUBTS:
        cells, points = contradicted_answers(probs, labels, doubt).T
        hits = int(wrong[cells, points].sum())
        rows.append([f'{doubt:g}', str(len(cells)),
                     f'{hits / max(len(cells), 1):.2f}',
                     f'{hits / max(int(wrong.sum()), 1):.2f}'])
    print(f'{args.data}: {labels.size} answers, {int(wrong.sum())} wrong')
    print(markdown_table(['doubt', 'named', 'precision', 'recall'], rows))


if __name__ == '__main__':
    main()
