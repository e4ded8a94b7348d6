"""Resizing images so that their cells are as large as a model wants them.

A config of such a model says so: ``cell_length = dict(images=None,
network=36)``. Its pipelines are written for cells of that length. Once the
length of the cells in the images is known, they are rewritten for it, and the
config is an ordinary one, which runs, is stored in checkpoints and predicts
without further word; ``predict_cfg`` keeps what was measured.
"""
import os.path as osp
from pathlib import Path
from typing import Any, List, Optional

from mmengine.config import Config

from pace_mmdet.coco.box_sizes import measure_boxes
from pace_mmdet.errors import UserError

from .data_check import datasets_of
from .stored_config import read_literals


def fit_to_cells(cfg: Config, checkpoint: Optional[dict] = None) -> str:
    """Rewrite the pipelines of a config for the length of its cells, in place.

    The length is what ``cell_length.images`` says; else what a checkpoint was
    trained with; else the median of the longer sides of the training boxes.
    Every ``Resize`` by a factor is multiplied, wherever in the config it
    stands, and a ``RandomCrop`` right before it, whose size is given in pixels
    after resizing, is divided. The key ``cell_length`` is then gone: doing it
    twice changes nothing.

    Args:
        cfg (Config): The config; one without ``cell_length`` is left alone.
        checkpoint (dict, optional): What a checkpoint holds.

    Returns:
        str: What was done, a line for the log; nothing if nothing was.

    Raises:
        UserError: The length is not known, or makes no sense.
    """
    if not cfg.get('cell_length'):
        return ''
    wanted = cfg.cell_length
    known = dict(cell_length=wanted.get('images'))
    origin = 'as the config says'
    if known['cell_length'] is None:
        known, origin = _stored(checkpoint), 'as in the checkpoint\'s training'
    if not known:
        known, origin = _measured(cfg)
    length, target = known['cell_length'], wanted.network
    if not (isinstance(length, (int, float)) and 0 < length < float('inf')):
        raise UserError(f'cell_length.images = {length!r}, expected the '
                        'length of cells in pixels, above 0')
    factor = target / length
    for key in list(cfg.keys()):
        cfg[key] = scaled(cfg[key], factor)
    cfg.pop('cell_length')
    cfg.predict_cfg = {**(cfg.get('predict_cfg') or {}), **known}
    return (f'Cells are {length:g} pixels long, {origin}; images are resized '
            f'by {factor:.3g}, so that they become {target}.')


def scaled(value: Any, factor: float) -> Any:
    """A part of a config with its pipelines for larger or smaller images.

    Args:
        value (Any): Dictionaries and lists of anything. Not changed.
        factor (float): By how much images are resized in addition.
    """
    if isinstance(value, dict):
        return type(value)(
            {key: scaled(item, factor) for key, item in value.items()})
    if not isinstance(value, (list, tuple)):
        return value
    parts = [scaled(item, factor) for item in value]
    for part, following in zip(parts, parts[1:] + [None]):
        if _resizes(part):
            part['scale_factor'] *= factor
        elif _is_transform(part, 'RandomCrop') and _resizes(following):
            total = following['scale_factor'] * factor
            part['crop_size'] = tuple(
                max(int(side / total), 1) for side in part['crop_size'])
    return parts if isinstance(value, list) else tuple(parts)


def _is_transform(part: Any, name: str) -> bool:
    return isinstance(part, dict) and part.get('type') == name


def _resizes(part: Any) -> bool:
    return _is_transform(part, 'Resize') and isinstance(
        part.get('scale_factor'), (int, float))


def _stored(checkpoint: Optional[dict]) -> dict:
    """What the config in a checkpoint says of its cells, if it does."""
    meta = (checkpoint or {}).get('meta')
    text = meta.get('cfg') if isinstance(meta, dict) else None
    try:
        stored = read_literals(text)['predict_cfg']
        return dict(cell_length=float(stored['cell_length']), **{
            key: float(stored[key]) for key in ('diameter', ) if key in stored
        })
    # No config, one that holds more than data, or one that doesn't say.
    except (SyntaxError, ValueError, RecursionError, MemoryError, TypeError,
            KeyError):
        return {}


def _measured(cfg: Config) -> tuple:
    paths = training_files(cfg)
    missing = [path for path in paths if not path.is_file()]
    if missing or not paths:
        raise UserError(
            'how long the cells of training are is not known: the config does '
            'not say, and its training annotations '
            f'{"".join(f"({path}) " for path in missing[:1])}are not here. '
            'Set cell_length=dict(images=...) in the config to the median of '
            'the longer sides of their boxes, in pixels')
    sizes = measure_boxes(paths)
    names = ', '.join(map(str, paths))
    if sizes is None:
        raise UserError(f'{names}: no box to see from how long the cells are; '
                        'set cell_length=dict(images=...) in the config')
    return (dict(cell_length=sizes.length, diameter=sizes.diameter),
            f'the median of {sizes.count} boxes in {names}')


def training_files(cfg: Config) -> List[Path]:
    """The annotation files that a config trains on."""
    loader = cfg.get('train_dataloader') or {}
    return [
        Path(osp.join(dataset.get('data_root') or '', dataset['ann_file']))
        for dataset in datasets_of(loader.get('dataset'))
        if isinstance(dataset.get('ann_file'), str)
    ]
