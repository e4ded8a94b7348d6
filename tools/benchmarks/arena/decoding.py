"""How settings of the decoding do on images that nobody is scored on.

    python tools/benchmarks/arena/decoding.py --hela data/hela \\
        --livecell LIVECELL_SAMPLE --usiigaci USIIGACI --work-dir WORK_DIR

takes the networks that arena.py left in WORK_DIR, predicts the part 'check'
of each data set (images neither trained on nor tested on) once for each number
of views and in bfloat16, and groups the pixels with one setting after another
changed. The table's figures are mask AP and the best F1 at IoU 0.5 and 0.75,
means over seeds.
"""
import argparse
import json
import statistics
from pathlib import Path
from typing import Dict, Iterator, List
from unittest import mock

import torch
from arena import lay_out, run_folder
from contests import CONTESTS
from mmdet.registry import MODELS
from mmengine.registry import init_default_scope
from mmengine.runner import load_checkpoint
from train_ours import predict, prepare

from pace_mmdet.evaluation.coco_protocol import match
from pace_mmdet.evaluation.detections import load_detections
from pace_mmdet.evaluation.ground_truth import load_ground_truth
from pace_mmdet.evaluation.thresholds import f1_curve
from pace_mmdet.models import flow_grouping
from pace_mmdet.reporting.tables import markdown_table

HERE = Path(__file__).resolve().parent
# What is changed, and to what, one at a time.
CONSTANTS = dict(
    _SMOOTH=(1.0, 1.5, 2.5), _APART=(3, 7), _REACH=(4.0, 8.0),
    _FEWEST=(0.25, 1.0))
STEPS = (16, 28, 60)
MASK_THRESHOLDS = (0.35, 0.4, 0.45, 0.55)
VIEWS = (1, 2)


class Maps(torch.nn.Module):
    """In the place of a network: maps that it predicted before."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model, self.seen = model, {}

    def test_step(self, data: dict) -> list:
        """As of a detector, of one image."""
        key = (data['data_samples'][0].img_id,
               self.model.test_cfg.get('views'),
               torch.is_autocast_enabled('cpu'))
        prepared = self.model.data_preprocessor(data, False)
        inputs, samples = prepared['inputs'], prepared['data_samples']
        if key not in self.seen:
            with torch.no_grad():
                self.seen[key] = self.model(inputs)
        found = self.model.bbox_head.predict_by_feat(
            *self.seen[key], [sample.metainfo for sample in samples],
            rescale=True)
        return self.model.add_pred_to_datasample(samples, found)


def settings(model: torch.nn.Module) -> Iterator[tuple]:
    """Names of settings and what makes each hold."""
    head = model.bbox_head
    yield 'as it is', mock.patch.object(head, 'steps', head.steps)
    for name, values in CONSTANTS.items():
        for value in values:
            yield (f'{name[1:].lower()} {value:g} instead of '
                   f'{getattr(flow_grouping, name):g}',
                   mock.patch.object(flow_grouping, name, value))
    for value in STEPS:
        yield (f'steps {value} instead of {head.steps}',
               mock.patch.object(head, 'steps', value))
    for value in MASK_THRESHOLDS:
        yield (f'mask_thr {value:g} instead of {head.test_cfg["mask_thr"]:g}',
               mock.patch.dict(head.test_cfg, mask_thr=value))
    for value in VIEWS:
        yield (f'views {value} instead of {model.test_cfg["views"]}',
               mock.patch.dict(model.test_cfg, views=value))
    yield 'in bfloat16', torch.autocast('cpu', torch.bfloat16)


def scores(truth, results: List[dict], path: Path) -> List[float]:
    """AP and best F1 at 0.5 and 0.75, in per cent."""
    path.write_text(json.dumps(results))
    found = load_detections(path, truth, ['segm'])
    f1 = [float(f1_curve(truth, found, iou).f1.max()) for iou in (0.5, 0.75)]
    return [100 * value
            for value in (match(truth, found, 'segm').score()['AP'], *f1)]


def try_all(job: dict, check: Path) -> Dict[str, List[float]]:
    """Scores of one run under each setting."""
    cfg = prepare(job)
    init_default_scope(cfg.default_scope)
    model = MODELS.build(cfg.model)
    checkpoint, = Path(job['out']).glob('iter_*.pth')
    load_checkpoint(model, str(checkpoint), map_location='cpu')
    maps = Maps(model.eval())
    truth = load_ground_truth(json.loads(check.read_text()))
    out = {}
    for name, change in settings(model):
        with change:
            results, _ = predict(maps, cfg, str(check))
        out[name] = scores(truth, results, Path(job['out'], 'check.json'))
    return out


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, contest in CONTESTS.items():
        parser.add_argument(f'--{name}', type=Path, help=contest.title)
    parser.add_argument(
        '--work-dir', type=Path, default=HERE.parents[2] / 'work_dirs/arena')
    parser.add_argument('--method', default='ours, 4 points')
    parser.add_argument('--seeds', type=int, nargs='+', default=[0])
    args = parser.parse_args()
    torch.set_num_threads(1)
    rows: Dict[str, List[str]] = {}
    names = [name for name in CONTESTS if getattr(args, name)]
    for name in names:
        files = lay_out(name, getattr(args, name), args.work_dir)
        runs = []
        for seed in args.seeds:
            out = run_folder(args.work_dir, name, args.method, seed)
            print(f'{name}, seed {seed}', flush=True)
            job = json.loads((out / 'job.json').read_text())
            job.update(data=str(args.work_dir / name), out=str(out))
            runs.append(try_all(job, files['check']))
        for setting in runs[0]:
            means = [statistics.fmean(values)
                     for values in zip(*(run[setting] for run in runs))]
            rows.setdefault(setting, [setting]).extend(
                f'{value:.1f}' for value in means)
    header = ['setting', *(f'{name} {score}' for name in names
                           for score in ('AP', 'F1@0.5', 'F1@0.75'))]
    print(markdown_table(header, list(rows.values())))


if __name__ == '__main__':
    main()
