"""Time and memory of functions, for the scripts in ``tools/benchmarks``."""
import argparse
import gc
import json
import multiprocessing
import os
import statistics
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Optional

import torch

from pace_mmdet.errors import UserError
from pace_mmdet.files import write_atomically

OURS = 'ours'


class Cost(NamedTuple):
    """What a function took.

    Attributes:
        seconds (float): Median over the runs.
        megabytes (float, optional): Most memory at any moment beyond that
            before the first run.
        kept_megabytes (float, optional): Memory beyond that before the first
            run while what the function returned is still there.
    """
    seconds: float
    megabytes: Optional[float] = None
    kept_megabytes: Optional[float] = None


class Aim(NamedTuple):
    """How many times as much a peer should take, where we set ourselves one.

    Attributes:
        seconds (float, optional): Of the time.
        megabytes (float, optional): Of the memory.
        kept_megabytes (float, optional): Of the memory kept.
    """
    seconds: Optional[float] = None
    megabytes: Optional[float] = None
    kept_megabytes: Optional[float] = None


@dataclass(frozen=True)
class Comparison:
    """Ours beside its peers, all measured in one run.

    Attributes:
        title (str): What was done, how often and on what.
        costs (dict[str, Cost]): By name; one is 'ours'. Others may be missing
            where they could not be run.
        aims (dict[str, Aim]): Of any of the others.
        remarks (list[str]): What else a reader should know.
    """
    title: str
    costs: Dict[str, Cost]
    aims: Dict[str, Aim] = field(default_factory=dict)
    remarks: List[str] = field(default_factory=list)

    def report(self) -> str:
        """The comparison as a text table."""
        width = max(map(len, self.costs))
        lines = [f'{self.title}:']
        for name, cost in self.costs.items():
            line = f'  {name:<{width}}  {cost.seconds:9.3f} s'
            if cost.megabytes is not None:
                line += f'  {cost.megabytes:8.1f} MB'
            if cost.kept_megabytes is not None:
                line += f', {cost.kept_megabytes:8.1f} MB kept'
            if name != OURS:
                line += f'  ({self.verdict(name)})'
            lines.append(line)
        return '\n'.join(lines + [f'  {remark}' for remark in self.remarks])

    def verdict(self, peer: str) -> str:
        """A peer's cost as multiples of ours, with what was aimed at."""
        ours, other = self.costs[OURS], self.costs[peer]
        aim = self.aims.get(peer, Aim())
        parts = []
        for key, what in (('seconds', 'the time'), ('megabytes', 'the memory'),
                          ('kept_megabytes', 'the memory kept')):
            mine, theirs = getattr(ours, key), getattr(other, key)
            if mine is None or theirs is None:
                continue
            part = f'{theirs / max(mine, 1e-9):.1f} times {what}'
            wanted = getattr(aim, key)
            parts.append(part if wanted is None else
                         f'{part}, aim {wanted:g}')
        return '; '.join(parts)


def add_json_option(parser: argparse.ArgumentParser) -> None:
    """Add what :func:`publish` needs to a script's arguments."""
    parser.add_argument(
        '--json', type=Path, metavar='FILE', help='also write the results')


def publish(comparisons: List[Comparison], path: Optional[Path]) -> None:
    """Print comparisons, and write them if there is a path."""
    for comparison in comparisons:
        print(comparison.report())
    if path is not None:
        write_atomically(
            path, json.dumps([to_json(c) for c in comparisons], indent=1))


def to_json(comparison: Comparison) -> Dict[str, Any]:
    """A comparison as JSON can hold it; :func:`from_json` reads it."""
    content = asdict(comparison)
    for key in ('costs', 'aims'):
        content[key] = {
            name: value._asdict()
            for name, value in getattr(comparison, key).items()
        }
    return content


def from_json(content: Dict[str, Any]) -> Comparison:
    """A comparison as :func:`to_json` gave it."""
    return Comparison(
        content['title'],
        {name: Cost(**cost) for name, cost in content['costs'].items()},
        {name: Aim(**aim) for name, aim in content['aims'].items()},
        content['remarks'])


def compare(functions: Dict[str, Callable[[], object]],
            runs: int = 3,
            device: str = 'cpu',
            warm_up: bool = True,
            kept: bool = False) -> Dict[str, Cost]:
    """Measure functions one after the other.

    On a CPU, each runs in a process of its own. A fork begins with what is in
    memory already, so that inputs can be made once and do not count. Each uses
    one thread: those of PyTorch do not survive a fork.

    Args:
        functions (dict): Functions without arguments by name.
        runs (int): Runs of each.
        device (str): Where the functions work, 'cpu' or 'cuda'; on a GPU the
            memory is PyTorch's there.
        warm_up (bool): Whether a first run is not counted.
        kept (bool): Whether to give the memory that the result keeps (on a
            CPU).

    Returns:
        dict[str, Cost]: By the same names.

    Raises:
        RuntimeError: If a function fails or its process is killed, for
            example for want of memory.
        UserError: On a CPU, if this is not Linux.
    """
    if device != 'cpu':
        return {
            name: _measure_on_gpu(function, runs, warm_up)
            for name, function in functions.items()
        }
    if sys.platform != 'linux':
        raise UserError('benchmarks on a CPU run on Linux only: they fork, '
                        'and read the memory from /proc')
    context = multiprocessing.get_context('fork')
    costs = {}
    for name, function in functions.items():
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(
            target=_measure, args=(function, runs, warm_up, sender))
        process.start()
        sender.close()
        try:
            cost = Cost(*receiver.recv())
            costs[name] = cost if kept else cost._replace(kept_megabytes=None)
        except EOFError:
            process.join()
            raise RuntimeError(f'{name} ended with exit status '
                               f'{process.exitcode}') from None
        process.join()
    return costs


def available_megabytes() -> float:
    """Memory that could be used without swapping, in MB."""
    with open('/proc/meminfo') as file:
        for line in file:
            if line.startswith('MemAvailable:'):
                return int(line.split()[1]) * 1024 / 1e6
    raise OSError('/proc/meminfo: no MemAvailable')


def _measure(function: Callable[[], object], runs: int, warm_up: bool,
             sender) -> None:
    torch.set_num_threads(1)
    # What PyTorch loads for its first operation is not the function's.
    (torch.ones(64, 64) @ torch.ones(64, 64)).sum()
    gc.collect()
    before, current = _peak_memory(), _current_memory()
    result = function() if warm_up else None
    times = []
    for _ in range(runs):
        del result
        start = time.perf_counter()
        result = function()
        times.append(time.perf_counter() - start)
    gc.collect()
    kept = _current_memory() - current
    del result
    sender.send((statistics.median(times), (_peak_memory() - before) / 1e6,
                 kept / 1e6))


def _measure_on_gpu(function: Callable[[], object], runs: int,
                    warm_up: bool) -> Cost:
    if warm_up:
        function()
    times = []
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    for _ in range(runs):
        start = time.perf_counter()
        function()
        torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    peak = torch.cuda.max_memory_allocated() - before
    return Cost(statistics.median(times), peak / 1e6)


def _peak_memory() -> float:
    import resource  # not on Windows
    # Linux gives kilobytes.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _current_memory() -> float:
    with open('/proc/self/statm') as file:
        return int(file.read().split()[1]) * os.sysconf('SC_PAGESIZE')
