"""Checkpoints that survive a kill at any moment."""
import os.path as osp
from collections import deque
from typing import List, Optional

from mmdet.registry import HOOKS
from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook

from pace_mmdet.files import remove_unfinished, write_atomically

# The key in the message hub, and so in the checkpoint, that holds the step
# after which the last validation took place.
VALIDATED_STEP = 'validated_step'


@HOOKS.register_module()
class AtomicCheckpointHook(CheckpointHook):
    """A ``CheckpointHook`` without moments in which a kill loses something.

    What differs from the parent:

    - checkpoints and ``last_checkpoint`` appear complete or not at all;
    - an outdated checkpoint, the best one included, is removed after its
      successor is complete, not before it is begun;
    - a checkpoint is saved again after the validation of its step, so that
      it holds the best score; a run that was killed in between validates
      that step when it is resumed (mmengine would leave it out);
    - of the paths in a checkpoint that is resumed from only the names count,
      of files in this run's folder: a copied run, and one that goes on from
      another's checkpoint, leave the other's files alone.

    "Step" is an iteration, or an epoch with ``by_epoch=True``, counted from
    1. The arguments are the parent's; ``backend_args`` is by default the
    atomic local disk.
    """

    def __init__(self,
                 *args,
                 backend_args: Optional[dict] = None,
                 **kwargs) -> None:
        if backend_args is None and kwargs.get('file_client_args') is None:
            backend_args = dict(backend='atomic_local')
        super().__init__(*args, backend_args=backend_args, **kwargs)
        self._saved_step: Optional[int] = None

    def before_train(self, runner) -> None:
        """Take up where a resumed run was killed."""
        # The parent removes what is too much of these; steps are numbers.
        info = runner.message_hub.runtime_info
        info['keep_ckpt_ids'] = [
            step for step in info.get('keep_ckpt_ids') or []
            if isinstance(step, int)
        ]
        super().before_train(runner)
        self._adopt_paths(runner)
        if is_main_process():
            remove_unfinished(
                self.out_dir,
                (self.filename_tmpl.partition('{')[0], 'best_'))
        if self._validation_is_missing(runner):
            self._saved_step = self._step(runner)
            runner.logger.info(
                f'Validating step {self._saved_step}, which the resumed run '
                'was stopped before')
            runner.val_loop.run()

    def _adopt_paths(self, runner) -> None:
        """Replace the paths of the resumed checkpoint by this run's."""
        info = runner.message_hub.runtime_info
        for key in [key for key in info
                    if key == 'last_ckpt' or key.startswith('best_ckpt')]:
            name = osp.basename(str(info[key]))
            path = self.file_backend.join_path(self.out_dir, name)
            start = 'best_' if key != 'last_ckpt' else (
                self.filename_tmpl.partition('{')[0])
            if name.startswith(start) and self.file_backend.exists(path):
                info[key] = path
                continue
            if key != 'last_ckpt':
                runner.logger.warning(
                    f'The best checkpoint so far, {info[key]}, is not in '
                    f'{self.out_dir}; it is left where it is')
            del info[key]
        self.last_ckpt = info.get('last_ckpt')
        if self.save_best is not None:
            self._set_best(
                {None: info.get('best_ckpt')} if len(self.key_indicators) == 1
                else {key: info.get(f'best_ckpt_{key}')
                      for key in self.key_indicators})

    def after_val_epoch(self, runner, metrics) -> None:
        """Save the best checkpoint, and the current one with its score."""
        step = self._step(runner)
        runner.message_hub.update_info(VALIDATED_STEP, step)
        saved = self._saved_step
        self._saved_step = None
        super().after_val_epoch(runner, metrics)
        if saved == step and self._saved_step is None:
            self._save_checkpoint_with_step(
                runner, step, dict(epoch=runner.epoch, iter=runner.iter))

    def _step(self, runner) -> int:
        return runner.epoch if self.by_epoch else runner.iter

    def _validation_is_missing(self, runner) -> bool:
        """Whether the step that was resumed from has yet to be validated."""
        if runner.val_loop is None:
            return False
        loop, step = runner.train_loop, self._step(runner)
        loop._decide_current_val_interval()
        last = loop.max_epochs if self.by_epoch else loop.max_iters
        due = step % loop.val_interval == 0 or step == last
        info = runner.message_hub.runtime_info
        return (step > 0 and step >= loop.val_begin and due
                and info.get(VALIDATED_STEP) != step)

    def _save_checkpoint_with_step(self, runner, step: int,
                                   meta: dict) -> None:
        kept: List[int] = []
        outdated: List[int] = []
        if self.max_keep_ckpts > 0:
            kept = [s for s in self.keep_ckpt_ids if s != step] + [step]
            outdated = kept[:-self.max_keep_ckpts]
            # The file names all that exist while it is written: the parent
            # removes what is too much when a killed run is resumed.
            runner.message_hub.update_info('keep_ckpt_ids', kept)
            self.keep_ckpt_ids = deque(kept[len(outdated):],
                                       self.max_keep_ckpts)

        name = self.filename_tmpl.format(step)
        self.last_ckpt = self.file_backend.join_path(self.out_dir, name)
        runner.message_hub.update_info('last_ckpt', self.last_ckpt)
        runner.save_checkpoint(
            self.out_dir,
            name,
            self.file_client_args,
            save_optimizer=self.save_optimizer,
            save_param_scheduler=self.save_param_scheduler,
            meta=meta,
            by_epoch=self.by_epoch,
            backend_args=self.backend_args,
            **self.args)
        self._saved_step = step

        if is_main_process():
            write_atomically(
                osp.join(runner.work_dir, 'last_checkpoint'), self.last_ckpt)
            for old in outdated:
                self._remove(
                    self.file_backend.join_path(
                        self.out_dir, self.filename_tmpl.format(old)))

    def _save_best_checkpoint(self, runner, metrics) -> None:
        if not self.save_best:
            return
        single = len(self.key_indicators) == 1
        old = ({
            None: self.best_ckpt_path
        } if single else dict(self.best_ckpt_path_dict))
        # The parent removes the paths it knows before it writes: it is shown
        # none, and the old files go when it is done.
        self._set_best({key: None for key in old})
        super()._save_best_checkpoint(runner, metrics)
        new = ({
            None: self.best_ckpt_path
        } if single else self.best_ckpt_path_dict)
        outdated = [
            path for key, path in old.items()
            if path and new[key] and path != new[key]
        ]
        self._set_best({key: new[key] or path for key, path in old.items()})
        for path in outdated:
            runner.logger.info(f'The previous best checkpoint {path} is '
                               'removed')
            if is_main_process():
                self._remove(path)

    def _set_best(self, paths: dict) -> None:
        if None in paths:
            self.best_ckpt_path = paths[None]
        else:
            self.best_ckpt_path_dict.update(paths)

    def _remove(self, path: str) -> None:
        if self.file_backend.isfile(path):
            self.file_backend.remove(path)
