"""Segment images with a trained model.

Inputs are files, folders and patterns; every plane of a stack is an image.
Results go into --out-dir, named after the input.
"""
import argparse
import contextlib
import os
import signal
import sys
from typing import Any, Iterator, List, Optional

from mmengine.device import get_device
from rich.console import Console

from pace_mmdet.engine.bfloat16 import add_amp_option, in_bfloat16
from pace_mmdet.engine.launch import LAUNCHERS
from pace_mmdet.errors import UserError
from pace_mmdet.files import folder_lock
from pace_mmdet.inference.batch import Batch, Summary, check_outputs
from pace_mmdet.inference.correcting import read_corrections
from pace_mmdet.inference.inputs import Job, plan_jobs, prepare_folder
from pace_mmdet.inference.preparation import DEFAULT_SCORE_THR, TILE_SIZE
from pace_mmdet.inference.processes import Share, join_processes
from pace_mmdet.inference.segmenter import OVERLAP, Segmenter, load_segmenter
from pace_mmdet.inference.slide_batch import SlideBatch
from pace_mmdet.inference.writers import FORMATS
from pace_mmdet.masks.corrections import LOWEST_SCORE

from . import options
from .image_options import add_intensity_options, add_plane_options
from .running import EXIT_USER_ERROR, program


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Of the command line."""
    parser.add_argument('inputs', nargs='+', metavar='INPUT',
                        help='image file, folder or pattern')
    parser.add_argument('--checkpoint', required=True, help='trained model')
    parser.add_argument(
        '--config', help='config file (default: the one in the checkpoint)')
    parser.add_argument('--out-dir', required=True, help='where results go')
    parser.add_argument(
        '--format',
        default='labels',
        help=f'some of {",".join(FORMATS)}, with commas (default: '
        '%(default)s)')
    parser.add_argument(
        '--score-thr',
        type=options.share,
        help='leave out cells that score less (default: predict_cfg.score_thr '
        f'of the config, else {DEFAULT_SCORE_THR})')
    add_plane_options(
        parser, page='plane of stacks to segment, from 0 (default: all)',
        channel='channel to segment, from 0 (default: as in training)')
    add_intensity_options(parser, default='as in training')
    size = parser.add_mutually_exclusive_group()
    size.add_argument(
        '--scale',
        type=float,
        default=1.0,
        help='resize images so that cells are as large as those of training: '
        '0.5 at twice the magnification')
    size.add_argument(
        '--diameter',
        type=float,
        help='how large cells are in the images, in pixels, instead of a '
        'scale')
    parser.add_argument(
        '--tile-size', type=options.whole(1),
        help='large images are cut into tiles of so many pixels of the '
        f"network's input (default: {TILE_SIZE}, more for a config of larger "
        'images)')
    parser.add_argument(
        '--overlap', type=options.whole(0), default=OVERLAP,
        help='of tiles; more than the largest cell (default: %(default)s)')
    parser.add_argument(
        '--batch-size', type=options.whole(1), default=1,
        help='tiles that go through the network at once (default: '
        '%(default)s)')
    parser.add_argument(
        '--views', type=int, choices=(1, 2, 4),
        help='from how many sides a flow model looks at an image: fewer are '
        'faster, more outline better (default: as in its config, 4)')
    parser.add_argument(
        '--corrections', metavar='JSON',
        help='what was said of these images in the annotation page, which '
        'writes the file: rejected cells are left out, those of its boxes are '
        'taken whatever their score')
    parser.add_argument('--recursive', action='store_true',
                        help='also take images of folders below')
    existing = parser.add_mutually_exclusive_group()
    existing.add_argument(
        '--skip-existing', action='store_true',
        help='write only what is missing: to go on with a stopped run')
    existing.add_argument('--overwrite', action='store_true',
                          help='replace results that exist')
    parser.add_argument(
        '--device',
        help='such as cuda:1, mps or cpu (default: a GPU if there is one)')
    add_amp_option(parser)
    parser.add_argument(
        '--trust-checkpoint', action='store_true',
        help='run the code that a checkpoint may hold: only for files from '
        'people you trust')
    parser.add_argument(
        '--launcher', choices=LAUNCHERS, default='none',
        help='what started the processes, if there are several')


def run(args: argparse.Namespace) -> int:
    """Segment images and write the results.

    Args:
        args (argparse.Namespace): Of :func:`add_arguments`.

    Returns:
        int: 0; 1 if a file could not be segmented; 130 if stopped.

    Raises:
        UserError: Something that the user can put right. Nothing was
            segmented then, unless the disk or the memory was full.
    """
    share = join_processes(args.launcher)
    formats = [name.strip() for name in args.format.split(',')]
    console = Console(stderr=True, quiet=share.rank > 0)
    jobs = plan_jobs(
        args.inputs, args.out_dir, args.recursive,
        lambda text: console.print(text, markup=False, highlight=False,
                                   soft_wrap=True))
    check_outputs(jobs, formats, args.skip_existing or args.overwrite)
    prepare_folder(args.out_dir)
    alone = contextlib.nullcontext() if share.rank else folder_lock(
        args.out_dir, 'Wait for it, or choose another --out-dir')
    with alone, _saying_how_to_go_on(share):
        # Only when all have looked may the first begin to write.
        share.gather([])
        return _predict(args, share, jobs, formats)


@contextlib.contextmanager
def _saying_how_to_go_on(share: Share) -> Iterator[None]:
    """Of several processes, say it when a launcher ends them.

    It does so when one of them was killed.
    """
    if share.count == 1:
        yield
        return

    def end(number: int, frame: Any) -> None:
        # One line is enough, but the first process may be the killed one.
        if share.rank < 2:
            print('error: stopped by its launcher, as another process has '
                  'ended or it was told to. What was found is kept; to go '
                  'on, repeat the command with --skip-existing',
                  file=sys.stderr, flush=True)
        # Without waiting for what the others will never send.
        os._exit(EXIT_USER_ERROR)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _predict(args: argparse.Namespace, share: Share, jobs: List[Job],
             formats: List[str]) -> int:
    correcting, least = None, args.score_thr
    if args.corrections:
        if args.score_thr is None:
            raise UserError('--corrections goes with --score-thr: cells that '
                            'score less are kept where it says so')
        correcting = read_corrections(args.corrections, args.score_thr)
        least = min(LOWEST_SCORE, args.score_thr)
    segmenter = load_segmenter(
        args.checkpoint,
        args.config,
        score_thr=least,
        intensities=args.intensities,
        scale=args.scale,
        diameter=args.diameter,
        device=args.device or share.device,
        trust=args.trust_checkpoint,
        tile_size=args.tile_size,
        overlap=args.overlap,
        batch_size=args.batch_size,
        in_bfloat16=in_bfloat16(args.amp, args.device or get_device()),
        views=args.views)
    console = Console(stderr=True)
    channel = args.channel
    if channel is None:
        channel = segmenter.preparation.channel
    if share.rank == 0:
        console.print(_described(segmenter, len(jobs), channel,
                                 args.score_thr),
                      highlight=False, soft_wrap=True)
        if correcting and not any(correcting.speaks_of(job.path)
                                  for job in jobs):
            console.print('[yellow]warning:[/] none of the images is in '
                          f'{args.corrections}, which names them by where '
                          'they were annotated', soft_wrap=True)
    batch = Batch(segmenter, formats, channel, args.skip_existing,
                  args.overwrite, console, args.page, correcting)
    try:
        batch.run(share.of(jobs))
        summaries = [part for row in share.gather([batch.summary])
                     for part in row]
        large = [job for part in summaries for job in part.slides]
        if large and correcting:
            segmenter.score_thr = args.score_thr
            console.print('[yellow]warning:[/] corrections are not made to '
                          f'slides: {len(large)} images are too large')
        if large:
            together = SlideBatch(
                segmenter, formats, channel, args.skip_existing,
                args.overwrite, Console(stderr=True, quiet=share.rank > 0),
                args.page, share=share)
            summaries.append(together.run(sorted(large)))
    except KeyboardInterrupt:
        console.print('\nStopped. What was written is complete, and what '
                      'was found is kept; to go on, repeat the command with '
                      '--skip-existing')
        return 130
    return 0 if share.rank else _conclude(summaries, args.out_dir)


def _described(segmenter: Segmenter, count: int, channel: Optional[int],
               score_thr: Optional[float]) -> str:
    preparation = segmenter.preparation
    mode = preparation.normalize
    if mode in ('percentile', 'range'):
        mode += f' {preparation.low:g} {preparation.high:g}'
    text = (f'{count} image file{"s" * (count != 1)}; score threshold '
            f'{segmenter.score_thr if score_thr is None else score_thr:g}, '
            f'intensities {mode}, '
            f'scale {preparation.scale:.3g}')
    return text if channel is None else f'{text}, channel {channel}'


def _conclude(summaries: List[Summary], out_dir: str) -> int:
    """Print the sum of all, with a list of what failed."""
    done = sum(len(summary.done) for summary in summaries)
    cells = sum(summary.cells for summary in summaries)
    skipped = sum(len(summary.skipped) for summary in summaries)
    failed = [text for summary in summaries for text in summary.failed]
    print(f'{done} files segmented, {cells} cells; results in {out_dir}')
    if skipped:
        print(f'{skipped} files were segmented already')
    if failed:
        print(f'{len(failed)} files failed:')
        for text in failed:
            print(f'  - {text}')
    return 1 if failed else 0


main = program(__name__)
