"""Several processes on machines without a GPU.

mmengine's start-up assumes a GPU for every process: it selects one even for
gloo, its default wrapper names one, and synchronised batch norm exists on
GPUs only. :func:`prepare_cpu` puts what works there instead; where there is
a GPU nothing is touched.
"""
import datetime
import os
import subprocess
from typing import Any, Dict, Mapping, Optional

import torch
import torch.distributed as dist
from mmengine.config import Config
from mmengine.device import get_device

from pace_mmdet.errors import UserError

LAUNCHERS = ('none', 'pytorch', 'slurm', 'mpi')

# Where each launcher writes a process's number, their count, and the number
# and count on this machine. Slurm may give a count a node as '2(x3)'.
_VARIABLES = {
    'pytorch': ('RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'LOCAL_WORLD_SIZE'),
    'slurm':
    ('SLURM_PROCID', 'SLURM_NTASKS', 'SLURM_LOCALID', 'SLURM_NTASKS_PER_NODE'),
    'mpi': ('OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_SIZE',
            'OMPI_COMM_WORLD_LOCAL_RANK', 'OMPI_COMM_WORLD_LOCAL_SIZE')
}


def rank_variables(launcher: str, environ: Mapping[str,
                                                   str]) -> Dict[str, str]:
    """PyTorch's variables, translated from a launcher's.

    Args:
        launcher (str): 'pytorch', 'slurm' or 'mpi'.
        environ (Mapping[str, str]): Environment of this process.

    Returns:
        dict[str, str]: RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE.

    Raises:
        UserError: The process was not started by that launcher.
    """
    names = _VARIABLES[launcher]
    missing = [name for name in names[:3] if name not in environ]
    if missing:
        raise UserError(
            f'--launcher {launcher}: {", ".join(missing)} not set; start it '
            'with torchrun (pytorch), srun (slurm) or mpirun (mpi)')
    values = [environ.get(name, '1') for name in names]
    values[3] = values[3].partition('(')[0]
    return dict(zip(_VARIABLES['pytorch'], values))


def threads_per_process(cores: int, processes: int) -> int:
    """Threads for each of several processes, so that they don't choke."""
    return max(1, cores // max(1, processes))


def cpu_config(cfg: Config) -> None:
    """Make a config trainable by several processes on CPUs, in place."""
    wrapper = cfg.get('model_wrapper_cfg') or dict(
        broadcast_buffers=False,
        find_unused_parameters=cfg.get('find_unused_parameters', False))
    cfg.model_wrapper_cfg = {
        'type': 'MMDistributedDataParallel',
        **wrapper, 'device_ids': None
    }
    cfg.sync_bn = None
    _replace_type(cfg.model, 'SyncBN', 'BN')


def prepare_cpu(cfg: Config, launcher: str) -> bool:
    """Set up gloo, threads and config if the processes have no GPU.

    Args:
        cfg (Config): Changed in place.
        launcher (str): One of :data:`LAUNCHERS`.

    Returns:
        bool: Whether anything was done.

    Raises:
        UserError: The process was not started by that launcher, or the GPU
            is Apple's, which serves one process.
    """
    device = get_device()
    if device == 'mps' and launcher != 'none':
        raise UserError(f"--launcher {launcher}: Apple's GPU serves one "
                        'process; start it without a launcher')
    if launcher == 'none' or device != 'cpu':
        return False
    variables = rank_variables(launcher, os.environ)
    processes = int(variables['LOCAL_WORLD_SIZE'])
    if 'OMP_NUM_THREADS' not in os.environ:
        # Slurm gives each process cores of its own.
        own = os.environ.get('SLURM_CPUS_PER_TASK')
        threads = (
            int(own) if launcher == 'slurm' and own else threads_per_process(
                _cores(), processes))
        os.environ['OMP_NUM_THREADS'] = str(threads)
        torch.set_num_threads(threads)
    cpu_config(cfg)
    if not dist.is_initialized():
        os.environ.update(variables)
        os.environ.setdefault('MASTER_PORT', '29500')
        if launcher == 'slurm':
            os.environ.setdefault('MASTER_ADDR', _first_slurm_host())
        if 'MASTER_ADDR' not in os.environ:
            raise UserError(f'--launcher {launcher}: set MASTER_ADDR to the '
                            'first machine\'s name or address')
        timeout: Optional[float] = cfg.get('env_cfg',
                                           {}).get('dist_cfg',
                                                   {}).get('timeout')
        kwargs = {} if timeout is None else dict(
            timeout=datetime.timedelta(seconds=timeout))
        dist.init_process_group('gloo', **kwargs)
    return True


def _cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _first_slurm_host() -> str:
    hosts = subprocess.run(
        ['scontrol', 'show', 'hostname', os.environ['SLURM_NODELIST']],
        check=True,
        capture_output=True,
        text=True)
    return hosts.stdout.split()[0]


def _replace_type(value: Any, old: str, new: str) -> None:
    if isinstance(value, dict):
        if value.get('type') == old:
            value['type'] = new
        children = list(value.values())
    elif isinstance(value, (list, tuple)):
        children = list(value)
    else:
        return
    for child in children:
        _replace_type(child, old, new)
