"""Training and testing, from parsed arguments to the closing summary."""
import contextlib
import os
import os.path as osp
from argparse import Namespace
from typing import Dict, Iterator, List, Optional, Union

from mmdet.utils import setup_cache_size_limit_of_dynamo
from mmengine.config import Config
from mmengine.dist import all_gather_object, is_main_process
from mmengine.hooks import CheckpointHook
from mmengine.model import is_model_wrapper
from mmengine.registry import RUNNERS
from mmengine.runner import Runner
from torch import nn

from pace_mmdet.errors import UserError
from pace_mmdet.files import folder_lock

from .cell_scale import fit_to_cells
from .configuring import set_start, testing_config, training_config
from .data_check import check_data
from .launch import prepare_cpu, rank_variables
from .safe_loading import load_checkpoint_file, use_safe_loading


def build_runner(cfg: Config, args: Namespace) -> Runner:
    """Build the runner of a config, with several processes set up."""
    # Without a launcher's variables there is one process, of number 0.
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    prepare_cpu(cfg, args.launcher)
    setup_cache_size_limit_of_dynamo()
    return RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)


def run_train(args: Namespace) -> int:
    """Train a model.

    Args:
        args (Namespace): Of ``pace train``.

    Returns:
        int: Exit code.

    Raises:
        UserError: Something that the user can put right.
    """
    use_safe_loading(args.trust_checkpoint)
    cfg = training_config(args)
    check_data(cfg, ('train', 'val') if cfg.get('val_cfg') else ('train', ))
    with _alone(cfg, args):
        return _train(cfg, args)


def _train(cfg: Config, args: Namespace) -> int:
    start = load_checkpoint_file(
        cfg.load_from, 'cpu', args.trust_checkpoint,
        mmap=True) if cfg.resume else None
    # A run that goes on, goes on at its scale.
    said = fit_to_cells(cfg, start)
    runner = build_runner(cfg, args)
    _check_starts(start)
    if start is not None:
        check_weights(runner.model, start, cfg.load_from,
                      'It cannot go on with another; choose another '
                      '--work-dir for a new run.')
    if said:
        runner.logger.info(said)
    try:
        runner.train()
    except KeyboardInterrupt:
        if is_main_process():
            print('\nStopped. To go on from the latest checkpoint, repeat the '
                  'command with --resume.')
        return 130
    if is_main_process():
        print('\n'.join(summary_of_training(runner, args.config)))
    return 0


def _check_starts(start: Optional[dict]) -> None:
    """Check that all processes go on from the same iteration.

    The first may have waited for another run, which got further meanwhile.
    """
    found = all_gather_object(None if start is None else
                              start['meta']['iter'])
    if len(set(found)) > 1:
        raise UserError('the processes found checkpoints of different '
                        f'iterations to go on from: {found}. Repeat the '
                        'command when no other run uses the work directory')


@contextlib.contextmanager
def _alone(cfg: Config, args: Namespace) -> Iterator[None]:
    """Hold the work directory, in the first of several processes."""
    if args.launcher != 'none' and rank_variables(
            args.launcher, os.environ)['RANK'] != '0':
        yield
        return
    with folder_lock(cfg.work_dir, 'Wait for it, or choose another '
                     '--work-dir'):
        # Who held it until now may have got further.
        if args.resume == 'auto':
            set_start(cfg, args)
        yield


def run_test(args: Namespace) -> Dict[str, float]:
    """Evaluate a checkpoint.

    Args:
        args (Namespace): Of ``pace test``.

    Returns:
        dict[str, float]: The scores; empty in all processes but the first.

    Raises:
        UserError: Something that the user can put right.
    """
    use_safe_loading(args.trust_checkpoint)
    cfg = testing_config(args)
    check_data(cfg, ('test', ))
    if '://' not in cfg.load_from:
        weights = load_checkpoint_file(
            cfg.load_from, 'cpu', args.trust_checkpoint, mmap=True)
    else:
        weights = None
    said = fit_to_cells(cfg, weights)
    runner = build_runner(cfg, args)
    if said:
        runner.logger.info(said)
    if weights is not None:
        check_weights(runner.model, weights, cfg.load_from)
    scores = runner.test() or {}
    if is_main_process():
        print('\n'.join(summary_of_test(scores, args, runner.log_dir)))
    return scores


