"""Converting a published checkpoint file."""
import hashlib
from pathlib import Path
from typing import Any, Dict, List, Union

import numpy as np
import torch
from mmdet.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import Tensor

from pace_mmdet.engine import load_checkpoint_file
from pace_mmdet.engine.configuring import read_config
from pace_mmdet.engine.safe_pickle import is_plain_pickle, load_array_pickle
from pace_mmdet.errors import UserError
from pace_mmdet.files import atomic_file, refuse_inputs

from .detectron2_weights import Conversion, WeightsMismatch, convert_weights

_WAY_OUT = ('A published checkpoint holds arrays only: download it again from '
            'where it was published')


def convert_file(checkpoint: Union[str, Path], out: Union[str, Path],
                 config: Union[str, Path]) -> List[str]:
    """Convert a checkpoint of detectron2 or its ResNeSt fork.

    What is written is what MMDetection loads: ``state_dict``, and ``meta``
    with the config (its name and its text), the name and the SHA-256 of the
    file it was made from, the parameters that are new, and the classes.

    Args:
        checkpoint (str | Path): As published, ``.pth`` or ``.pkl``.
        out (str | Path): The checkpoint to write, whole or not at all.
        config (str | Path): The config that is to load it.

    Returns:
        list[str]: What became of the tensors, as lines of text.

    Raises:
        UserError: The checkpoint cannot be read, the config cannot be built,
            or they do not fit each other.
    """
    refuse_inputs([out], [checkpoint, config])
    weights = read_weights(checkpoint)
    cfg = read_config(config)
    model = _build(cfg, config)
    try:
        result = convert_weights(weights, model)
    except WeightsMismatch as error:
        raise UserError(
            f'{checkpoint}: is not the model of {config}, {error}\n'
            'Give the config of the model that the checkpoint holds; nothing '
            'was written.') from None
    meta = dict(
        cfg=cfg.pretty_text,
        config_file=Path(config).name,
        origin=Path(checkpoint).name,
        origin_sha256=_sha256(checkpoint),
        new=result.new,
        dataset_meta=_dataset_meta(cfg))
    with atomic_file(out) as file:
        torch.save(dict(meta=meta, state_dict=result.state_dict), file)
    return _report(result)


def read_weights(path: Union[str, Path]) -> Dict[str, Tensor]:
    """Read the weights in a checkpoint of detectron2, and nothing else.

    Args:
        path (str | Path): A file of PyTorch, in its new or old format, or a
            pickle of arrays (detectron2's model zoo).

    Returns:
        dict[str, Tensor]: By detectron2's names.

    Raises:
        UserError: The file is missing or damaged, holds code, or no weights.
    """
    path = Path(path).expanduser()
    if path.is_file() and is_plain_pickle(path):
        content = load_array_pickle(path, _WAY_OUT)
    else:
        content = load_checkpoint_file(path, 'cpu', way_out=_WAY_OUT)
    # detectron2 saves its weights beside the optimizer's state.
    weights = content.get('model', content) if isinstance(content,
                                                          dict) else content
    if not isinstance(weights, dict) or not weights:
        raise UserError(f'{path}: expected the weights of a model by name, '
                        f'got {type(weights).__name__}')
    strange = [
        f'{name} ({type(value).__name__})' for name, value in weights.items()
        if not isinstance(name, str) or not _is_numeric(value)
    ]
    if strange:
        raise UserError(f'{path}: expected the weights of a model by name, '
                        f'but {len(strange)} of {len(weights)} entries are no '
                        f'tensors: {", ".join(strange[:5])}')
    return {name: torch.as_tensor(value) for name, value in weights.items()}


def _is_numeric(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.dtype.kind in 'biuf'
    return isinstance(value, (Tensor, np.number))


def _build(cfg: Config, path: Union[str, Path]) -> torch.nn.Module:
    if 'model' not in cfg:
        raise UserError(f'{path}: the config has no model')
    init_default_scope(cfg.get('default_scope', 'mmdet'))
    # Unlike init_weights(), this downloads nothing.
    return MODELS.build(cfg.model)


def _dataset_meta(cfg: Config) -> dict:
    """The classes that the config's data have, as training records them."""
    dataset = cfg.get('test_dataloader', {}).get('dataset', {})
    cls = DATASETS.get(dataset.get('type', ''))
    meta = dict(getattr(cls, 'METAINFO', {}))
    meta.update(dataset.get('metainfo') or {})
    return {key.lower(): value for key, value in meta.items()}


def _sha256(path: Union[str, Path]) -> str:
    with open(Path(path).expanduser(), 'rb') as file:
        return hashlib.file_digest(file, 'sha256').hexdigest()


def _report(result: Conversion) -> List[str]:
    lines = [f'used        {len(result.used)} tensors']
    for title, names in (('not needed', result.not_needed), ('new',
                                                             result.new)):
        lines.append(f'{title:<11} {len(names)}' +
                     (': ' + ', '.join(summarise(names)) if names else ''))
    if result.new:
        lines.append('The new parameters are not trained: start training from '
                     'this checkpoint (--load-from), do not predict with it.')
    return lines


def summarise(names: List[str], most: int = 12) -> List[str]:
    """Names of parameters, as layers, and these by fewer parts if many.

    Args:
        names (list[str]): With dots.
        most (int): Number of entries that are still listed.

    Returns:
        list[str]: Each a name, or the start or a pattern of several.
    """
    layers = list(dict.fromkeys(name.rpartition('.')[0] or name
                                for name in names))
    if len(layers) <= most:
        return layers
    groups: Dict[str, List[str]] = {}
    for layer in layers:
        first, *_, last = layer.split('.')
        key = f'{first}.*.{last}' if last == 'conv_offset' else f'{first}.*'
        groups.setdefault(key, []).append(layer)
    return [f'{key} ({len(group)} layers)' for key, group in groups.items()]
