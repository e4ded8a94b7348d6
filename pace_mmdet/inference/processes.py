"""Several processes that share out the images, or the parts of one."""
import datetime
import os
from pathlib import Path
from typing import Any, Callable, Iterator, List, NamedTuple, Optional

import torch
import torch.distributed as dist
from mmengine.config import Config

from pace_mmdet.engine.launch import prepare_cpu, rank_variables
from pace_mmdet.errors import UserError

# Processes wait for the slowest one at the end.
_TIMEOUT = datetime.timedelta(days=7)


class Share(NamedTuple):
    """Which part of the work is this process's.

    Attributes:
        rank (int): Number of this process.
        count (int): Number of processes.
        device (str, optional): Its GPU; None for the usual device.
    """
    rank: int = 0
    count: int = 1
    device: Optional[str] = None

    def of(self, items: list) -> list:
        """This process's items."""
        return items[self.rank::self.count]

    def gather(self, mine: list) -> List[list]:
        """What each process has, on all of them; waits for all."""
        if self.count == 1:
            return [mine]
        everyones: List[Any] = [None] * self.count
        try:
            dist.all_gather_object(everyones, mine)
        # Gloo's words for a connection that is gone.
        except RuntimeError as error:
            raise UserError(
                f'another process has ended ({str(error).splitlines()[0]}). '
                'What it had found is kept; to go on, repeat the command '
                'with --skip-existing') from None
        return everyones

    def together(self, work: Callable[[], Any]) -> List[Any]:
        """Do a part of common work; if one process cannot, none goes on.

        Args:
            work (Callable): This process's part.

        Returns:
            list: What ``work`` gave in each process, after all have ended.

        Raises:
            UserError, OSError, MemoryError: That of this process, or else of
            the first that had one.
        """
        result, fault = None, None
        try:
            result = work()
        except (UserError, OSError, MemoryError) as error:
            if self.count == 1:
                raise
            fault = error
        found = self.gather([result, fault])
        faults = [error for _, error in found if error is not None]
        if faults:
            raise fault or faults[0]
        return [result for result, _ in found]

    def first(self, work: Callable[[], Any]) -> Any:
        """Have the first process do something, and tell all the result."""
        return self.together(lambda: None if self.rank else work())[0]

    def claimed(self, count: int, folder: Path) -> Iterator[int]:
        """Share out numbers: whoever is free takes the next.

        Args:
            count (int): They are 0 to ``count`` - 1.
            folder (Path): New and empty, where all processes see it.

        Yields:
            int: Those of this process.
        """
        for number in range(count):
            if self.count > 1:
                try:
                    # Only one process can make it.
                    (folder / str(number)).touch(exist_ok=False)
                except FileExistsError:
                    continue
            yield number


def join_processes(launcher: str) -> Share:
    """Join the processes that a launcher started.

    Args:
        launcher (str): One of ``pace_mmdet.engine.launch.LAUNCHERS``.

    Raises:
        UserError: The process was not started by that launcher.
    """
    if launcher == 'none':
        return Share()
    cfg = Config(dict(
        model=dict(),
        env_cfg=dict(dist_cfg=dict(timeout=_TIMEOUT.total_seconds()))))
    device = None
    if not prepare_cpu(cfg, launcher):
        variables = rank_variables(launcher, os.environ)
        os.environ.update(variables)
        device = f'cuda:{variables["LOCAL_RANK"]}'
        torch.cuda.set_device(device)
        # Nothing but lists of names is exchanged.
        dist.init_process_group('gloo', timeout=_TIMEOUT)
    return Share(dist.get_rank(), dist.get_world_size(), device)
