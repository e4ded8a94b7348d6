"""What a run's weights start from, and how runs from different starts differ.

Scores are comparable between runs from one start only: a percentage of full
masks whose two runs began elsewhere would say nothing about supervision.
"""
import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, Optional

import torch
from mmengine.config import Config

from pace_mmdet.engine.configuring import read_config
from pace_mmdet.engine.safe_loading import load_checkpoint_file
from pace_mmdet.errors import UserError
from pace_mmdet.files import write_atomically

NOTE = 'start.json'
KINDS = ('scratch', 'imagenet', 'coco', 'boxes')

# From a model that already finds cells: fewer steps, at half the rate.
FINE_TUNING = {
    'train_cfg.max_iters': 120,
    'train_cfg.val_interval': 120,
    'optim_wrapper.optimizer.lr': 0.0002,
    'param_scheduler.1.end': 120
}
_CONVERT = {
    'pace': 'mask_cascade_rcnn_ResNeSt_200_FPN_dcn_syncBN_all_tricks_3x-'
            'e1901134.pth {file} --config configs/pace/pace_r200_dcn_4pt.py',
    'point2mask': 'model_final_f10217.pkl {file} --config '
                  'configs/point2mask/point2mask_r50_4pt.py'
}


@dataclass(frozen=True)
class Start:
    """Where weights come from.

    Attributes:
        kind (str): One of ``KINDS``, or 'weights' for a file of unknown
            origin.
        digest (str): Of the weights; empty without a file, or as long as
            none is known.
        file (Path, optional): Where they are.
    """
    kind: str
    digest: str = ''
    file: Optional[Path] = None

    def __str__(self) -> str:
        return f'{self.kind} {self.digest}'.strip()

    def agrees(self, other: 'Start') -> bool:
        """Whether it is the same start, as far as both are known."""
        if self.digest and other.digest:
            return self.digest == other.digest
        return self.kind == other.kind

    def options(self, config: Path) -> Dict[str, Any]:
        """Settings by dotted key that a run from here has.

        Raises:
            UserError: If the config knows no such start.
        """
        pretrained = _names_pretrained_backbone(Path(config))
        if self.kind == 'imagenet' and not pretrained:
            raise UserError(f'{config}: its backbone has no ImageNet weights; '
                            'small models start from scratch or from boxes')
        changes: Dict[str, Any] = {}
        if self.kind != 'imagenet' and pretrained:
            changes['model.backbone.init_cfg'] = None
        if self.kind == 'boxes':
            changes.update(FINE_TUNING)
        return changes


def parse_start(text: Optional[str], config: Path) -> Start:
    """The start that a command line asks for.

    Args:
        text (str, optional): 'scratch', 'imagenet', 'boxes' or 'coco:FILE',
            where {folder} in FILE stands for the config's folder; None for
            what the config says.
        config (Path): The config.

    Raises:
        UserError: If it is something else, or the file is missing.
    """
    if text is None:
        pretrained = _names_pretrained_backbone(Path(config))
        return Start('imagenet' if pretrained else 'scratch')
    kind, _, name = text.partition(':')
    if kind not in KINDS or bool(name) != (kind == 'coco'):
        raise UserError(f'--start {text}: expected scratch, imagenet, boxes '
                        'or coco:FILE')
    if not name:
        return Start(kind)
    folder = Path(config).parent.name
    file = Path(name.replace('{folder}', folder)).expanduser()
    if not file.is_file():
        command = _CONVERT.get(folder, 'DOWNLOADED {file} --config ' +
                               str(config)).format(file=file)
        raise UserError(
            f'{file}: no such file. Download the COCO model that '
            'docs/published_models.md names, and convert it:\n  python '
            f'tools/model_converters/detectron2_resnest.py {command}')
    return Start(kind, weights_digest(file), file)


def weights_digest(file: Path) -> str:
    """The first 12 digits of the SHA-256 of a checkpoint's weights.

    Names, shapes and values count; what else is in the file, such as the time
    of training, doesn't: a model that was trained again in the same way has
    the same digest.

    Args:
        file (Path): The checkpoint.

    Raises:
        UserError: If it can't be loaded as data.
    """
    status = Path(file).stat()
    return _digest(Path(file), status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=None)
def _digest(file: Path, modified: int, size: int) -> str:
    """The digest of a file as it is at a time."""
    content = load_checkpoint_file(file, 'cpu', False)
    weights = content.get('state_dict', content)
    digest = hashlib.sha256()
    for name in sorted(weights):
        value = torch.as_tensor(weights[name]).contiguous()
        digest.update(f'{name} {tuple(value.shape)} {value.dtype}'.encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:12]


def note_start(work_dir: Path, start: Start) -> None:
    """Write down a run's start in its work directory, before it begins.

    A run that goes on from its own checkpoint no longer knows it.

    Raises:
        UserError: If the directory holds a run from another start.
    """
    work_dir.mkdir(parents=True, exist_ok=True)
    if (work_dir / NOTE).is_file():
        before = Start(**json.loads((work_dir / NOTE).read_text('utf-8')))
        if not before.agrees(start):
            raise UserError(f'{work_dir}: holds a run that started from '
                            f'{before}, not from {start}; remove it, or give '
                            'another --work-dirs')
    write_atomically(
        work_dir / NOTE,
        json.dumps(dict(kind=start.kind, digest=start.digest)) + '\n')


def start_of_run(work_dir: Path, first: Config) -> Start:
    """The start of a run.

    Args:
        work_dir (Path): Where it worked; may hold what :func:`note_start`
            wrote.
        first (Config): What the run had when it first began.
    """
    note = work_dir / NOTE
    if note.is_file():
        return Start(**json.loads(note.read_text('utf-8')))
    loaded = first.get('load_from')
    if loaded:
        file = Path(loaded)
        return Start('weights',
                     weights_digest(file) if file.is_file() else 'unknown')
    return Start('imagenet' if _has_pretrained_backbone(first) else 'scratch')


def boxes_config(config: Path) -> Path:
    """The config that trains a row's model on boxes alone.

    Raises:
        UserError: If there is none.
    """
    config = Path(config)
    path = config.with_name(f'{config.stem.rpartition("_")[0]}_boxes.py')
    if not path.is_file():
        raise UserError(f'--start boxes: {config.name} has no {path.name} '
                        'beside it, which would train the common start')
    return path


@lru_cache(maxsize=None)
def _names_pretrained_backbone(config: Path) -> bool:
    return _has_pretrained_backbone(read_config(config))


def _has_pretrained_backbone(cfg: Config) -> bool:
    backbone = (cfg.get('model') or {}).get('backbone') or {}
    return bool((backbone.get('init_cfg') or {}).get('checkpoint'))
