"""Segmenting many files, so that one bad file does not stop the others."""
import contextlib
import errno
import math
import time
from dataclasses import dataclass, field, replace
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

import numpy as np
from rich.console import Console
from rich.progress import (BarColumn, MofNCompleteColumn, Progress, TextColumn,
                           TimeElapsedColumn, TimeRemainingColumn)

from pace_mmdet.errors import ImageFileError, UserError
from pace_mmdet.images.intensities import remarks
from pace_mmdet.images.stacks import ImageStack

from .correcting import Correcting
from .inputs import Job
from .segmenter import Segmented, Segmenter
from .slides import is_slide
from .writers import FORMATS, FileCells, Output, outputs_of
from .writers.overlays import pictures_in
from .writers.zarr_labels import check_installed

_MOST_REMARKS = 5
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass
class Summary:
    """What became of the files.

    Attributes:
        done (list[str]): Files that were segmented.
        skipped (list[str]): Files whose results were there already.
        failed (list[str]): A message for each file that could not be
            segmented or written.
        cells (int): Cells of all files that were segmented.
        slides (list[Job]): Files too large for this, left for
            :class:`~.slide_batch.SlideBatch`.
    """
    done: List[str] = field(default_factory=list)
    skipped: List[str] = field(default_factory=list)
    failed: List[str] = field(default_factory=list)
    cells: int = 0
    slides: List[Job] = field(default_factory=list)


@dataclass
class _OpenFile:
    """A file of which planes are under way."""
    job: Job
    stack: ImageStack
    outputs: List[Output]
    started: float
    planes: Dict[int, Segmented] = field(default_factory=dict)
    remarks: List[str] = field(default_factory=list)


def check_outputs(jobs: Sequence[Job],
                  formats: Sequence[str],
                  may_exist: bool = False) -> None:
    """See that no result is there already, and none would replace an input.

    Args:
        jobs (Sequence[Job]): The files.
        formats (Sequence[str]): Names of formats.
        may_exist (bool): Whether results may be there.

    Raises:
        UserError: If one is.
    """
    formats = _checked(formats)
    paths = [job.path_of(output) for job in jobs
             for name in formats for output in outputs_of(name, ())]
    if 'overlay' in formats:
        # How many planes a file has isn't known before it is opened.
        stems = {job.stem for job in jobs}
        paths += [path for folder in sorted({stem.parent for stem in stems})
                  for path, name in pictures_in(folder)
                  if folder / name in stems]
    inputs = {job.path.resolve() for job in jobs}
    replaced = [path for path in paths if path.resolve() in inputs]
    if replaced:
        raise UserError(f'{replaced[0]} is an input, and a result would have '
                        'the same name; choose another --out-dir')
    existing = [path for path in paths if path.exists()]
    if existing and not may_exist:
        raise UserError(
            f'{len(existing)} results exist already, the first is '
            f'{existing[0]}; leave these images out with --skip-existing, '
            'replace them with --overwrite, or choose another --out-dir')


