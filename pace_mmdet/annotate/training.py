"""What a round of training is given, and what it tells while it lasts.

A round trains the config for one's own data by ``pace train``, which writes
its losses and scores to a file, a line of JSON each.
"""
from dataclasses import replace
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple, Union

import msgspec
import numpy as np

from pace_mmdet.files import write_atomically

from .errors import ChangeRefused
from .exporting import Export

CONFIG = 'own_data/own_points.py'
TRAIN = ('pace_mmdet', 'train')
SCORE = 'livecell/bbox_AP'
_VALIDATIONS = 5
_LOG_EVERY = 5
_CONFIG_TEXT = '''# A round of training of an annotation project.
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
    num_workers=0,
    persistent_workers=False,
    dataset=dict(
        num_points={num_points},
        data_root='',
        ann_file={train!r},
        data_prefix=dict(img=images),
        pipeline=train_pipeline))
val_dataloader = dict(
    num_workers=0,
    persistent_workers=False,
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


def write_round(folder: Path, train: Export, val: Export, images: Path,
                iterations: int, load_from: Optional[Path] = None
                ) -> List[str]:
    """Write what a round needs, and say how to run it.

    Args:
        folder (Path): The round's own.
        train (Export): What it is trained on.
        val (Export): What is set aside (:func:`set_aside`).
        images (Path): The folder of images.
        iterations (int): How long to train.
        load_from (Path, optional): Checkpoint to begin with.

    Returns:
        list[str]: Arguments of ``python -m``.
    """
    files = {}
    for name, part in (('train', train), ('val', val)):
        files[name] = str((folder / f'{name}.json').resolve())
        part.write(files[name])
    info = train.info
    plane = {name: info[name] for name in ('page', 'channel')
             if info.get(name) is not None}
    every = max(iterations // _VALIDATIONS, 1)
    write_atomically(folder / 'config.py', _CONFIG_TEXT.format(
        base=CONFIG, images=str(images.resolve()), plane=plane,
        num_points=info['num_points'], iterations=iterations,
        val_every=every, save_every=min(every, 50), score=SCORE,
        warm_up=min(20, iterations // 2),
        log_every=min(_LOG_EVERY, iterations), **files))
    command = [*TRAIN, str(folder / 'config.py'),
               '--work-dir', str(folder / 'run'), '--auto-amp']
    return command + (['--load-from', str(load_from)] if load_from else [])


def image_aside(image_ids: Sequence[int],
                earlier: Sequence[Sequence[list]] = ()) -> int:
    """Which of several images is set aside.

    Args:
        image_ids (Sequence[int]): Those that are complete, in order.
        earlier (Sequence): ``validation`` of earlier rounds, the latest
            first: [id, complete] of each image.

    Returns:
        int: The one that was set aside whole the last time, so that scores
        can be compared; the last one if there is none.
    """
    return next((image for validation in earlier
                 for image, complete in validation
                 if complete is True and image in image_ids), image_ids[-1])


def set_aside(export: Export, earlier: Sequence[Sequence[list]] = ()
              ) -> Tuple[Export, Export]:
    """Part an export for training and validation.

    Of several images one is set aside (:func:`image_aside`); of a single one
    its right quarter, where that cuts few boxes, or what was set aside of it
    before.

    Args:
        export (Export): What is complete.
        earlier (Sequence): As for :func:`image_aside`.

    Raises:
        ChangeRefused: If nothing is annotated.
    """
    if not export.annotations:
        raise ChangeRefused('no image is ready to be trained on: box every '
                            'cell of one, answer its points, and mark it as '
                            'complete (D)')
    if len(export.images) > 1:
        aside = image_aside([entry['id'] for entry in export.images], earlier)
        # Which comes last in what is parted; the files hold any order.
        return replace(export, images=sorted(
            export.images, key=lambda entry: entry['id'] == aside)).split(1)
    entry, = export.images
    regions = entry.get('complete', True)
    if regions is True:
        regions = [[0, 0, entry['width'], entry['height']]]
    left, right = _parted(regions, _cut(
        [ann['bbox'] for ann in export.annotations], regions))
    for validation in earlier:
        (image, part), *more = validation
        if image == entry['id'] and part is not True and not more:
            again = _parted(regions, min(region[0] for region in part))
            if again[1] == part and again[0]:
                left, right = again
                break
    return tuple(replace(export, images=[dict(entry, complete=part)])
                 for part in (left, right))


def _parted(regions: Sequence[Sequence[float]], cut: float
            ) -> Tuple[List[list], List[list]]:
    """What of regions is left of a column, and what right of it."""
    left = [[x, y, min(width, cut - x), height]
            for x, y, width, height in regions if x < cut]
    right = [[max(x, cut), y, x + width - max(x, cut), height]
             for x, y, width, height in regions if x + width > cut]
    return left, right


def _cut(boxes: Sequence[Sequence[float]],
         regions: Sequence[Sequence[float]]) -> int:
    """The column between 65 and 85 % of what is complete that the fewest
    boxes cross, the one nearest 75 % of these.
    """
    first = min(region[0] for region in regions)
    width = max(region[0] + region[2] for region in regions) - first
    columns = np.arange(round(first + 0.65 * width),
                        round(first + 0.85 * width) + 1)
    sides = np.array(boxes, np.float64)
    crossed = ((columns > sides[:, :1]) &
               (columns < sides[:, :1] + sides[:, 2:3])).sum(0)
    distance = np.abs(columns - (first + 0.75 * width))
    return int(columns[np.lexsort((distance, crossed))[0]])


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
                # Scores of what there is none of, which JSON does not know.
                line = msgspec.json.decode(row.replace(b'NaN', b'null'),
                                           type=Line)
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
