"""Get LIVECell, make its point labels, and check it.

    all          the three steps below, one after the other
    download     images and annotations
    points       boxes and labelled points from the training masks
    check        faults, and a table per cell type
"""
import argparse
from pathlib import Path

from rich.console import Console

from pace_mmdet.coco.converting import masks_to_points
from pace_mmdet.errors import UserError
from pace_mmdet.sources.livecell.checking import (check_livecell,
                                                  write_deduplicated)
from pace_mmdet.sources.livecell.download import download_livecell
from pace_mmdet.sources.livecell.files import (ANNOTATION_SETS, BASE_URL,
                                               WHOLE, annotation_files,
                                               find_set)

from .options import add_point_options
from .running import program


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Of the command line."""
    steps = parser.add_subparsers(dest='step', required=True, metavar='STEP')
    common, source, points, checks = (
        argparse.ArgumentParser(add_help=False) for _ in range(4))
    common.add_argument(
        '--root',
        type=Path,
        default=Path('data/livecell'),
        help='folder of the data set (default: %(default)s)')
    common.add_argument(
        '--annotations',
        nargs='+',
        default=[WHOLE],
        type=find_set,
        choices=ANNOTATION_SETS,
        metavar='SET',
        help=f'annotation sets: {", ".join(ANNOTATION_SETS)} (default: '
        f'{WHOLE}, which is the whole of LIVECell)')
    source.add_argument(
        '--base-url',
        default=BASE_URL,
        help='address of the folder with images.zip and annotations/ '
        '(default: %(default)s)')
    source.add_argument(
        '--no-images', action='store_true', help='get annotations only')
    checks.add_argument(
        '--dedup',
        action='store_true',
        help='also write copies of the annotations (..._dedup.json) without '
        'doubled images, doubled cells, and images for training that later '
        'splits list too')
    add_point_options(points)
    for step, text, parents in [
        ('all', 'download, points and check', [source, points, checks]),
        ('download', 'get what is not there yet', [source]),
        ('points', 'make the point labels', [points]),
        ('check', 'look for faults and count', [checks]),
    ]:
        steps.add_parser(step, help=text, parents=[common, *parents])


def _download(args: argparse.Namespace) -> None:
    done = download_livecell(args.root, args.annotations, args.base_url,
                             not args.no_images)
    for line in done or [f'{args.root}: all is there already']:
        print(line)


def _points(args: argparse.Namespace) -> None:
    for name in args.annotations:
        train = annotation_files(name)[0]
        target = args.root / train.points
        report = masks_to_points(args.root / train.local, target,
                                 args.max_points, args.seed, args.flip_prob)
        print(f'{target}: ' + '\n'.join(report.lines()))


def _check(args: argparse.Namespace) -> None:
    console, faults = Console(), []
    for name in args.annotations:
        report = check_livecell(args.root, name)
        for file in report.censuses:
            print(f'\n{args.root / file.local}')
            console.print(report.table(file))
            print('\n'.join(report.notes(file)))
        faults += report.faults
        if args.dedup and not report.faults:
            for file in report.censuses:
                print(write_deduplicated(report, args.root, file))
    if faults:
        raise UserError('\n'.join(faults))
    print(f'{args.root}: no faults')


STEPS = dict(download=_download, points=_points, check=_check)


def run(args: argparse.Namespace) -> int:
    """Take the steps."""
    try:
        for step in STEPS if args.step == 'all' else [args.step]:
            STEPS[step](args)
    except KeyboardInterrupt:
        print('\nStopped. The same command goes on from here.')
        return 130
    return 0


main = program(__name__)
