"""The whole LIVECell recipe on a small synthetic copy, on any machine.

What ``tools/rehearse_livecell.py`` runs: each step is the command that a user
types, as a program of its own, in a folder of its own.
"""
import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Dict, Iterator, Union

from mmengine.config import Config
from rich.console import Console

from .engine import UserError, find_checkpoint
from .testing_livecell import write_synthetic_livecell

TOOLS = Path(__file__).resolve().parents[1] / 'tools'
HOST = '127.0.0.1'
# Short side of the images in pixels.
SIDE = 128
# Of LIVECell, 300 is about the mean and 3,000 the most.
CELLS = dict(train=300, val=30, test=300)
DENSEST = 3000


def rehearse(config: Union[str, Path],
             folder: Union[str, Path],
             cells: Dict[str, int] = CELLS,
             densest: int = DENSEST) -> Dict[str, float]:
    """Download, points, check, one iteration, test, table.

    Args:
        config (str or Path): A config of LIVECell with point labels.
        folder (str or Path): An empty folder; gets ``server``, ``data`` and
            ``work_dirs``.
        cells (dict): Cells per image of each split.
        densest (int): Cells of one of the test images.

    Returns:
        dict[str, float]: Seconds of each step.

    Raises:
        UserError: If a step fails.
    """
    config, folder = Path(config), Path(folder)
    work_dir = folder / 'work_dirs' / config.stem
    shrunk, seconds = folder / config.name, {}
    write_synthetic_livecell(folder / 'server', cells, densest)
    shrunk.write_text(shrink(config).pretty_text)
    with serve(folder / 'server') as address:
        steps = {
            'download': ('dataset_converters/livecell.py', 'download',
                         '--base-url', address),
            'points': ('dataset_converters/livecell.py', 'points'),
            'check': ('dataset_converters/livecell.py', 'check', '--dedup'),
            'training': ('train.py', shrunk.name),
            'test': ('test.py', shrunk.name),
            'table': ('analysis_tools/table1.py', )
        }
        for name, command in steps.items():
            if name == 'test':
                command += (str(find_checkpoint(work_dir)), )
            start = time.perf_counter()
            _run(folder, *command)
            seconds[name] = time.perf_counter() - start
    return seconds


def shrink(config: Path) -> Config:
    """A config for one iteration with small images, from scratch.

    Args:
        config (Path): A config of LIVECell.

    Returns:
        Config: Validation and test see small images too.

    Raises:
        UserError: If there is no such config.
    """
    if not config.is_file():
        raise UserError(f'{config}: no such config')
    cfg = Config.fromfile(config)
    cfg.train_cfg.update(max_iters=1, val_interval=1)
    cfg.default_hooks.checkpoint.update(interval=1)
    # Nothing is fetched but the data.
    cfg.load_from = cfg.model.backbone.init_cfg = None
    for split in ('train', 'val', 'test'):
        loader = cfg[f'{split}_dataloader']
        loader.update(num_workers=0, persistent_workers=False)
        for step in loader.dataset.pipeline:
            if step.type == 'RandomChoiceResize':
                step.scales = [(1333, SIDE)]
            elif step.type == 'Resize':
                step.scale = (1333, SIDE)
    return cfg


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve a folder over HTTP, on this machine only.

    Args:
        folder (Path): The folder.

    Yields:
        str: Its address.
    """
    handler = partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer((HOST, 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f'http://{HOST}:{server.server_port}/'
        finally:
            server.shutdown()
            thread.join()


class _Quiet(SimpleHTTPRequestHandler):

    def log_message(self, *args) -> None:
        pass


def _run(folder: Path, tool: str, *args: str) -> None:
    console = Console()
    console.rule(f'tools/{tool} {" ".join(args)}')
    # A proxy would look for the server on its own machine.
    status = subprocess.run([sys.executable, TOOLS / tool, *args],
                            cwd=folder,
                            env={**os.environ, 'no_proxy': HOST}).returncode
    if status:
        raise UserError(f'tools/{tool} ended with exit status {status}; see '
                        'its output above')
