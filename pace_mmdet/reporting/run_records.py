"""What a finished run leaves in its work directory, read back.

mmengine gives each start a folder named by its time, with the config in
``vis_data/config.py``. Training writes scores to ``vis_data/scalars.json``, a
line each; a test writes them to ``<time>.json`` in the folder itself.
"""
import contextlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional

from mmengine.config import Config

from pace_mmdet.engine.configuring import read_config
from pace_mmdet.engine.options import merge_options
from pace_mmdet.errors import UserError
from pace_mmdet.evaluation.livecell_metric import LIVECellMetric
from pace_mmdet.evaluation.mask_quality import load_quality

from .starts import Start, start_of_run

QUALITY = 'mask_quality.npz'
PREFIX = f'{LIVECellMetric.default_prefix}/'

# What makes a run the run of a config; paths and loaders' workers may differ.
_DECISIVE = ('model', 'train_cfg', 'optim_wrapper', 'param_scheduler',
             'train_dataloader.batch_size', 'train_dataloader.dataset.type',
             'train_dataloader.dataset.num_points')


@dataclass(frozen=True)
class RunRecord:
    """One finished run.

    Attributes:
        seed (int, optional): None if it was not fixed.
        iterations (int): Of training.
        scored (str): Which evaluation the scores are of.
        scores (Dict[str, float]): Fractions by name, such as 'segm_AP', and
            'quality_IoU' of masks for true boxes, where these were measured.
        start (Start): Of the weights.
        hardware (str): What it ran on; empty if nobody said.
    """
    seed: Optional[int]
    iterations: int
    scored: str
    scores: Dict[str, float]
    start: Start = Start('scratch')
    hardware: str = ''


def read_run(work_dir: Path,
             config: Path,
             options: Optional[Dict[str, Any]] = None,
             start: Optional[Start] = None) -> RunRecord:
    """Read the newest evaluation of a finished run.

    That is the newest test if it was made after training, otherwise the last
    validation. (Not the best one: to pick it by the score that is reported
    would flatter.)

    Args:
        work_dir (Path): Where ``pace train`` worked.
        config (Path): The config that the run should be of.
        options (dict, optional): Settings by dotted key that it was given
            beside the config.
        start (Start, optional): Where it should have started from; by
            default anywhere.

    Returns:
        RunRecord: Its scores.

    Raises:
        UserError: If there is no such run, it is unfinished, was not
            evaluated, or had other settings than the config or another
            start.
    """
    work_dir = Path(work_dir)
    starts = sorted(path.parent for path in work_dir.glob('*/vis_data'))
    trainings = [path for path in starts if _lines(path)]
    if not trainings:
        raise UserError(f'{work_dir}: no training run of pace train here')
    cfg = Config.fromfile(trainings[-1] / 'vis_data' / 'config.py')
    _check_config(cfg, config, work_dir, options)
    began = start_of_run(
        work_dir, Config.fromfile(trainings[0] / 'vis_data' / 'config.py'))
    if start is not None and not began.agrees(start):
        raise UserError(f'{work_dir}: a run that started from {began}, not '
                        f'from {start}')
    iterations = cfg.train_cfg.get('max_iters')
    check_finished(work_dir, iterations)
    scored, scores = _newest_scores(starts)
    if not scores:
        raise UserError(f'{work_dir}: no scores of {LIVECellMetric.__name__}; '
                        'run pace test with this work directory')
    seed = (cfg.get('randomness') or {}).get('seed')
    quality = work_dir / QUALITY
    if quality.is_file():
        scores.update({f'quality_{name}': value for name, value in
                       load_quality(quality).means().items()})
    return RunRecord(seed, iterations, scored, scores, began)


def _newest_scores(starts: List[Path]) -> Any:
    for start in reversed(starts):
        tested = _read_lines(start / f'{start.name}.json')
        if tested:
            cfg = Config.fromfile(start / 'vis_data' / 'config.py')
            return (f'test of {Path(cfg.load_from).name}',
                    _scores(tested[0]))
        for line in reversed(_lines(start)):
            if _scores(line):
                return 'last validation', _scores(line)
    return '', {}


def _lines(start: Path) -> List[dict]:
    return _read_lines(start / 'vis_data' / 'scalars.json')


def _read_lines(path: Path) -> List[dict]:
    """Of JSON, without what a kill has cut off at the end of the file."""
    if not path.is_file():
        return []
    *lines, last = path.read_text('utf-8').splitlines() or ['']
    found = [json.loads(line) for line in lines]
    with contextlib.suppress(json.JSONDecodeError):
        found.append(json.loads(last))
    return found


def _scores(line: dict) -> Dict[str, float]:
    return {
        key[len(PREFIX):]: value
        for key, value in line.items() if key.startswith(PREFIX)
    }


def check_finished(work_dir: Path, iterations: Optional[int]) -> None:
    """Raise a UserError unless the last checkpoint is that of the end."""
    last = work_dir / 'last_checkpoint'
    name = (Path(last.read_text('utf-8').strip()).name
            if last.is_file() else 'none')
    if name != f'iter_{iterations}.pth':
        raise UserError(
            f'{work_dir}: unfinished: the last checkpoint is {name}, the '
            f'config trains for {iterations} iterations; go on with --resume')


def _check_config(cfg: Config, config: Path, work_dir: Path,
                  options: Optional[Dict[str, Any]]) -> None:
    expected = read_config(config)
    merge_options(expected, options or {}, allow_new=True)
    differing = [
        key for key in _DECISIVE if _lookup(cfg, key) != _lookup(expected, key)
    ]
    if differing:
        raise UserError(f'{work_dir}: not a run of {config}: '
                        f'{", ".join(differing)} differ(s)')


def _lookup(cfg: Any, key: str) -> Any:
    for part in key.split('.'):
        cfg = (cfg or {}).get(part)
    return cfg
