"""Metafiles: the one place where results of our own runs stand.

A ``metafile.yml`` beside a method's configs lists its models in the form of
OpenMMLab's model index (Collections, Models with Name, In Collection, Config,
Metadata, Results); ``model-index.yml`` in the root imports all of them. Here
``Metadata`` also has the points per cell and, once runs are recorded, their
iterations, seeds, hardware and what was scored; ``Results`` also have the
spread over seeds.
"""
import math
import statistics
from pathlib import Path
from typing import Any, Dict, List, Sequence

import yaml

from pace_mmdet.errors import UserError
from pace_mmdet.evaluation.coco_protocol import METRIC_NAMES
from pace_mmdet.files import atomic_file

from .run_records import RunRecord

# IoU type: task and prefix of metrics, as OpenMMLab's metafiles call them.
TASKS = dict(
    segm=('Instance Segmentation', 'mask'), bbox=('Object Detection', 'box'))


def read_metafile(path: Path) -> dict:
    """The content of a metafile.

    Raises:
        UserError: If there is none, or it lists no models.
    """
    try:
        content = yaml.safe_load(Path(path).read_text('utf-8'))
    except FileNotFoundError:
        raise UserError(f'{path}: no such metafile; results of runs stand in '
                        'the metafile.yml beside their config') from None
    except yaml.YAMLError as error:
        raise UserError(f'{path}: not YAML: {error}') from None
    if not isinstance(content, dict) or not content.get('Models'):
        raise UserError(f'{path}: expected a model index with Models')
    return content


def record_runs(config: Path, runs: Sequence[RunRecord],
                hardware: str) -> Path:
    """Write the results of a config's runs into its metafile.

    Args:
        config (Path): The config; its metafile lies beside it.
        runs (Sequence[RunRecord]): One a seed; at least one.
        hardware (str): What they ran on, as readers should see it.

    Returns:
        Path: The metafile.

    Raises:
        UserError: If the metafile does not list the config, or the runs
            don't belong together.
    """
    path = Path(config).parent / 'metafile.yml'
    content = read_metafile(path)
    model = _find_model(path, content, Path(config).name)
    _check_together(runs)
    metadata = model.setdefault('Metadata', {})
    metadata.update({
        'Iterations': runs[0].iterations,
        'Seeds': [run.seed for run in runs],
        'Hardware': hardware,
        'Scored': runs[0].scored
    })
    collection = next(c for c in content['Collections']
                      if c['Name'] == model['In Collection'])
    model['Results'] = _results(runs, collection['Metadata']['Test Data'])
    _write(path, content)
    return path


def _find_model(path: Path, content: dict, config_name: str) -> dict:
    for model in content['Models']:
        if Path(model['Config']).name == config_name:
            return model
    raise UserError(f'{path}: lists no model with the config {config_name}; '
                    'add it (Name, In Collection, Config, Metadata)')


def _check_together(runs: Sequence[RunRecord]) -> None:
    seeds = [run.seed for run in runs]
    if len(set(seeds)) < len(seeds):
        raise UserError(f'the runs have seeds {seeds}: the spread needs a '
                        'different one each')
    for attribute in ('iterations', 'scored'):
        values = {getattr(run, attribute) for run in runs}
        if len(values) > 1:
            raise UserError(f'the runs differ in {attribute}: '
                            f'{sorted(map(str, values))}')


def _results(runs: Sequence[RunRecord], dataset: str) -> List[dict]:
    results = []
    for iou_type, (task, prefix) in TASKS.items():
        metrics: Dict[str, float] = {}
        spread: Dict[str, float] = {}
        for name in METRIC_NAMES:
            values = [
                100 * run.scores.get(f'{iou_type}_{name}', math.nan)
                for run in runs
            ]
            if any(map(math.isnan, values)):
                continue  # no cell of that size, or not scored
            metrics[f'{prefix} {name}'] = round(statistics.mean(values), 2)
            if len(values) > 1:
                spread[f'{prefix} {name}'] = round(
                    statistics.stdev(values), 2)
        if metrics:
            result: Dict[str, Any] = dict(
                Task=task, Dataset=dataset, Metrics=metrics)
            if spread:
                result['Spread'] = spread
            results.append(result)
    return results


def _write(path: Path, content: dict) -> None:
    """Write a metafile, its opening comment kept."""
    comment = []
    for line in path.read_text('utf-8').splitlines():
        if not line.startswith('#'):
            break
        comment.append(line)
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    with atomic_file(path) as file:
        file.write('\n'.join([*comment, text]).encode())
