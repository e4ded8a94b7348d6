"""From a command line to the config of a run."""
import os
import os.path as osp
from argparse import Namespace
from pathlib import Path
from typing import Optional, Tuple, Union
from unittest.mock import patch

from mmengine.config import Config
from mmengine.device import get_device
from mmengine.logging import print_log

from pace_mmdet.config_files import SCOPE, find_config
from pace_mmdet.errors import UserError
from pace_mmdet.files import refuse_inputs

from .bfloat16 import in_bfloat16, train_in_bfloat16
from .options import merge_options
from .resume import checkpoint_seed, find_checkpoint


def read_config(name: Union[str, Path]) -> Config:
    """Read a config file.

    It may inherit from ours by ``_base_ = 'pace_mmdet::pace/...'``. mmengine
    knows only OpenMMLab's packages by such names, and would mark what comes
    from another with a scope of its own, where nothing is registered. And it
    says which variables of the environment it used, in each file anew: a table
    of results reads hundreds, and what was used stands in the config.

    Args:
        name (str or Path): As for
            :func:`~pace_mmdet.config_files.find_config`.

    Raises:
        UserError: The file is missing or wrong.
    """
    path = find_config(name)
    of_mmengine = Config._get_cfg_path

    def path_and_scope(base: str, file: str) -> Tuple[str, Optional[str]]:
        if base.startswith(SCOPE):
            return str(find_config(base)), None
        return of_mmengine(base, file)

    def other_messages(text: str, *args, **kwargs) -> None:
        if not text.startswith('Using env variable'):
            print_log(text, *args, **kwargs)

    try:
        with patch.object(Config, '_get_cfg_path', path_and_scope), \
                patch('mmengine.config.config.print_log', other_messages):
            return Config.fromfile(path)
    except UserError:
        raise
    # A config is a program: anything can be wrong in it.
    except Exception as error:
        raise UserError(f'{path}: {type(error).__name__}: {error}') from error


def load_config(args: Namespace) -> Config:
    """Read a config and apply the arguments that all tools share.

    Args:
        args (Namespace): config, cfg_options, allow_new_keys, compile,
            work_dir, launcher.

    Raises:
        UserError: The file is missing or wrong, or an option is.
    """
    cfg = read_config(args.config)
    cfg.launcher = args.launcher
    if args.cfg_options:
        merge_options(cfg, args.cfg_options, args.allow_new_keys)
    if args.work_dir is not None:
        cfg.work_dir = args.work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = osp.join('work_dirs', Path(args.config).stem)
    if args.compile:
        hooks = cfg.get('default_hooks') or {}
        cfg.default_hooks = dict(hooks, compile=dict(
            hooks.get('compile') or dict(type='CompileHook'), enabled=True))
    return cfg


def training_config(args: Namespace) -> Config:
    """The config of a training run, its starting point included.

    Args:
        args (Namespace): Of ``pace train``.

    Raises:
        UserError: An argument does not fit the config, the machine or what
            is on disk.
    """
    cfg = load_config(args)
    device = get_device()
    if in_bfloat16(args.amp, device):
        train_in_bfloat16(cfg, device)
    if args.auto_scale_lr:
        if 'base_batch_size' not in (cfg.get('auto_scale_lr') or {}):
            raise UserError(f'--auto-scale-lr: {args.config} has no '
                            'auto_scale_lr=dict(base_batch_size=...)')
        cfg.auto_scale_lr.enable = True
    randomness = dict(cfg.get('randomness') or {})
    if args.seed is not None:
        randomness['seed'] = args.seed
    if args.deterministic:
        randomness['deterministic'] = True
        # Without it CUDA's matrix products refuse to be deterministic.
        os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')
    cfg.randomness = {'seed': None, **randomness}
    set_start(cfg, args)
    return cfg


def testing_config(args: Namespace) -> Config:
    """The config of a test run.

    Args:
        args (Namespace): Of ``pace test``.

    Raises:
        UserError: An argument does not fit the config or what is on disk.
    """
    cfg = load_config(args)
    cfg.load_from = _existing(args.checkpoint)
    cfg.resume = False
    if args.out is not None:
        _set_out(cfg, args)
    if args.show_dir is not None:
        if 'visualization' not in cfg.get('default_hooks', {}):
            raise UserError(f'--show-dir: {args.config} has no '
                            'default_hooks.visualization')
        cfg.default_hooks.visualization.update(
            draw=True, test_out_dir=args.show_dir)
    return cfg


def set_start(cfg: Config, args: Namespace) -> None:
    """Decide between a new run, new weights and going on, in place.

    May be called again, when there may be a later checkpoint.
    """
    if args.load_from is not None:
        cfg.load_from = args.load_from
    # Also `resume = True` in a config means the latest checkpoint. It is noted
    # in the arguments: the config will say whether there is one.
    if args.resume is None and cfg.get('resume'):
        args.resume = 'auto'
    start: Optional[str] = None
    if args.resume == 'auto':
        found = find_checkpoint(cfg.work_dir)
        start = None if found is None else str(found)
    elif args.resume is not None:
        start = args.resume
    cfg.resume = start is not None
    if start is None:
        # With `--resume` and nothing to resume from, too: the first start
        # of a run that a cluster restarts begins from the config's weights.
        if cfg.get('load_from'):
            cfg.load_from = _existing(cfg.load_from)
        return
    cfg.load_from = start
    seed = checkpoint_seed(start, args.trust_checkpoint)
    if args.seed not in (None, seed):
        raise UserError(f'{start}: this run has seed {seed}, it cannot go on '
                        f'with --seed {args.seed}; leave --seed out')
    cfg.randomness.seed = seed


def _existing(checkpoint: str) -> str:
    """A checkpoint as it is, if it is there or a name to be looked up."""
    if '://' not in checkpoint and not osp.isfile(osp.expanduser(checkpoint)):
        raise UserError(f'{checkpoint}: no such checkpoint file')
    return checkpoint


def _set_out(cfg: Config, args: Namespace) -> None:
    out = args.out
    if not out.endswith('.json'):
        raise UserError(f'--out {out}: predictions are written as COCO '
                        'results, the name should end in .json')
    evaluator = cfg.get('test_evaluator') or []
    metrics = evaluator if isinstance(evaluator, list) else [evaluator]
    livecell = [m for m in metrics if m.get('type') == 'LIVECellMetric']
    if not livecell:
        raise UserError('--out: the config\'s test_evaluator has no '
                        'LIVECellMetric, which writes the predictions')
    refuse_inputs([out], [args.config, args.checkpoint,
                          livecell[0].get('ann_file')])
    os.makedirs(osp.dirname(osp.abspath(out)), exist_ok=True)
    livecell[0].out_json = out