class Batch:
    """Segments files and writes what is found.

    Args:
        segmenter (Segmenter): The model.
        formats (Sequence[str]): Some of
            :data:`~pace_mmdet.inference.writers.FORMATS`.
        channel (int, optional): Channel to read, from 0.
        skip_existing (bool): Whether to leave out what is written already.
        overwrite (bool): Whether to replace it.
        console (Console, optional): Where progress and summaries go.
        page (int, optional): The only plane of stacks to segment, from 0; by
            default all of them.
        correcting (Correcting, optional): What an annotator says of images
            of one plane; the segmenter's threshold is to be the lowest then.

    Raises:
        UserError: If there is no such format or channel.
    """

    def __init__(self,
                 segmenter: Segmenter,
                 formats: Sequence[str],
                 channel: Optional[int] = None,
                 skip_existing: bool = False,
                 overwrite: bool = False,
                 console: Optional[Console] = None,
                 page: Optional[int] = None,
                 correcting: Optional[Correcting] = None) -> None:
        if channel is not None and channel < 0:
            raise UserError(f'--channel {channel}: channels are numbered '
                            'from 0')
        self.segmenter = segmenter
        self.formats = _checked(formats)
        self.channel = channel
        self.page = page
        self.correcting = correcting
        self.skip_existing = skip_existing
        self.overwrite = overwrite
        self.console = console or Console()
        self.summary = Summary()
        self._open: Dict[int, _OpenFile] = {}

    def run(self, jobs: Sequence[Job]) -> Summary:
        """Segment files.

        Args:
            jobs (Sequence[Job]): The files.

        Returns:
            Summary: What became of them.

        Raises:
            UserError: If the disk or the memory is full: the other files
                would fare no better.
        """
        with progress_bars(self.console) as progress, contextlib.ExitStack(
        ) as files:
            files.callback(self._close_all)
            images = progress.add_task('images', total=len(jobs))
            tiles = progress.add_task('tiles', total=None)

            def on_tile(key: Tuple[int, int], done: int, total: int) -> None:
                progress.update(tiles, completed=done, total=total)

            planes = self._planes(jobs, progress, images)
            with memory_faults():
                for (number, plane), found in self.segmenter.stream(
                        planes, on_tile):
                    file = self._open.get(number)
                    if file is None:  # another plane of it was unreadable
                        continue
                    file.planes[plane] = found
                    if len(file.planes) == len(file.stack):
                        self._finish(file)
                        self._open.pop(number).stack.close()
                        progress.advance(images)
        return self.summary

    def _planes(
            self, jobs: Sequence[Job], progress: Progress,
            task: int) -> Iterator[Tuple[Tuple[int, int], np.ndarray]]:
        """All planes of all files that can be read, normalised."""
        for number, job in enumerate(jobs):
            try:
                file = self._start(job)
                if file is None:
                    progress.advance(task)
                    continue
                if is_slide(file.stack):
                    file.stack.close()
                    self.summary.slides.append(job)
                    continue
                self._open[number] = file
                for plane in range(len(file.stack)):
                    yield (number, plane), self._read(file, plane)
            except (ImageFileError, OSError, MemoryError) as error:
                self._fail(job, error)
                opened = self._open.pop(number, None)
                if opened is not None:
                    opened.stack.close()
                progress.advance(task)

    def _start(self, job: Job) -> Optional[_OpenFile]:
        """Open a file; None if there is nothing left to write for it."""
        stack = ImageStack(job.path, self.channel, page=self.page)
        try:
            _check_stack(stack)
            if (len(stack) > 1 and self.correcting
                    and self.correcting.speaks_of(job.path)):
                raise ImageFileError(
                    f'{job.path}: has {len(stack)} planes, --corrections are '
                    'of one: say of which with --page')
            outputs = sum(self._missing(job, stack).values(), [])
        except BaseException:
            stack.close()
            raise
        if not outputs:
            stack.close()
            self.summary.skipped.append(str(job.path))
            return None
        return _OpenFile(job, stack, outputs, time.monotonic())

    def _missing(self, job: Job,
                 stack: ImageStack) -> Dict[str, List[Output]]:
        """What is to be written of a file, by the name of the format."""
        return {
            name: [
                output for output in outputs_of(name, stack.shape)
                if not (self.skip_existing and job.path_of(output).exists())
            ] for name in self.formats
        }

    def _read(self, file: _OpenFile, plane: int) -> np.ndarray:
        stack, preparation = file.stack, self.segmenter.preparation
        img = stack.read(plane)
        where = f'plane {plane}: ' if len(stack) > 1 else ''
        try:
            found = preparation.intensities(img)
        except ValueError as error:
            raise ImageFileError(f'{stack.path}: {where}{error}') from None
        file.remarks += [
            where + text for text in remarks(
                img, preparation.normalize, preparation.low,
                preparation.high)]
        return found

    def _finish(self, file: _OpenFile) -> None:
        """Write the results of a file and say what was found."""
        planes = [file.planes[i] for i in range(len(file.stack))]
        if self.correcting:
            planes = self._corrected(file, planes)
        found = FileCells.of_stack(
            file.stack, [plane.cells for plane in planes],
            read=file.stack.read,
            intensities=self.segmenter.preparation.shown,
            classes=getattr(self.segmenter.detector, 'classes', ('cell', )))
        faults = []
        for output in file.outputs:
            try:
                self._write(output, found, file.job)
            except OSError as error:
                if error.errno in DISK_FULL:
                    raise UserError(
                        f'{file.job.stem}{output.ending}: not written, the '
                        'disk is full. What was written before is complete; '
                        'make room and repeat the command with '
                        '--skip-existing') from None
                faults.append(f'{output.ending}: {error.strerror or error}')
            except (ValueError, ImageFileError) as error:
                faults.append(f'{output.ending}: {error}')
        self._report(file, planes)
        if faults:
            self._fail(file.job, 'not written: ' + '; '.join(faults))
            return
        self.summary.done.append(str(file.job.path))
        self.summary.cells += sum(map(len, found.planes))

    def _corrected(self, file: _OpenFile,
                   planes: List[Segmented]) -> List[Segmented]:
        """Planes with the cells that an annotator says there are."""
        corrected = []
        for plane in planes:
            cells, without = self.correcting(file.job.path, plane.cells)
            corrected.append(replace(plane, cells=cells))
            if without:
                file.remarks.append(f'{without} boxes of the annotator have '
                                    'no cell: the model finds none there')
        return corrected

    def _write(self, output: Output, found: FileCells, job: Job) -> None:
        path = job.path_of(output)
        if path.exists() and not self.overwrite:
            raise ValueError(f'{path} exists already')
        output.write(found, path)

    def _report(self, file: _OpenFile, planes: List[Segmented]) -> None:
        cells = [plane.cells for plane in planes]
        areas = np.concatenate([c.areas for c in cells])
        self._say(file.job, (len(planes), cells[0].height, cells[0].width),
                  len(areas), float(np.median(areas)) if len(areas) else 0.,
                  file.started, file.remarks)
        self._caution(sum(plane.joined for plane in planes),
                      sum(plane.full_tiles for plane in planes))

    def _say(self, job: Job, shape: Tuple[int, int, int], count: int,
             area: float, started: float, said: List[str]) -> None:
        """A line on a file's planes, height and width, and its cells."""
        planes, height, width = shape
        size = f'{width} x {height}'
        if planes > 1:
            size = f'{planes} x {size}'
        diameter = (f'{2 * math.sqrt(area / math.pi):5.1f} px across'
                    if count else ' ' * 15)
        seconds = time.monotonic() - started
        self.console.print(
            f'[bold]{_plain(job.path.name):<32}[/] {size:>18}  '
            f'[green]{count:6d} cells[/]  {diameter}  {seconds:6.1f} s',
            highlight=False, soft_wrap=True)
        for text in said[:_MOST_REMARKS]:
            self._warn(text)
        if len(said) > _MOST_REMARKS:
            self._warn(f'{len(said) - _MOST_REMARKS} more of these')

    def _caution(self, joined: int, full: int) -> None:
        """Say of tiles what may have gone wrong."""
        if joined:
            self._warn(f'{joined} cells are larger than the overlap of the '
                       'tiles and were put together from pieces; a larger '
                       '--overlap sees them whole')
        if full:
            self._warn(f'{full} tiles hold as many cells as the model gives '
                       'at most, some may be missing; take a smaller '
                       '--tile-size')

    def _warn(self, text: str) -> None:
        self.console.print(f'  [yellow]warning:[/] {text}', highlight=False,
                           soft_wrap=True)

    def _fail(self, job: Job, reason) -> None:
        if isinstance(reason, MemoryError):
            reason = 'needs more memory than there is'
        text = str(reason)
        if not text.startswith(str(job.path)):
            text = f'{job.path}: {text}'
        self.summary.failed.append(text)
        self.console.print(f'[red]failed:[/] {_plain(text)}',
                           highlight=False, soft_wrap=True)

    def _close_all(self) -> None:
        for file in self._open.values():
            file.stack.close()
        self._open.clear()


