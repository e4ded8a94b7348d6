"""Changing a config from the command line, without typing errors."""
import difflib
import inspect
import os.path as osp
from typing import Any, Dict, Iterator, List, Optional, Tuple

from mmengine.config import Config
from mmengine.runner import Runner

from pace_mmdet.errors import UserError

# What a Runner reads from the config beside its own arguments, and what the
# tools read. Every other key at the top is a variable of the config file.
_READ_KEYS = frozenset(inspect.signature(
    Runner.__init__).parameters) - {'self', 'cfg'} | {
        'sync_bn', 'model_wrapper_cfg', 'find_unused_parameters', 'compile',
        'activation_checkpointing', 'efficient_conv_bn_eval', 'runner_type',
        'tta_model', 'tta_pipeline', 'data_command', 'predict_cfg',
        'cell_length'
    }

# Phases whose evaluators compare with an annotation file.
_EVALUATED = ('val', 'test')


def merge_options(cfg: Config,
                  options: Dict[str, Any],
                  allow_new: bool = False) -> None:
    """Merge ``--cfg-options`` into a config, in place.

    mmengine takes any key: a misspelt one, and a variable of the config file
    whose value was copied elsewhere when the file was read, change nothing
    and nobody says so. Here each is an error.

    An evaluator that reads the annotation file of its loader goes on doing
    so: ``test_dataloader.dataset.ann_file`` alone chooses what is evaluated.
    Neither need a learning rate that changes until the run ends be told where
    that is: ``train_cfg.max_iters`` alone makes a run longer or shorter. What
    the options say of such an end counts.

    Args:
        cfg (Config): The config.
        options (dict): New values by dotted key, as
            ``mmengine.config.DictAction`` gives them.
        allow_new (bool): Whether keys that the config lacks are added.

    Raises:
        UserError: Names every wrong key, with what was probably meant; or
            the length of the run is no number.
    """
    if not allow_new:
        faults = [fault for key in options for fault in _faults(cfg, key)]
        if faults:
            raise UserError('--cfg-options: ' + '\n  '.join(faults) +
                            '\nTo add new keys, give --allow-new-keys')
    before = {phase: _annotation_file(cfg, phase) for phase in _EVALUATED}
    length = _length(cfg)
    try:
        cfg.merge_from_dict(options)
    except (KeyError, TypeError) as error:
        raise UserError(f'--cfg-options: {error.args[0]}') from None
    for phase, old in before.items():
        new = _annotation_file(cfg, phase)
        metrics = cfg.get(f'{phase}_evaluator') or []
        for metric in metrics if isinstance(metrics, list) else [metrics]:
            known = metric.get('ann_file')
            if (old != new and isinstance(known, str)
                    and osp.normpath(known) == old):
                metric.ann_file = new
    new_length = _length(cfg)
    if new_length is None or new_length == length:
        return
    given = {key for key, _ in flatten(options)}
    for number, part in enumerate(_schedulers(cfg)):
        if part.get('end') == length and given.isdisjoint(
                ('param_scheduler.end', f'param_scheduler.{number}.end')):
            # A run may end before that one even begins.
            part.end = max(new_length, part.get('begin', 0) + 1)


def _length(cfg: Config) -> Optional[int]:
    """Iterations of training; None if they are not said, as with epochs."""
    train_cfg = cfg.get('train_cfg') or {}
    if not isinstance(train_cfg, dict):
        raise UserError('train_cfg: expected settings such as '
                        f'dict(max_iters=100), got {train_cfg!r}')
    if 'max_iters' not in train_cfg:
        return None
    length = train_cfg.max_iters
    if not isinstance(length, int) or length < 1:
        raise UserError('train_cfg.max_iters: expected a whole number of at '
                        f'least 1, got {length!r}')
    return length


def _schedulers(cfg: Config) -> list:
    found = cfg.get('param_scheduler') or []
    return found if isinstance(found, list) else [found]


def _annotation_file(cfg: Config, phase: str) -> Optional[str]:
    """Path of what a phase's loader reads, as its data set joins it."""
    dataset = (cfg.get(f'{phase}_dataloader') or {}).get('dataset') or {}
    if not dataset.get('ann_file'):
        return None
    return osp.normpath(
        osp.join(dataset.get('data_root') or '', dataset.ann_file))


def flatten(value: Any, prefix: str = '') -> Iterator[Tuple[str, Any]]:
    """Every dotted key of a nested config, inner nodes included.

    Args:
        value (Any): Dictionaries and lists of anything.
        prefix (str): Dotted key of ``value`` itself.

    Yields:
        tuple[str, Any]: Dotted key and value.
    """
    if isinstance(value, dict):
        children = list(value.items())
    elif isinstance(value, (list, tuple)):
        children = list(enumerate(value))
    else:
        return
    for name, child in children:
        key = f'{prefix}.{name}' if prefix else str(name)
        yield key, child
        yield from flatten(child, key)


def _faults(cfg: Config, key: str) -> List[str]:
    top = key.split('.')[0]
    known = dict(flatten(cfg._cfg_dict.to_dict()))
    if top not in cfg and top in _READ_KEYS:
        return []
    if key not in known and key.split('.')[-1] != '_delete_':
        nearest = _nearest(key, list(known))
        hint = f'; nearest: {", ".join(nearest)}' if nearest else ''
        return [f'the config has no {key!r}{hint}']
    if top not in _READ_KEYS:
        used = [
            other for other, value in known.items()
            if other.split('.')[0] in _READ_KEYS and value == known.get(key)
        ]
        hint = (f'set what was made from it: {", ".join(used[:6])}'
                if used else 'set what was made from it')
        return [
            f'{key!r} is a variable of the config file, changing it here has '
            f'no effect; {hint}'
        ]
    return []


def _nearest(key: str, known: List[str]) -> List[str]:
    leaf = key.rpartition('.')[2]
    same_leaf = [name for name in known if name.rpartition('.')[2] == leaf]
    close = difflib.get_close_matches(key, known, n=3, cutoff=0.6)
    return list(dict.fromkeys(close + same_leaf))[:4]
