"""Keep docs/results.md in step with where results stand: tables, a picture.

The paper's figures stand in pace_mmdet/reporting/table1_paper.csv, ours in the
metafile.yml of each folder of configs (tools/analysis_tools/record_results.py
writes them there).
"""
import argparse
import sys
from pathlib import Path

from pace_mmdet.commands.running import run_tool
from pace_mmdet.errors import UserError
from pace_mmdet.files import atomic_file
from pace_mmdet.reporting.results_figures import (FIGURE, draw_figure,
                                                  figure_is_current,
                                                  supervision_panels)
from pace_mmdet.reporting.results_tables import BLOCKS, fill_blocks

ROOT = Path(__file__).resolve().parents[2]


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        '--write', action='store_true', help='write the tables')
    what.add_argument(
        '--check', action='store_true',
        help='fail if a table or the picture is stale')
    parser.add_argument(
        '--page', type=Path, default=ROOT / 'docs/results.md',
        help='the file (default: docs/results.md)')
    return parser.parse_args()


def main() -> int:
    args = parse_args()
    if not (args.write or args.check):
        for name, block in BLOCKS.items():
            print(f'{name}\n\n{block(ROOT)}\n')
        return 0
    if not args.page.is_file():
        raise UserError(f'{args.page}: no such file')
    old = args.page.read_text('utf-8')
    new = fill_blocks(old, ROOT)
    panels = supervision_panels(ROOT)
    figure = args.page.parent / FIGURE
    drawn = figure_is_current(figure, panels)
    if new == old and drawn:
        print(f'{args.page.name}: the tables and {figure.name} are up to date')
        return 0
    if args.check:
        stale = [name for name, fine in [
            (f'{args.page.name}: tables', new == old), (figure.name, drawn)]
            if not fine]
        raise UserError(f'{" and ".join(stale)} are stale; run '
                        'tools/analysis_tools/results_tables.py --write')
    with atomic_file(args.page) as file:
        file.write(new.encode())
    if not drawn:
        draw_figure(figure, panels)
    print(f'{args.page.name}: tables and {figure.name} written')
    return 0


if __name__ == '__main__':
    sys.exit(run_tool(main))