def progress_bars(console: Console) -> Progress:
    """Bars with counts, the time so far and the time that is left."""
    return Progress(
        TextColumn('{task.description}'), BarColumn(), MofNCompleteColumn(),
        TimeElapsedColumn(), TimeRemainingColumn(), console=console)


def _checked(formats: Sequence[str]) -> List[str]:
    """Names of formats, each once."""
    if not formats or not set(formats) <= set(FORMATS):
        raise UserError(f'--format {",".join(formats)}: expected some of '
                        f'{",".join(FORMATS)}')
    if 'zarr' in formats:
        check_installed()
    return list(dict.fromkeys(formats))


def _check_stack(stack: ImageStack) -> None:
    """Refuse what would be segmented channel by channel, or makes no stack."""
    if stack.channel is None and stack.num_channels > 1:
        names = ', '.join(stack.channel_names)
        raise ImageFileError(
            f'{stack.path}: has {stack.num_channels} channels'
            f'{f" ({names})" if names else ""}; say which one to segment '
            f'with --channel 0 ... {stack.num_channels - 1}')
    if not stack.is_uniform:
        raise ImageFileError(f'{stack.path}: holds images of different sizes '
                             'or axes; save them as files of their own')


@contextlib.contextmanager
def memory_faults() -> Iterator[None]:
    """Say what to do where NumPy or PyTorch run out of memory."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not (isinstance(error, MemoryError)
                or 'out of memory' in str(error)
                or "can't allocate memory" in str(error)):
            raise
        raise UserError('out of memory; take a smaller --batch-size or '
                        '--tile-size. What was written is complete; repeat '
                        'the command with --skip-existing') from None


def _plain(text: str) -> str:
    """Text in which rich sees no markup."""
    return text.replace('[', '\\[')
