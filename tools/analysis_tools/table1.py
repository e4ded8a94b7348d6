"""Fill the paper's Table 1 from runs, beside the paper's figures.

Reads the work directory of every row (work_dirs/NAME OF THE CONFIG), prints
the table and writes it as Markdown and CSV, with the plots of annotation time
(Fig. 2) and of AP over points (Fig. 5). With --run, rows that are missing are
trained and tested first, one after the other; stopped at any moment, the same
command goes on where it was.
"""
import argparse
import sys
from pathlib import Path

from mmengine.config import DictAction

from pace_mmdet.commands.running import run_tool
from pace_mmdet.errors import UserError
from pace_mmdet.files import write_atomically
from pace_mmdet.images.saving import save_figure
from pace_mmdet.points.cost_figures import annotation_cost_figure
from pace_mmdet.reporting.paper_rows import (collect_rows, read_paper,
                                             rows_as_csv, rows_as_markdown)
from pace_mmdet.reporting.row_runs import run_missing
from pace_mmdet.visualization.plots import points_and_ap_figure

ROOT = Path(__file__).resolve().parents[2]


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--configs', nargs='+', default=['point2mask', 'pace'],
        metavar='FOLDER', help='folders of configs/ whose metafile lists the '
        'rows (default: point2mask pace, the rows on LIVECell; hela for those '
        'on HeLa)')
    parser.add_argument(
        '--points', nargs='+', metavar='N', help="only rows with so many "
        "points per cell, 'full' for full masks (default: all)")
    parser.add_argument('--work-dirs', type=Path, default=Path('work_dirs'))
    parser.add_argument(
        '--out-dir', type=Path, help='default: WORK_DIRS/table1')
    parser.add_argument(
        '--run', action='store_true', help='train and test what is missing')
    parser.add_argument(
        '--gpus', type=int, default=1, help='processes of each run')
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, default={},
        metavar='KEY=VALUE', help='settings to change in every run; give the '
        'same when collecting')
    return parser.parse_args()


def main() -> int:
    args = parse_args()
    collected = (ROOT, args.configs, args.work_dirs, args.cfg_options,
                 args.points)
    rows = collect_rows(*collected)
    failed = []
    if args.run:
        failed = run_missing(rows, ROOT, args.cfg_options, args.gpus)
        rows = collect_rows(*collected)
    paper = read_paper(ROOT)
    table = rows_as_markdown(rows, paper)
    print(table)
    for row in rows:
        if row.missing:
            print(f'{row.name}: {row.missing}')
    out_dir = args.out_dir or args.work_dirs / 'table1'
    write_atomically(out_dir / 'table1.md', table + '\n')
    write_atomically(out_dir / 'table1.csv', rows_as_csv(rows, paper))
    save_figure(annotation_cost_figure(), out_dir / 'annotation_time.png')
    curves = {}
    for method in sorted({row.method for row in rows}):
        curves[method] = {row.points: row.score('AP') for row in rows
                          if row.method == method and row.record}
        curves[f'{method} (paper, LIVECell)'] = {
            points: scores['AP_seg'] for (name, points), scores in
            paper.items() if name == method}
    save_figure(points_and_ap_figure(curves), out_dir / 'points_and_ap.png')
    print(f'Table and plots are in {out_dir}')
    if failed:
        raise UserError('these rows failed:\n  ' + '\n  '.join(failed))
    return 0


if __name__ == '__main__':
    sys.exit(run_tool(main))
