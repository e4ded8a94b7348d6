"""Time and memory of functions, for the scripts in ``tools/benchmarks``."""
import multiprocessing
import resource
import statistics
import time
from typing import Callable, Dict, NamedTuple

import torch

# Linux gives kilobytes.
_RSS_UNIT = 1024


class Cost(NamedTuple):
    """What a function took.

    Attributes:
        seconds (float): Median over the runs.
        megabytes (float): Most memory at any moment beyond that before the
            first run.
    """
    seconds: float
    megabytes: float


def compare_on_gpu(functions: Dict[str, Callable[[], object]],
                   runs: int = 3) -> Dict[str, Cost]:
    """Measure functions that work on the current GPU, one after the other.

    Args:
        functions (dict): Functions without arguments by name.
        runs (int): Runs of each, after one that is not counted.

    Returns:
        dict[str, Cost]: By the same names; the memory is PyTorch's.
    """
    costs = {}
    for name, function in functions.items():
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
        costs[name] = Cost(statistics.median(times), peak / 1e6)
    return costs


def compare(functions: Dict[str, Callable[[], object]],
            runs: int = 3) -> Dict[str, Cost]:
    """Measure functions one after the other, each in a process of its own.

    A fork begins with what is in memory already, so that inputs can be made
    once and do not count. Each uses one thread: those of PyTorch do not
    survive a fork.

    Args:
        functions (dict): Functions without arguments by name.
        runs (int): Runs of each, after one that is not counted.

    Returns:
        dict[str, Cost]: By the same names.

    Raises:
        RuntimeError: If a function fails or its process is killed, for
            example for want of memory.
    """
    context = multiprocessing.get_context('fork')
    costs = {}
    for name, function in functions.items():
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(
            target=_measure, args=(function, runs, sender))
        process.start()
        sender.close()
        try:
            costs[name] = Cost(*receiver.recv())
        except EOFError:
            process.join()
            raise RuntimeError(f'{name} ended with exit status '
                               f'{process.exitcode}') from None
        process.join()
    return costs


def report(costs: Dict[str, Cost], ours: str) -> str:
    """A table in which every row is compared with ours."""
    width = max(map(len, costs))
    lines = []
    for name, cost in costs.items():
        line = (f'  {name:<{width}}  {cost.seconds:9.3f} s  '
                f'{cost.megabytes:8.1f} MB')
        if name != ours:
            faster = cost.seconds / costs[ours].seconds
            leaner = cost.megabytes / max(costs[ours].megabytes, 0.1)
            line += (f'  {faster:.1f} times the time, {leaner:.1f} times the '
                     'memory')
        lines.append(line)
    return '\n'.join(lines)


def _measure(function: Callable[[], object], runs: int, sender) -> None:
    torch.set_num_threads(1)
    before = _peak_memory()
    function()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    sender.send((statistics.median(times), (_peak_memory() - before) / 1e6))


def _peak_memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RSS_UNIT
