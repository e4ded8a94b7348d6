"""Training and testing what is missing in the table, row by row."""
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, List, Sequence

from mmengine.config import Config
from rich.console import Console

from pace_mmdet.engine.options import merge_options
from pace_mmdet.engine.resume import find_checkpoint
from pace_mmdet.errors import UserError

from .paper_rows import Row
from .run_records import read_run

INTERRUPTED = 130


def is_tested(row: Row) -> bool:
    """Whether a row has the scores of a test, not only of a validation."""
    return row.record is not None and row.record.scored.startswith('test')


def run_missing(rows: Sequence[Row],
                root: Path,
                options: Dict[str, Any],
                gpus: int = 1) -> List[str]:
    """Train and test, one after the other, every row that is not tested yet.

    What was interrupted goes on where it was: a training from its latest
    checkpoint, the rest from the first row that is not complete. A row that
    fails does not keep the others from running.

    Args:
        rows (Sequence[Row]): The table.
        root (Path): The repository, for its tools.
        options (dict): Settings that are changed in every config.
        gpus (int): Processes of each training and test.

    Returns:
        list[str]: What failed, a line each.

    Raises:
        UserError: A run was stopped by the user.
    """
    console = Console()
    missing = [row for row in rows if not is_tested(row)]
    console.print(f'{len(rows) - len(missing)} of {len(rows)} rows are there, '
                  f'{len(missing)} to run')
    failed = []
    for number, row in enumerate(missing, 1):
        start = time.perf_counter()
        console.rule(f'{number} of {len(missing)}: {row.name}')
        fault = _run(row, root, options, gpus)
        if fault:
            failed.append(f'{row.name} ({row.config.name}): {fault}')
        minutes = (time.perf_counter() - start) / 60
        console.print(f'{fault or "done"}, {minutes:.1f} min')
    return failed


def _run(row: Row, root: Path, options: Dict[str, Any], gpus: int) -> str:
    """Train and test one row; give what went wrong, or nothing."""
    common = ['--work-dir', str(row.work_dir)]
    if options:
        common += ['--cfg-options',
                   *(f'{key}={str(value).replace(" ", "")}'
                     for key, value in options.items())]
    try:
        read_run(row.work_dir, row.config, options)
    except UserError:
        # Not trained, not to its end, or not evaluated since.
        fault = _call('train', row, root, gpus, ['--resume', *common])
        if fault:
            return fault
    checkpoint = checkpoint_to_test(row, options)
    return _call('test', row, root, gpus, [str(checkpoint), *common])


def checkpoint_to_test(row: Row, options: Dict[str, Any]) -> Path:
    """The best checkpoint, if it was chosen on other images; else the last.

    A checkpoint that was picked by the score that is reported would flatter.

    Raises:
        UserError: If there is none.
    """
    cfg = Config.fromfile(row.config)
    merge_options(cfg, options, allow_new=True)
    best = sorted(row.work_dir.glob('best_*.pth'))
    if best and cfg.val_evaluator.ann_file != cfg.test_evaluator.ann_file:
        return best[-1]
    last = find_checkpoint(str(row.work_dir))
    if last is None:
        raise UserError(f'{row.work_dir}: no checkpoint after training')
    return Path(last)


def _call(tool: str, row: Row, root: Path, gpus: int,
          arguments: List[str]) -> str:
    command = [sys.executable, str(root / 'tools' / f'{tool}.py'),
               str(row.config), *arguments]
    if gpus > 1:
        # The launcher takes the number of processes after the paths.
        paths = 1 + (tool == 'test')
        command = [str(root / 'tools' / f'dist_{tool}.sh'), *command[2:]]
        command.insert(1 + paths, str(gpus))
    try:
        code = subprocess.run(command).returncode
    except KeyboardInterrupt:
        code = INTERRUPTED
    if code == INTERRUPTED:
        raise UserError('Stopped. To go on, repeat the command.')
    return f'tools/{tool}.py ended with exit status {code}' if code else ''
