"""Training and testing what is missing in the table, row by row."""
import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

from rich.console import Console

from pace_mmdet.engine.configuring import read_config
from pace_mmdet.engine.options import merge_options
from pace_mmdet.engine.resume import find_checkpoint
from pace_mmdet.errors import UserError

from .metafile import record_runs
from .paper_rows import Row
from .run_records import QUALITY, check_finished, read_run
from .starts import Start, boxes_config, note_start, weights_digest

INTERRUPTED = 130


def run_missing(rows: Sequence[Row],
                options: Dict[str, Any],
                gpus: int = 1,
                hardware: Optional[str] = None) -> List[str]:
    """Train, test and measure, one after the other, every incomplete row.

    What was interrupted goes on where it was: a training from its latest
    checkpoint, the rest from the first row that is not complete. A row that
    fails does not keep the others from running. Where the common start of
    recorded rows had to be trained again and came out differently, as on
    another processor, these rows are run again, too: from two starts there is
    no percentage.

    Args:
        rows (Sequence[Row]): The table.
        options (dict): Settings that are changed in every config.
        gpus (int): Processes of each training and test.
        hardware (str, optional): What they run on; if given, each row is
            recorded in its metafile as soon as it is complete.

    Returns:
        list[str]: What failed, a line each.

    Raises:
        UserError: A run was stopped by the user.
    """
    console = Console()
    missing = [row for row in rows if not row.is_complete]
    console.print(f'{len(rows) - len(missing)} of {len(rows)} rows are there, '
                  f'{len(missing)} to run')
    tools = _Commands(options, gpus)
    failed, number = [], 0
    while missing:
        row, number = missing.pop(0), number + 1
        begin = time.perf_counter()
        console.rule(f'{number} of {number + len(missing)}: {row.name}')
        start, fault = _run(row, tools)
        if fault:
            failed.append(f'{row.name} ({row.config.name}): {fault}')
        elif hardware is not None:
            record = read_run(row.work_dir, row.config,
                              tools.settings(row.config, row.start), start)
            record_runs(row.config, [record], hardware, keep_others=True)
        minutes = (time.perf_counter() - begin) / 60
        console.print(f'{fault or "done"}, {minutes:.1f} min')
        outdated = [other for other in rows if _is_outdated(other, row, start)]
        if outdated:
            console.print(f'{len(outdated)} rows on record are from another '
                          f'start than {start} and are run again')
            rows = [other for other in rows if other not in outdated]
            missing = [replace(other, start=start)
                       for other in outdated] + missing
    return failed


def _is_outdated(row: Row, done: Row, start: Start) -> bool:
    """Whether a row on record had a start that no longer is one."""
    return (start.kind == 'boxes' and row.is_complete
            and (row.method, row.cells) == (done.method, done.cells)
            and not row.record.start.agrees(start))


class _Commands:
    """Subcommands of ``pace``, with what all runs have in common."""

    def __init__(self, options: Dict[str, Any], gpus: int) -> None:
        self.options = options
        self.gpus = gpus

    def settings(self, config: Path, start: Start) -> Dict[str, Any]:
        """What a run has beside its config."""
        return {**start.options(config), **self.options}

    def train(self, config: Path, work_dir: Path, settings: Dict[str, Any],
              *arguments: str) -> str:
        """Train, or go on with it; give what went wrong, or nothing."""
        return self._call('train', config, '--resume', *arguments,
                          '--work-dir', str(work_dir), *_as_options(settings))

    def test(self, config: Path, checkpoint: Path, work_dir: Path,
             settings: Dict[str, Any]) -> str:
        """Test; give what went wrong, or nothing."""
        return self._call('test', config, str(checkpoint), '--work-dir',
                          str(work_dir), *_as_options(settings))

    def measure(self, config: Path, checkpoint: Path, work_dir: Path,
                settings: Dict[str, Any]) -> str:
        """Measure masks for true boxes; give what went wrong, or nothing."""
        return self._start([], 'quality', str(config), str(checkpoint),
                           '--out', str(work_dir / QUALITY),
                           *_as_options(settings))

    def _call(self, command: str, config: Path, *arguments: str) -> str:
        if self.gpus == 1:
            return self._start([], command, str(config), *arguments)
        launcher = ['torch.distributed.run', '--standalone',
                    '--nproc_per_node', str(self.gpus), '-m']
        return self._start(launcher, command, str(config), *arguments,
                           '--launcher', 'pytorch')

    def _start(self, launcher: List[str], command: str,
               *arguments: str) -> str:
        words = [sys.executable, '-m', *launcher, 'pace_mmdet', command,
                 *arguments]
        try:
            code = subprocess.run(words).returncode
        except KeyboardInterrupt:
            code = INTERRUPTED
        if code == INTERRUPTED:
            raise UserError('Stopped. To go on, repeat the command.')
        return (f'pace {command} ended with exit status {code}' if code else
                '')


