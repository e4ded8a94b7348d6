"""Slides: images that are never in memory as a whole.

Tiles are read as they are needed, and what is found goes to disk at once,
into a folder beside the results. From there the cells are merged, and the
results made of them. A run that was stopped, at whatever point, goes on where
it was. Several processes share out the tiles and the results of one slide.
"""
import json
import shutil
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple

import numpy as np

from pace_mmdet.errors import ImageFileError, UserError
from pace_mmdet.files import write_atomically
from pace_mmdet.images.intensities import remarks
from pace_mmdet.images.stacks import ImageStack
from pace_mmdet.images.windows import PlaneWindows

from .inputs import Job
from .processes import Share
from .segmenter import Segmenter
from .slide_cells import Merger, PlaneCells, find_tiles
from .slide_results import write_results
from .slide_tiles import TileFinder, plan_slide
from .writers import Output

SLIDE_PIXELS = 1 << 26
"""Planes of more pixels are read in parts."""
PICTURE_PIXELS = 1 << 27
"""Planes of more pixels are too large for one picture."""
# Threads that read ahead: the network waits for the file as little as it can.
_READERS = 2
# Of a sample, so many rows less are enough for remarks on it.
_THINNED = 4
# Of the bands, so many are enough to tell the usual size of the cells.
_BANDS_APART = 16


class SlideCount(NamedTuple):
    """What was found on a slide.

    Attributes:
        cells (int): On all planes.
        joined (int): Cells that were put together from pieces.
        full_tiles (int): Tiles with as many cells as the model can give.
        remarks (list[str]): On the intensities.
        median_area (float): Of the cells, in pixels; 0 without any.
        before (int): Tiles that a run before this one had done.
    """
    cells: int
    joined: int
    full_tiles: int
    remarks: List[str]
    median_area: float
    before: int


def is_slide(stack: ImageStack) -> bool:
    """Whether the planes of an image are too large to be read whole."""
    return stack.max_pixels > SLIDE_PIXELS


def folder_of(job: Job) -> Path:
    """Where what a slide's run has found is kept until it is complete."""
    return job.stem.with_name(f'{job.stem.name}.unfinished')


def segment_slide(
    segmenter: Segmenter,
    stack: ImageStack,
    job: Job,
    outputs: Dict[str, List[Output]],
    share: Share = Share(),
    afresh: bool = False,
    on_tile: Callable[[int, int], None] = lambda *_: None,
) -> SlideCount:
    """Segment a slide and write what is found.

    Args:
        segmenter (Segmenter): The model.
        stack (ImageStack): The open slide.
        job (Job): Where the results go.
        outputs (dict[str, list[Output]]): What is to be written, by the name
            of the format; files that exist are replaced.
        share (Share): The processes, each of which calls this.
        afresh (bool): Whether to forget what a run before has found.
        on_tile (Callable): Called with a plane's tiles that are done, and
            their number.

    Returns:
        SlideCount: What was found.

    Raises:
        UserError: If the file cannot be read, a run with other settings has
            left its tiles, or another process has ended.
    """
    folder = folder_of(job)
    share.first(lambda: _prepare(folder, _settings(segmenter, stack, job),
                                 afresh))
    found: List[PlaneCells] = []
    said: List[str] = []
    before = 0
    for plane in range(len(stack)):
        opened: List[PlaneWindows] = []
        share.together(lambda: opened.append(stack.windows(plane)))
        windows, = opened
        place = folder / f'plane-{plane:04d}'
        plan, texts = share.first(
            lambda: _planned(segmenter, stack, windows, plane))
        said += texts
        finder = TileFinder(segmenter, _Clear(stack, windows), plan)
        size = windows.levels[0]
        # The first process merges what all have found, beside.
        mergers: List[Merger] = []
        share.first(lambda: mergers.append(
            Merger(finder, plan, place, *size)))
        before += find_tiles(finder, place, share, _READERS, on_tile,
                             [merger.advance for merger in mergers])
        share.first(lambda: mergers[0].end())
        found.append(PlaneCells(place, *size))
    write_results(segmenter, stack, found, job, outputs, folder, share)
    area = share.first(lambda: _median_area(found))
    share.first(lambda: shutil.rmtree(folder))
    return SlideCount(
        sum(map(len, found)), sum(plane.joined for plane in found),
        sum(plane.full_tiles for plane in found), said, area, before)


def _median_area(planes: List[PlaneCells]) -> float:
    """Of some of the cells, in pixels; 0 without any."""
    areas = [plane.band(number).cells.areas for plane in planes
             for number in range(plane.num_bands)[::_BANDS_APART]]
    return float(np.median(np.concatenate(areas))) if areas else 0.


class _Clear:
    """A plane whose decoders' faults are those of the file."""

    def __init__(self, stack: ImageStack, windows: PlaneWindows) -> None:
        self._stack, self._windows = stack, windows
        self.levels = windows.levels

    def read(self, *place: int) -> np.ndarray:
        """As of :class:`PlaneWindows`."""
        with self._stack.clear_errors():
            return self._windows.read(*place)


def _planned(segmenter: Segmenter, stack: ImageStack, windows: PlaneWindows,
             plane: int) -> tuple:
    preparation = segmenter.preparation
    where = f'plane {plane}: ' if len(stack) > 1 else ''
    try:
        with stack.clear_errors():
            plan, sample = plan_slide(segmenter, windows)
    except ValueError as error:
        raise ImageFileError(f'{stack.path}: {where}{error}') from None
    said = remarks(sample[::_THINNED], preparation.normalize,
                   preparation.low, preparation.high)
    return plan, [where + text for text in said]


def _settings(segmenter: Segmenter, stack: ImageStack,
              job: Job) -> Dict[str, object]:
    """What must be the same for a run to go on with another's tiles."""
    status = job.path.stat()
    preparation = segmenter.preparation
    return {
        'the image': [str(job.path.resolve()), status.st_size,
                      status.st_mtime_ns, list(stack.shape),
                      list(stack.plane_shape)],
        'the page': stack.page,
        'the channel': stack.channel,
        'the model': getattr(segmenter.detector, 'identity', ''),
        'the intensities': [preparation.normalize, preparation.low,
                            preparation.high, preparation.to_float32],
        'the scale': repr([preparation.scale, preparation.resize,
                           preparation.image_shape]),
        'the score threshold': segmenter.score_thr,
        'the tiles': [segmenter.tile_size, segmenter.overlap,
                      segmenter.batch_size],
    }


def _prepare(folder: Path, settings: Dict[str, object],
             afresh: bool) -> None:
    known = folder / 'settings.json'
    if known.exists() and not afresh:
        before = json.loads(known.read_text(encoding='utf-8'))
        other = [name for name, value in settings.items()
                 if before.get(name) != json.loads(json.dumps(value))]
        if other:
            raise UserError(
                f'{folder}: holds what a run found that was stopped, but '
                f'{" and ".join(other)} was another then. Go on with what it '
                'was, or begin anew with --overwrite')
        return
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    write_atomically(known, json.dumps(settings))