def check_weights(
        model: nn.Module,
        checkpoint: dict,
        path: str,
        advice: str = 'Give the config that it was trained with.') -> None:
    """Check that a checkpoint holds all of a model's parameters.

    mmengine only warns, and tests a model that is partly random.

    Args:
        model (nn.Module): The model.
        checkpoint (dict): What the file holds.
        path (str): The file, for the message.
        advice (str): The message's end.

    Raises:
        UserError: Parameters are missing or have another shape.
    """
    model = model.module if is_model_wrapper(model) else model
    state = checkpoint.get('state_dict', checkpoint)
    shapes = {
        name.removeprefix('module.'): getattr(value, 'shape', None)
        for name, value in state.items()
    }
    wanted = {
        name: value.shape
        for name, value in model.state_dict().items()
        if not name.endswith('num_batches_tracked')
    }
    wrong = [
        f'{name}: {_shape(shapes.get(name))} instead of {_shape(shape)}'
        for name, shape in wanted.items() if shapes.get(name) != shape
    ]
    if wrong:
        more = len(wrong) - 5
        raise UserError(f'{path}: is of another model than this config\'s, '
                        f'{len(wrong)} of {len(wanted)} parameters differ:\n' +
                        ''.join(f'  - {line}\n' for line in wrong[:5]) +
                        (f'  ... and {more} more\n' if more > 0 else '') +
                        advice)


def load_weights(model: nn.Module, checkpoint: dict, path: str) -> None:
    """Load a checkpoint into a model, after :func:`check_weights`.

    Raises:
        UserError: They do not fit each other.
    """
    check_weights(model, checkpoint, path)
    try:
        model.load_state_dict(
            {
                name.removeprefix('module.'): value for name, value in
                checkpoint.get('state_dict', checkpoint).items()
            },
            strict=False)
    # For instance sparse tensors of the right shape.
    except RuntimeError as error:
        raise UserError(f'{path}: its weights do not fit: {error}') from None


def summary_of_training(runner: Runner, config: str) -> List[str]:
    """What a user wants to know after training.

    Args:
        runner (Runner): After ``train()``.
        config (str): The config file.

    Returns:
        list[str]: Lines of text.
    """
    info = runner.message_hub.runtime_info
    last, best = info.get('last_ckpt'), info.get('best_ckpt')
    hooks = [h for h in runner.hooks if isinstance(h, CheckpointHook)]
    lines = [
        '', f'Trained {runner.iter} of {runner.max_iters} iterations.',
        f'  log              {_near(runner.log_dir)}'
    ]
    if last is not None:
        lines.append(f'  last checkpoint  {_near(last)}')
    if best is not None:
        score = f'{hooks[0].key_indicators[0]} {info["best_score"]:.4f}'
        lines.append(f'  best checkpoint  {_near(best)}  ({score})')
    if best or last:
        lines.append(f'To evaluate it:  pace test {config} '
                     f'{_near(best or last)}')
    return lines


def summary_of_test(scores: Dict[str, float], args: Namespace,
                    log_dir: str) -> List[str]:
    """What a user wants to know after a test.

    Args:
        scores (dict[str, float]): By name.
        args (Namespace): Of ``pace test``.
        log_dir (str): The run's log directory.

    Returns:
        list[str]: Lines of text.
    """
    width = max((len(name) for name in scores), default=0)
    lines = ['', f'Scores of {args.checkpoint}:']
    lines += [
        f'  {name:<{width}}  {_number(score)}'
        for name, score in scores.items()
    ]
    if args.out is not None:
        lines.append(f'Predictions: {_near(args.out)}')
    if args.show_dir is not None:
        lines.append(f'Pictures: {_near(osp.join(log_dir, args.show_dir))}')
    return lines + [f'Log: {_near(log_dir)}']


def _number(score: Union[float, str]) -> str:
    return f'{score:.4f}' if isinstance(score, float) else str(score)


def _shape(shape) -> str:
    return 'nothing' if shape is None else str(tuple(shape))


def _near(path: str) -> str:
    """A path as one would type it: relative, if it lies below."""
    relative = osp.relpath(path)
    return path if relative.startswith('..') else relative
