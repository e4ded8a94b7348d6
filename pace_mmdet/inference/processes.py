"""Several processes that share out the images."""
import datetime
import os
from typing import List, NamedTuple, Optional

import torch
import torch.distributed as dist
from mmengine.config import Config

from pace_mmdet.engine.launch import prepare_cpu, rank_variables

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
        everyones = [None] * self.count
        dist.all_gather_object(everyones, mine)
        return everyones


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
