"""Metafiles: the one place where results of our own runs stand.

A ``metafile.yml`` beside a method's configs lists its models in the form of
OpenMMLab's model index (Collections, Models with Name, In Collection, Config,
Metadata, Results); ``model-index.yml`` in the root imports all of them. Here
``Metadata`` also has the points per cell. ``Runs`` has each run with its
scores, and ``Results`` what follows from them, for each start of the weights:
mean and spread over seeds, and how the runs were made.
"""
import math
import statistics
from pathlib import Path
from typing import Any, Dict, List, Sequence

import yaml

from pace_mmdet.errors import UserError
from pace_mmdet.evaluation.coco_protocol import METRIC_NAMES
from pace_mmdet.evaluation.mask_quality import MEASURES
from pace_mmdet.files import atomic_file

from .run_records import RunRecord
from .starts import Start

# Task, as OpenMMLab's metafiles call it: scores of run records by the name
# that readers see.
TASKS = {
    'Instance Segmentation':
    {f'mask {name}': f'segm_{name}' for name in METRIC_NAMES},
    'Object Detection':
    {f'box {name}': f'bbox_{name}' for name in METRIC_NAMES},
    'Masks for True Boxes':
    {f'mask {name}': f'quality_{name}' for name in MEASURES},
}
_NAMES = {name: key for names in TASKS.values() for name, key in names.items()}


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


def record_runs(config: Path, runs: Sequence[RunRecord], hardware: str,
                keep_others: bool = False) -> Path:
    """Write the results of a config's runs into its metafile.

    What stands there of runs from another start stays, except where that was
    trained on boxes and has been trained again since.

    Args:
        config (Path): The config; its metafile lies beside it.
        runs (Sequence[RunRecord]): One a seed, all from one start; at least
            one.
        hardware (str): What they ran on, as readers should see it.
        keep_others (bool): Whether runs of other seeds from the same start
            stay, too, if they were made in the same way.

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
    seeds, start = {run.seed for run in runs}, runs[0].start
    others = [run for run in recorded_runs(model)
              if (run.start != start and
                  not (run.seed in seeds and _is_superseded(run.start, start)))
              or keep_others and run.seed not in seeds
              and _made(run) == _made(runs[0])]
    added = [RunRecord(**{**vars(run), 'hardware': hardware}) for run in runs]
    everything = sorted(others + added,
                        key=lambda run: (str(run.start), run.seed or 0))
    model['Runs'] = [_as_entry(run) for run in everything]
    collection = next(c for c in content['Collections']
                      if c['Name'] == model['In Collection'])
    starts = sorted({str(run.start) for run in everything})
    model['Results'] = [
        result for result in model.get('Results', ())
        if result['Start'] not in starts
    ] + [
        result for name in starts for result in _results(
            [run for run in everything if str(run.start) == name],
            collection['Metadata']['Test Data'])
    ]
    _write(path, content)
    return path


def recorded_runs(model: dict) -> List[RunRecord]:
    """The runs that a metafile's model has on record."""
    return [
        RunRecord(
            seed=run['Seed'],
            iterations=run['Iterations'],
            scored=run['Scored'],
            scores={_NAMES[name]: value / 100
                    for name, value in run['Scores'].items()},
            start=Start(*run['Start'].split()),
            hardware=run['Hardware']) for run in model.get('Runs', ())
    ]


def _as_entry(run: RunRecord) -> dict:
    scores = {name: run.scores.get(key, math.nan)
              for name, key in _NAMES.items()}
    return {
        'Seed': run.seed,
        'Start': str(run.start),
        'Iterations': run.iterations,
        'Scored': run.scored,
        'Hardware': run.hardware,
        'Scores': {name: round(100 * value, 3)
                   for name, value in scores.items() if value == value}
    }


def _find_model(path: Path, content: dict, config_name: str) -> dict:
    for model in content['Models']:
        if Path(model['Config']).name == config_name:
            return model
    raise UserError(f'{path}: lists no model with the config {config_name}; '
                    'add it (Name, In Collection, Config, Metadata)')


def _is_superseded(before: Start, now: Start) -> bool:
    """Whether a start was trained again; a file from elsewhere never is."""
    return before.kind == now.kind == 'boxes' and before.digest != now.digest


def _made(run: RunRecord) -> tuple:
    return run.start, run.iterations, run.scored


def _check_together(runs: Sequence[RunRecord]) -> None:
    seeds = [run.seed for run in runs]
    if len(set(seeds)) < len(seeds):
        raise UserError(f'the runs have seeds {seeds}: the spread needs a '
                        'different one each')
    for attribute in ('iterations', 'scored', 'start'):
        values = {str(getattr(run, attribute)) for run in runs}
        if len(values) > 1:
            raise UserError(f'the runs differ in {attribute}: '
                            f'{sorted(values)}')


def _results(runs: Sequence[RunRecord], dataset: str) -> List[dict]:
    results = []
    for task, names in TASKS.items():
        metrics: Dict[str, float] = {}
        spread: Dict[str, float] = {}
        for name, key in names.items():
            values = [100 * run.scores.get(key, math.nan) for run in runs]
            if any(map(math.isnan, values)):
                continue  # no cell of that size, or not scored
            metrics[name] = round(statistics.mean(values), 2)
            if len(values) > 1:
                spread[name] = round(statistics.stdev(values), 2)
        if metrics:
            result: Dict[str, Any] = {
                'Task': task,
                'Dataset': dataset,
                'Start': str(runs[0].start),
                'Iterations': runs[0].iterations,
                'Seeds': [run.seed for run in runs],
                'Hardware': runs[0].hardware,
                'Scored': runs[0].scored,
                'Metrics': metrics
            }
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
