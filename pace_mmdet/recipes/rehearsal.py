"""The whole LIVECell recipe on a small synthetic copy, on any machine.

What ``pace rehearse`` runs: each step is the command that a user
types, as a program of its own, in a folder of its own.
"""
import threading
import time
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Dict, Iterator, List, Union

from rich.console import Console

from pace_mmdet.config_files import find_config
from pace_mmdet.engine import find_checkpoint
from pace_mmdet.engine.configuring import read_config
from pace_mmdet.errors import UserError
from pace_mmdet.testing.livecell import write_synthetic_livecell

from .steps import run_pace

HOST = '127.0.0.1'
# Short side of the images in pixels.
SIDE = 128
# Of LIVECell, 300 is about the mean and 3,000 the most.
CELLS = dict(train=300, val=30, test=300)
DENSEST = 3000
# Of an image; untrained, a model would find thousands of cells.
MAX_DETECTIONS = 20


def rehearse(config: Union[str, Path],
             folder: Union[str, Path],
             cells: Dict[str, int] = CELLS,
             densest: int = DENSEST) -> Dict[str, float]:
    """Download, points, check, one iteration, test, table.

    Args:
        config (str or Path): A config of LIVECell with point labels, its
            name or file.
        folder (str or Path): An empty folder; gets ``server``, ``data`` and
            ``work_dirs``.
        cells (dict): Cells per image of each split.
        densest (int): Cells of one of the test images.

    Returns:
        dict[str, float]: Seconds of each step.

    Raises:
        UserError: If a step fails, or the folder is not empty.
    """
    config, folder = find_config(config).resolve(), Path(folder).resolve()
    if folder.is_dir() and any(folder.iterdir()):
        raise UserError(f'{folder}: expected a new or empty folder')
    console = Console()
    options = ['--cfg-options', *shrinking_options(config)]
    work_dir, seconds = folder / 'work_dirs' / config.stem, {}
    write_synthetic_livecell(folder / 'server', cells, densest)
    with serve(folder / 'server') as address:
        steps = {
            'download': ('data', 'livecell', 'download', '--base-url',
                         address),
            'points': ('data', 'livecell', 'points'),
            'check': ('data', 'livecell', 'check', '--dedup'),
            'training': ('train', str(config), *options),
            'test': ('test', str(config)),
            'table': ('table', *_its_row(config, options))
        }
        for name, command in steps.items():
            start = time.perf_counter()
            if name == 'test':
                command = (*command, str(find_checkpoint(work_dir)), *options)
            console.rule(name)
            # A proxy would look for the server on its own machine.
            run_pace(*command, folder=folder, environ={'no_proxy': HOST})
            seconds[name] = time.perf_counter() - start
    return seconds


def shrinking_options(config: Path) -> List[str]:
    """Settings for one iteration with small images, from scratch.

    Args:
        config (Path): A config of LIVECell.

    Returns:
        list[str]: As ``--cfg-options`` takes them. Validation and test see
        small images too, and nothing is fetched but the data.

    Raises:
        UserError: If there is no such config.
    """
    cfg = read_config(config)
    options = ['train_cfg.max_iters=1', 'train_cfg.val_interval=1',
               'default_hooks.checkpoint.interval=1', 'load_from=None',
               f'model.test_cfg.rcnn.max_per_img={MAX_DETECTIONS}']
    if 'init_cfg' in cfg.model.backbone:
        options.append('model.backbone.init_cfg=None')
    for split in ('train', 'val', 'test'):
        loader = f'{split}_dataloader'
        options += [f'{loader}.num_workers=0',
                    f'{loader}.persistent_workers=False']
        for place, step in enumerate(cfg[loader].dataset.pipeline):
            key = f'{loader}.dataset.pipeline.{place}'
            if step.type == 'RandomChoiceResize':
                options.append(f'{key}.scales=[(1333,{SIDE})]')
            elif step.type == 'Resize':
                options.append(f'{key}.scale=(1333,{SIDE})')
    return options


def _its_row(config: Path, options: List[str]) -> List[str]:
    """What makes the table count the run, if the config is one of its rows."""
    if not (config.parent / 'metafile.yml').is_file():
        return []
    return ['--configs', config.parent.name, *options]


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
