"""Saying that data is missing before anything slow begins."""
import os.path as osp
from typing import Any, Iterator, List, Sequence

from mmengine.config import Config

from pace_mmdet.errors import UserError


def check_data(cfg: Config, splits: Sequence[str]) -> None:
    """Check that the files and folders of some splits exist.

    A config may hold the command that gets them, in ``data_command``.

    Args:
        cfg (Config): The config.
        splits (Sequence[str]): Of 'train', 'val' and 'test'.

    Raises:
        UserError: Lists all that is missing and how to get it.
    """
    missing = missing_data(cfg, splits)
    if missing:
        command = cfg.get('data_command')
        advice = (f'To get it:  {command}'
                  if command else 'To get it:  see data/README.md')
        raise UserError('the data is not there:\n' +
                        ''.join(f'  - {path}\n' for path in missing) + advice)


def missing_data(cfg: Config, splits: Sequence[str]) -> List[str]:
    """Paths that a config's data sets and metrics need and that don't exist.

    Args:
        cfg (Config): The config.
        splits (Sequence[str]): Of 'train', 'val' and 'test'.

    Returns:
        list[str]: Without repetitions, in the order found.
    """
    paths = []
    for split in splits:
        loader = cfg.get(f'{split}_dataloader') or {}
        for dataset in datasets_of(loader.get('dataset')):
            root = dataset.get('data_root') or ''
            names = [dataset.get('ann_file')]
            names += (dataset.get('data_prefix') or {}).values()
            # As mmengine's BaseDataset joins them.
            paths += [
                osp.join(root, name) for name in names
                if isinstance(name, str) and name
            ]
        evaluator = cfg.get(f'{split}_evaluator') or []
        for metric in evaluator if isinstance(evaluator,
                                              list) else [evaluator]:
            if isinstance(metric.get('ann_file'), str):
                paths.append(metric['ann_file'])
    return [
        path for path in dict.fromkeys(paths)
        if '://' not in path and not osp.exists(path)
    ]


def datasets_of(dataset: Any) -> Iterator[dict]:
    """A data set's config, or those inside its wrappers."""
    if isinstance(dataset, (list, tuple)):
        for part in dataset:
            yield from datasets_of(part)
    elif isinstance(dataset, dict):
        inner = dataset.get('dataset') or dataset.get('datasets')
        if inner is None:
            yield dataset
        else:
            yield from datasets_of(inner)
