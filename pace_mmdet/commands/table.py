"""Fill the paper's Table 1 from runs, beside the paper's figures.

Reads the work directory of every row (work_dirs/NAME OF THE CONFIG) and what
the metafiles have on record, prints the table and writes it as Markdown and
CSV, with the plots of annotation time (Fig. 2) and of scores over points
(Fig. 5). With --run, rows that are missing are trained, tested and measured
first, one after the other; stopped at any moment, the same command goes on
where it was.

The comparison of kinds of supervision on real cells, which takes no earlier
checkpoint and goes on where the recorded results end:

    pace table --configs livecell_small usiigaci hela --start boxes \\
        --seeds 0 1 2 --run --record 'one CPU core'
"""
import argparse
from pathlib import Path

from mmengine.config import DictAction

from pace_mmdet.config_files import configs_folder
from pace_mmdet.errors import UserError
from pace_mmdet.files import write_atomically
from pace_mmdet.images.saving import save_figure
from pace_mmdet.points.cost_figures import annotation_cost_figure
from pace_mmdet.reporting.paper_rows import (by_line, changed_parts,
                                             collect_rows, read_paper,
                                             rows_as_csv, rows_as_markdown,
                                             scores_of)
from pace_mmdet.reporting.row_runs import run_missing
from pace_mmdet.visualization.plots import points_and_score_figure

from .options import whole
from .running import program


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Of the command line."""
    parser.add_argument(
        '--configs', nargs='+', default=['point2mask', 'pace'],
        metavar='FOLDER', help='folders of configs/ whose metafile lists the '
        'rows (default: point2mask pace, the rows on LIVECell; hela for those '
        'on HeLa)')
    parser.add_argument(
        '--points', nargs='+', metavar='N', help="only rows with so many "
        "points per cell, 'full' for full masks (default: all)")
    parser.add_argument(
        '--methods', nargs='+', choices=['PACE', 'Point2Mask'],
        help='only these (default: both)')
    parser.add_argument(
        '--start', metavar='START', help="what weights start from: coco:FILE "
        '(a converted COCO model, as for the published figures; {folder} in '
        "FILE stands for each of --configs), imagenet (the backbone's "
        'weights), scratch, or boxes (a model that is first trained on boxes '
        'alone, from which every row is fine-tuned: what is compared then is '
        'supervision). Default: what the config says')
    parser.add_argument(
        '--seeds', nargs='+', type=whole(0), default=[0], metavar='N',
        help='runs of each row (default: 0)')
    parser.add_argument('--work-dirs', type=Path, default=Path('work_dirs'))
    parser.add_argument(
        '--out-dir', type=Path, help='default: WORK_DIRS/table1')
    parser.add_argument(
        '--run', action='store_true', help='train and test what is missing')
    parser.add_argument(
        '--record', metavar='HARDWARE', help='with --run: record each row in '
        "its metafile as it ends; say what it ran on, such as '8x NVIDIA "
        "A100'")
    parser.add_argument(
        '--gpus', type=whole(1), default=1, help='processes of each run')
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, default={},
        metavar='KEY=VALUE', help='settings to change in every run; give the '
        'same when collecting')


def curves_of(rows: list, score: str) -> dict:
    """Scores of all runs by curve and number of points."""
    many = len({row.cells for row in rows}) > 1
    curves = {}
    for (method, cells, points), runs in by_line(rows).items():
        name = f'{method} on {cells}' if many else method
        curves.setdefault(name, {})[points] = scores_of(runs, score)
    return curves


def run(args: argparse.Namespace) -> None:
    """Collect, run what is to be run, print and write."""
    if args.record is not None and not args.run:
        raise UserError('--record goes with --run')
    if len(set(args.seeds)) < len(args.seeds):
        raise UserError('--seeds: expected different numbers, got '
                        f'{args.seeds}: a run and itself have no spread')
    collected = dict(
        root=configs_folder().parent, folders=args.configs,
        work_dirs=args.work_dirs, options=args.cfg_options,
        points=args.points, start=args.start, seeds=args.seeds,
        methods=args.methods)
    rows = collect_rows(**collected)
    changed = {part for row in rows if args.record
               for part in changed_parts(row.config, args.cfg_options)}
    if changed:
        raise UserError('--record is for the configs as they are, and '
                        f'--cfg-options changes their {sorted(changed)}: '
                        'leave one of the two out')
    failed = []
    if args.run:
        failed = run_missing(rows, args.cfg_options, args.gpus,
                             args.record)
        rows = collect_rows(**collected)
    paper = read_paper()
    table = rows_as_markdown(rows, paper)
    print(table)
    for row in rows:
        if row.missing:
            print(f'{row.name}: {row.missing}')
    out_dir = args.out_dir or args.work_dirs / 'table1'
    write_atomically(out_dir / 'table1.md', table + '\n')
    write_atomically(out_dir / 'table1.csv', rows_as_csv(rows, paper))
    save_figure(annotation_cost_figure(), out_dir / 'annotation_time.png')
    curves = curves_of(rows, 'segm_AP')
    if {row.cells for row in rows} <= {'pace', 'point2mask'}:
        for (method, points), scores in paper.items():
            curves.setdefault(f'{method} (paper, LIVECell)',
                              {})[points] = [scores['AP_seg']]
    save_figure(points_and_score_figure(curves), out_dir / 'points_and_ap.png')
    curves = curves_of(rows, 'quality_IoU')
    save_figure(points_and_score_figure(curves, 'mask IoU in true boxes (%)'),
                out_dir / 'points_and_mask_iou.png')
    print(f'Table and plots are in {out_dir}')
    if failed:
        raise UserError('these rows failed:\n  ' + '\n  '.join(failed))


main = program(__name__)
