"""Annotate images in the browser: boxes, then yes or no for their points.

Opens a folder of images; everything is kept in one project file. With --export
or --cost, writes that instead.
"""
import argparse
import signal
import sys
from pathlib import Path
from typing import Iterable, List, Optional

from rich.console import Console
from rich.progress import track
from rich.table import Table

from pace_mmdet.annotate.exporting import Export
from pace_mmdet.annotate.measuring import (PAPER, Effort, measured_cost_figure,
                                           total_effort)
from pace_mmdet.annotate.project import Project
from pace_mmdet.annotate.serving import address, listen, make_token, serve
from pace_mmdet.errors import MAX_LISTED, UserError
from pace_mmdet.files import refuse_inputs
from pace_mmdet.images.folders import list_folder
from pace_mmdet.images.intensities import Intensities
from pace_mmdet.images.saving import save_figure

from .image_options import add_intensity_options, add_plane_options
from .options import whole
from .running import program

# What the configs for one's own data call it.
VAL_NAME = 'val.json'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Of the command line."""
    parser.add_argument('images', help='folder of images, also those below it')
    parser.add_argument(
        '--db', required=True, help='project file; made if it does not exist')
    parser.add_argument(
        '--points',
        type=whole(1),
        help='points per box; more can be added later (default: the '
        "project's, 4 for a new one)")
    parser.add_argument(
        '--seed',
        type=int,
        help="of the points, for good (default: the project's, 0 for a new "
        'one)')
    add_plane_options(
        parser,
        page='plane to show of files with more than one, from 0, for good '
        '(default: the page asks)',
        channel='channel to show of files with several, from 0, for good')
    add_intensity_options(parser, default='percentile')
    parser.add_argument(
        '--boxes',
        nargs='+',
        metavar='COCO',
        help='COCO files with boxes to begin with, for example of '
        '``pace predict``; an exported file brings its answers along')
    parser.add_argument(
        '--export', metavar='JSON', help='write the point COCO file and stop')
    parser.add_argument(
        '--all',
        action='store_true',
        help='with --export: also images that are not marked as complete; '
        'they say so in the file, and training leaves them out')
    parser.add_argument(
        '--val',
        type=whole(1),
        metavar='N',
        help='with --export: put the last N complete images into val.json '
        'beside the file')
    parser.add_argument(
        '--cost',
        metavar='PNG',
        help='print the measured times, plot them beside the paper\'s and '
        'stop')
    parser.add_argument('--port', type=int, default=8765,
                        help='(default: %(default)s)')
    parser.add_argument(
        '--host',
        default='127.0.0.1',
        help='address to listen on (default: %(default)s)')
    parser.add_argument(
        '--token',
        help='what browsers must know, at least 16 characters; it is part of '
        'the printed address (default: one that is kept beside the project)')


def run(args: argparse.Namespace) -> None:
    """Open a project; serve it, or write what is asked for.

    Args:
        args (argparse.Namespace): Of :func:`add_arguments`.

    Raises:
        UserError: If an argument, a file or the port is refused.
    """
    console = Console(soft_wrap=True)
    if args.val is not None and not args.export:
        raise UserError('--val goes with --export')
    if args.all and not args.export:
        raise UserError('--all goes with --export')
    if args.val is not None and Path(args.export).name == VAL_NAME:
        raise UserError(f'--val writes {VAL_NAME}: give --export another name')
    refuse_inputs(
        [args.export, args.cost,
         args.val and Path(args.export).with_name(VAL_NAME)],
        [args.db, *(args.boxes or [])])
    only_writes = (args.export or args.cost) and not args.boxes
    if only_writes and not Path(args.db).is_file():
        raise UserError(f'{args.db}: no such project file')
    with Project(args.images, args.db, args.points, args.seed, args.page,
                 _progress, args.channel,
                 args.intensities or Intensities(),
                 lambda text: console.print(text, markup=False,
                                            highlight=False)) as project:
        _report_images(project, console)
        if args.boxes:
            for line in project.import_boxes(*args.boxes):
                console.print(line, markup=False)
        if args.export or args.cost:
            _write(project, args, console)
        else:
            token = make_token(args.token, args.db)
            _serve(project, args.host, args.port, token, console)


def _progress(names: List[str]) -> Iterable[str]:
    return track(names, description='Looking at the images', transient=True,
                 disable=not sys.stdout.isatty())


def _report_images(project: Project, console: Console) -> None:
    bad = [image for image in project.images.values() if image.problem]
    console.print(f'{project.folder}: {len(project.images) - len(bad)} images',
                  markup=False, highlight=False)
    for image in bad[:MAX_LISTED]:
        console.print(f'  skipped: {image.name}: {image.problem}',
                      markup=False, highlight=False)
    for line in list_folder(project.folder, recursive=True).left_out:
        console.print(f'  {line}', markup=False, highlight=False)
    if len(bad) > MAX_LISTED:
        console.print(f'  ... and {len(bad) - MAX_LISTED} more')


def _serve(project: Project, host: str, port: int, token: str,
           console: Console) -> None:
    with listen(host, port) as sock:
        url = address(host, sock, token)
        project.lock.describe(url)
        # uvicorn ends at both signals and passes them on: both end alike.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            console.print(
                f'Open [bold]{url}[/bold] in the browser. Ctrl-C stops; '
                'everything saved stays saved.', highlight=False)
            serve(project, sock, host, token)
        except KeyboardInterrupt:
            pass
    console.print(f'Stopped. All is in {project.path}', markup=False,
                  highlight=False)


def _write(project: Project, args: argparse.Namespace,
           console: Console) -> None:
    if args.export:
        _export(project.export(args.all), Path(args.export), args.val,
                console)
    if args.cost:
        efforts = project.efforts()
        console.print(_cost_table(efforts))
        save_figure(measured_cost_figure(efforts), args.cost)
        console.print(args.cost, highlight=False)


def _export(export: Export, path: Path, num_val: Optional[int],
            console: Console) -> None:
    console.print(f'{path}: ' + '\n'.join(export.lines()), markup=False,
                  highlight=False)
    if not export.images:
        raise UserError(f'{path}: not written, there is nothing to write. '
                        'Mark what is complete in the page (key D), or '
                        'give --all.')
    if num_val is None:
        export.write(path)
        return
    train, val = export.split(num_val)
    train.write(path)
    val.write(path.with_name(VAL_NAME))
    console.print(f'  of these, {len(val.images)} images with '
                  f'{len(val.annotations)} boxes in '
                  f'{path.with_name(VAL_NAME)}', markup=False,
                  highlight=False)


def _cost_table(efforts: List[Effort]) -> Table:
    table = Table(title='Measured time, pauses cut')
    for name in ('annotator', 'image'):
        table.add_column(name)
    for name in ('boxes', 's per box', 'points', 's per point'):
        table.add_column(name, justify='right')
    names = sorted({effort.annotator for effort in efforts})
    sums = [total_effort(efforts, name) for name in names]
    for effort in [*efforts, *sums, total_effort(efforts)]:
        table.add_row(effort.annotator or 'all', effort.image or 'all',
                      str(effort.boxes), _seconds(effort.seconds_per_box),
                      str(effort.points), _seconds(effort.seconds_per_point))
    table.add_row('paper', '', '', _seconds(PAPER.seconds_per_box), '',
                  _seconds(PAPER.seconds_per_point))
    return table


def _seconds(value: Optional[float]) -> str:
    return '-' if value is None else f'{value:.2f}'


main = program(__name__)
