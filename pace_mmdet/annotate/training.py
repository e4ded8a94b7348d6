"""What a round of training is given, and what it tells while it lasts.

A round trains the config for one's own data by ``pace train``, which writes
its losses and scores to a file, a line of JSON each.
"""
from pathlib import Path
from typing import Dict, List, Optional, Union

import msgspec

from pace_mmdet.files import write_atomically

from .errors import ChangeRefused
from .exporting import Export

CONFIG = 'pace_plus/center_flow_points.py'
SCORE = 'livecell/bbox_AP50'
_VALIDATIONS = 5
_LOG_EVERY = 5
_CONFIG_TEXT = '''# A round of training of an annotation project; made by the page.
_base_ = 'pace_mmdet::{base}'
images = {images!r}
plane = {plane!r}
train_pipeline = [
    {{**step, **plane}} if step['type'] == 'LoadMicroscopyImage' else step
    for step in _base_.train_pipeline
]
test_pipeline = [
    {{**step, **plane}} if step['type'] == 'LoadMicroscopyImage' else step
    for step in _base_.test_pipeline
]
train_dataloader = dict(
    num_workers=1,
    dataset=dict(
        num_points={num_points},
        data_root='',
        ann_file={train!r},
        data_prefix=dict(img=images),
        pipeline=train_pipeline))
val_dataloader = dict(
    num_workers=1,
    dataset=dict(
        data_root='',
        ann_file={val!r},
        data_prefix=dict(img=images),
        pipeline=test_pipeline))
test_dataloader = val_dataloader
val_evaluator = dict(ann_file={val!r})
test_evaluator = val_evaluator
train_cfg = dict(max_iters={iterations}, val_interval={val_every})
param_scheduler = [
    dict(
        type='LinearLR', start_factor=0.05, by_epoch=False, begin=0,
        end={warm_up}),
    dict(
        type='CosineAnnealingLR',
        eta_min=0.00002,
        by_epoch=False,
        begin={warm_up},
        end={iterations})
]
default_hooks = dict(
    logger=dict(interval={log_every}),
    checkpoint=dict(
        interval={save_every}, max_keep_ckpts=1,
        save_best={score!r}))
log_processor = dict(window_size={log_every})
'''


def write_round(folder: Path, export: Export, images: Path, iterations: int,
                load_from: Optional[Path] = None) -> List[str]:
    """Write what a round needs, and say how to run it.

    One image is set aside for validation, the last one.

    Args:
        folder (Path): The round's own.
        export (Export): What is annotated.
        images (Path): The folder of images.
        iterations (int): How long to train.
        load_from (Path, optional): Checkpoint to begin with.

    Returns:
        list[str]: Arguments of ``python -m``.

    Raises:
        ChangeRefused: If too little is annotated.
    """
    train, val = set_aside(export)
    files = {}
    for name, part in (('train', train), ('val', val)):
        files[name] = str((folder / f'{name}.json').resolve())
        part.write(files[name])
    info = export.info
    plane = {name: info[name] for name in ('page', 'channel')
             if info.get(name) is not None}
    every = max(iterations // _VALIDATIONS, 1)
    write_atomically(folder / 'config.py', _CONFIG_TEXT.format(
        base=CONFIG, images=str(images.resolve()), plane=plane,
        num_points=info['num_points'], iterations=iterations,
        val_every=every, save_every=min(every, 50), score=SCORE,
        warm_up=min(20, iterations // 2), log_every=min(_LOG_EVERY, iterations),
        **files))
    command = ['pace_mmdet', 'train', str(folder / 'config.py'),
               '--work-dir', str(folder / 'run')]
    return command + (['--load-from', str(load_from)] if load_from else [])


def set_aside(export: Export) -> tuple:
    """Part an export for training and validation, one image for the latter.

    Returns:
        tuple[Export]: Of a single image both are the same: its score tells
        how well it was learned, not how well others will do.

    Raises:
        ChangeRefused: If nothing is annotated.
    """
    if not export.annotations:
        raise ChangeRefused('no image is ready to be trained on: box every '
                            'cell of one, and answer the points')
    if len(export.images) == 1:
        return export, export
    return export.split(1)


class Line(msgspec.Struct):
    """A line of the log: of losses, or of scores."""
    step: int
    loss: Optional[float] = None
    time: Optional[float] = None
    score: Optional[float] = msgspec.field(name=SCORE, default=None)


def read_progress(folder: Path, iterations: int) -> Dict[str, object]:
    """How far a round is.

    Args:
        folder (Path): The round's.
        iterations (int): How long it trains.

    Returns:
        dict: ``iteration`` and ``iterations``, ``losses`` and ``scores``
        ([iteration, value] each), and ``seconds_left`` (None if not known).
    """
    losses: Dict[int, float] = {}
    scores: Dict[int, float] = {}
    pace = None
    # Each time that it is resumed, it begins a new file.
    for path in sorted((folder / 'run').glob('*/vis_data/scalars.json')):
        for row in path.read_bytes().splitlines():
            try:
                line = msgspec.json.decode(row, type=Line)
            except msgspec.MsgspecError:
                continue  # not yet written to its end
            if line.loss is not None:
                losses[line.step] = line.loss
                pace = line.time if line.time is not None else pace
            if line.score is not None:
                scores[line.step] = line.score
    done = max([*losses, *scores], default=0)
    return dict(
        iteration=done,
        iterations=iterations,
        losses=sorted(losses.items()),
        scores=sorted(scores.items()),
        seconds_left=None if pace is None else pace * (iterations - done))


def outcome_of(folder: Path, iterations: int) -> Dict[str, Union[str, float]]:
    """What came of a round: ``checkpoint``, its name below the folder, and
    ``score``; either may be missing.
    """
    outcome: Dict[str, Union[str, float]] = {}
    found = [path for kind in ('best_*.pth', 'iter_*.pth')
             for path in sorted((folder / 'run').glob(kind),
                                key=lambda path: path.stat().st_mtime)[-1:]]
    if found:
        outcome['checkpoint'] = found[0].relative_to(folder).as_posix()
    scores = read_progress(folder, iterations)['scores']
    if scores:
        outcome['score'] = max(value for _, value in scores)
    return outcome
