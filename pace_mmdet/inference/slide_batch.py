"""Segmenting slides, each by all processes together."""
import time
from typing import Callable, Sequence

from pace_mmdet.errors import ImageFileError, UserError

from . import slides
from .batch import DISK_FULL, Batch, Summary, memory_faults, progress_bars
from .inputs import Job
from .processes import Share
from .slides import folder_of, segment_slide
from .writers import imagej_rois


class SlideBatch(Batch):
    """Segments files that are too large to be read whole.

    Args:
        *args: As of :class:`~.batch.Batch`.
        share (Share): The processes. Each calls :meth:`run` with the same
            files, and takes part in each of them.
        **kwargs: As of ``Batch``.
    """

    def __init__(self, *args, share: Share = Share(), **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.share = share

    def run(self, jobs: Sequence[Job]) -> Summary:
        """Segment slides.

        Args:
            jobs (Sequence[Job]): The files.

        Returns:
            Summary: What became of them, in every process the same.

        Raises:
            UserError: If the disk or the memory is full, another process has
                ended, or a run with other settings was stopped half-way.
        """
        with progress_bars(self.console) as progress, memory_faults():
            slides = progress.add_task('slides', total=len(jobs))
            tiles = progress.add_task('tiles', total=None)

            def on_tile(done: int, total: int) -> None:
                progress.update(tiles, completed=done, total=total)

            for job in jobs:
                progress.reset(tiles, total=None)
                self._segment(job, on_tile)
                progress.advance(slides)
        return self.summary

    def _segment(self, job: Job,
                 on_tile: Callable[[int, int], None]) -> None:
        started = time.monotonic()
        try:
            opened = []
            self.share.together(lambda: opened.append(self._start(job)))
            if opened == [None]:
                return
            with opened[0].stack as stack:
                outputs = {name: files for name, files
                           in self._missing(job, stack).items() if files}
                for name, too_large, what in (
                        ('overlay', stack.max_pixels > slides.PICTURE_PIXELS,
                         'one picture'),
                        ('roi', max(stack.plane_shape[:2]) >
                         imagej_rois.MOST_PIXELS, "ImageJ's ROIs")):
                    if name in outputs and too_large:
                        raise ImageFileError(
                            f'{job.path}: is too large for {what}; leave '
                            f'{name} out of --format')
                if folder_of(job).exists() and not self.overwrite:
                    self.console.print(f'{job.path.name}: goes on with what '
                                       'was found before', markup=False)
                found = segment_slide(self.segmenter, stack, job, outputs,
                                      self.share, self.overwrite, on_tile)
                shape = len(stack), *stack.plane_shape[:2]
        except ImageFileError as error:
            self._fail(job, error)
            return
        except OSError as error:
            if error.errno in DISK_FULL:
                raise UserError(
                    f'{folder_of(job)}: the disk is full. What was found is '
                    'kept; make room and repeat the command with '
                    '--skip-existing') from None
            self._fail(job, error)
            return
        self._say(job, shape, found.cells, found.median_area, started,
                  found.remarks)
        self._caution(found.joined, found.full_tiles)
        self.summary.done.append(str(job.path))
        self.summary.cells += found.cells
