"""Record the scores of finished runs in the metafile beside their config.

Give one work directory a seed. Scores are those of the newest test, or of the
last validation where no test followed; several seeds give mean and standard
deviation.
"""
import argparse
import sys
from pathlib import Path

from pace_mmdet.commands.running import run_tool
from pace_mmdet.reporting.metafile import record_runs
from pace_mmdet.reporting.run_records import read_run


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', type=Path, help='the config of the runs')
    parser.add_argument('work_dirs', type=Path, nargs='+', metavar='WORK_DIR')
    parser.add_argument(
        '--hardware',
        required=True,
        help="what they ran on, such as '8x NVIDIA A100' or '2 CPU cores'")
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    runs = [read_run(work_dir, args.config) for work_dir in args.work_dirs]
    path = record_runs(args.config, runs, args.hardware)
    print(f'{path}: {len(runs)} run(s) of {args.config.name} recorded; now '
          'run tools/analysis_tools/results_tables.py --write')


if __name__ == '__main__':
    sys.exit(run_tool(main))
