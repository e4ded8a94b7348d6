"""What ``tools/predict.py`` does."""
import contextlib
from argparse import Namespace
from typing import List, Optional

from rich.console import Console

from pace_mmdet.files import folder_lock

from .batch import Batch, Summary, check_outputs
from .inputs import Job, plan_jobs, prepare_folder
from .processes import Share, join_processes
from .segmenter import Segmenter, load_segmenter


def run_predict(args: Namespace) -> int:
    """Segment images and write the results.

    Args:
        args (Namespace): Of ``tools/predict.py``.

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
    with alone:
        # Only when all have looked may the first begin to write.
        share.gather([])
        return _predict(args, share, jobs, formats)


def _predict(args: Namespace, share: Share, jobs: List[Job],
             formats: List[str]) -> int:
    segmenter = load_segmenter(
        args.checkpoint,
        args.config,
        score_thr=args.score_thr,
        intensities=args.intensities,
        scale=args.scale,
        diameter=args.diameter,
        device=args.device or share.device,
        trust=args.trust_checkpoint,
        tile_size=args.tile_size,
        overlap=args.overlap,
        batch_size=args.batch_size)
    console = Console(stderr=True)
    channel = args.channel
    if channel is None:
        channel = segmenter.preparation.channel
    if share.rank == 0:
        console.print(_described(segmenter, len(jobs), channel),
                      highlight=False, soft_wrap=True)
    batch = Batch(segmenter, formats, channel, args.skip_existing,
                  args.overwrite, console, args.page)
    try:
        batch.run(share.of(jobs))
    except KeyboardInterrupt:
        console.print('\nStopped. What was written is complete; to go on, '
                      'repeat the command with --skip-existing')
        return 130
    summaries = share.gather([batch.summary])
    if share.rank:
        return 0
    return _conclude([part for row in summaries for part in row],
                     args.out_dir)


def _described(segmenter: Segmenter, count: int,
               channel: Optional[int]) -> str:
    preparation = segmenter.preparation
    mode = preparation.normalize
    if mode in ('percentile', 'range'):
        mode += f' {preparation.low:g} {preparation.high:g}'
    text = (f'{count} image file{"s" * (count != 1)}; score threshold '
            f'{segmenter.score_thr:g}, intensities {mode}, '
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