def _run(row: Row, tools: _Commands) -> Tuple[Start, str]:
    """Train, test and measure a row; give its start, and what went wrong."""
    settings = tools.settings(row.config, row.start)
    try:
        record = read_run(row.work_dir, row.config, settings, row.start)
        start = record.start
    except UserError:
        # Not trained, not to its end, or not evaluated since.
        record = None
        start, fault = _weights(row, tools)
        fault = fault or _train(row, start, settings, tools)
        if fault:
            return start, fault
    checkpoint = checkpoint_to_test(row, settings)
    if record is None or not replace(row, record=record).is_complete:
        return start, (
            tools.test(row.config, checkpoint, row.work_dir, settings)
            or tools.measure(row.config, checkpoint, row.work_dir, settings))
    return start, ''


def _train(row: Row, start: Start, settings: Dict[str, Any],
           tools: _Commands) -> str:
    """Train a row from a start; give what went wrong, or nothing."""
    try:
        note_start(row.work_dir, start)
    except UserError as error:
        return str(error)
    (row.work_dir / QUALITY).unlink(missing_ok=True)
    loading = [] if start.file is None else ['--load-from', str(start.file)]
    return tools.train(row.config, row.work_dir, settings, '--seed',
                       str(row.seed), *loading)


def _weights(row: Row, tools: _Commands) -> Tuple[Start, str]:
    """The start with its weights, which are trained first if need be."""
    if row.start.kind != 'boxes':
        return row.start, ''
    config = boxes_config(row.config)
    work_dir = row.work_dir.with_name(config.stem)
    cfg = read_config(config)
    merge_options(cfg, tools.options, allow_new=True)
    try:
        check_finished(work_dir, cfg.train_cfg.max_iters)
    except UserError:
        fault = tools.train(config, work_dir, tools.options)
        if fault:
            return row.start, f'{config.name}: {fault}'
    checkpoint = Path(find_checkpoint(work_dir))
    return Start('boxes', weights_digest(checkpoint), checkpoint), ''


def _as_options(settings: Dict[str, Any]) -> List[str]:
    if not settings:
        return []
    return ['--cfg-options', *(f'{key}={str(value).replace(" ", "")}'
                               for key, value in settings.items())]


def checkpoint_to_test(row: Row, options: Dict[str, Any]) -> Path:
    """The best checkpoint, if it was chosen on other images; else the last.

    A checkpoint that was picked by the score that is reported would flatter.

    Raises:
        UserError: If there is none.
    """
    cfg = read_config(row.config)
    merge_options(cfg, options, allow_new=True)
    best = [path for path in row.work_dir.glob('best_*.pth')
            if re.search(r'_\d+$', path.stem)]
    if best and cfg.val_evaluator.ann_file != cfg.test_evaluator.ann_file:
        # Where the training that chose the former was stopped, there are two.
        return max(best, key=lambda path: int(path.stem.rpartition('_')[2]))
    last = find_checkpoint(str(row.work_dir))
    if last is None:
        raise UserError(f'{row.work_dir}: no checkpoint after training')
    return Path(last)
