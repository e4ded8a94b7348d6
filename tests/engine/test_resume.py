import json
import os
from argparse import Namespace

import pytest
import torch
from mmengine.config import Config

from pace_mmdet.engine import find_checkpoint, load_checkpoint_file, running
from pace_mmdet.engine.configuring import set_start
from pace_mmdet.engine.resume import checkpoint_seed
from pace_mmdet.errors import UserError
from tests.engine.processes import run_tool_forked
from tests.engine.toy import write_config

KILL = ("\ncustom_hooks.append("
        "dict(type='ToyKiller', moment='{}', passing={}))\n")


def _steps(work_dir):
    """What the steps saw; of repeated ones the last."""
    lines = (work_dir / 'steps_0.jsonl').read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    return {row['iter']: row for row in rows}


def _outcome(work_dir):
    """All that must not depend on interruptions."""
    last = load_checkpoint_file(find_checkpoint(work_dir))
    info = last['message_hub']['runtime_info']
    best = [path.name for path in work_dir.glob('best_*')]
    return dict(
        steps=_steps(work_dir),
        files=sorted(path.name for path in work_dir.iterdir()
                     if path.suffix == '.pth' or 'tmp' in path.name),
        best=(info['best_score'], os.path.basename(info['best_ckpt']), best),
        best_weights=_lists(
            load_checkpoint_file(work_dir / best[0])['state_dict']),
        weights=_lists(last['state_dict']),
        momentum=_lists(last['optimizer']['state']),
        schedulers=last['param_schedulers'],
        at=(last['meta']['iter'], last['meta']['epoch']))


def _lists(value):
    if isinstance(value, torch.Tensor):
        return value.tolist()
    if isinstance(value, dict):
        return {key: _lists(child) for key, child in value.items()}
    return value


@pytest.fixture(scope='module')
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp('straight')
    work_dir = folder / 'run'
    config = write_config(folder)
    assert run_tool_forked('train', config, '--work-dir', work_dir) == 0
    return _outcome(work_dir)


def test_the_run_is_worth_comparing(uninterrupted):
    assert list(uninterrupted['steps']) == [0, 1, 2, 3, 4, 5]
    assert uninterrupted['at'][0] == 6
    # The best is neither the first nor the last, so it has to be remembered.
    assert uninterrupted['best'][1] == 'best_toy_score_iter_4.pth'
    assert uninterrupted['files'] == [
        'best_toy_score_iter_4.pth', 'iter_6.pth'
    ]


# Saves: 1 step 2, 2 best, 3 step 2 with its score, 4 step 4, 5 best,
# 6 step 4 with its score, 7 step 6, 8 step 6 with its score.
@pytest.mark.parametrize('moment, passing', [
    ('save', 1),
    ('step', 4),
    ('save', 4),
    ('save', 5),
    ('save', 6),
    ('save', 8),
    ('validation', 10),
    ('scored', 2),
])
def test_a_killed_run_goes_on_exactly(tmp_path, uninterrupted, moment,
                                      passing):
    work_dir = tmp_path / 'run'
    args = ['--work-dir', work_dir, '--resume']
    killed = write_config(tmp_path, KILL.format(moment, passing))
    assert run_tool_forked('train', killed, *args) == -9
    whole = write_config(tmp_path)
    assert run_tool_forked('train', whole, *args) == 0
    assert _outcome(work_dir) == uninterrupted


def test_data_does_not_depend_on_the_number_of_workers(tmp_path,
                                                       uninterrupted):
    work_dir = tmp_path / 'run'
    extra = 'train_dataloader.update(num_workers=2)\n'
    args = ['--work-dir', work_dir, '--resume']
    killed = write_config(tmp_path, extra + KILL.format('step', 4))
    assert run_tool_forked('train', killed, *args) == -9
    whole = write_config(tmp_path, extra)
    assert run_tool_forked('train', whole, *args) == 0
    assert _outcome(work_dir) == uninterrupted


def test_a_run_without_a_seed_keeps_the_one_it_drew(tmp_path):
    work_dir = tmp_path / 'run'
    extra = 'randomness = dict(seed=None)\n'
    args = ['--work-dir', work_dir, '--resume']
    killed = write_config(tmp_path, extra + KILL.format('step', 4))
    assert run_tool_forked('train', killed, *args) == -9
    before = _steps(work_dir)
    whole = write_config(tmp_path, extra)
    assert run_tool_forked('train', whole, *args) == 0
    # Step 2 was taken before the kill and again after it.
    assert before[2] == _steps(work_dir)[2]


def test_resuming_a_finished_run_changes_nothing(tmp_path):
    work_dir, config = tmp_path / 'run', write_config(tmp_path)
    args = [config, '--work-dir', work_dir, '--resume']
    assert run_tool_forked('train', *args) == 0
    before = _outcome(work_dir)
    assert run_tool_forked('train', *args) == 0
    assert _outcome(work_dir) == before


@pytest.mark.parametrize('files, pointer, expected', [
    ([], None, None),
    (['iter_2.pth', 'iter_10.pth'], None, 'iter_10.pth'),
    (['iter_2.pth', 'iter_10.pth'], '', 'iter_10.pth'),
    (['iter_2.pth', 'iter_10.pth'], '/moved/away/iter_2.pth', 'iter_2.pth'),
    (['iter_2.pth'], '/gone/iter_4.pth', 'iter_2.pth'),
    (['best_x_iter_4.pth', '.iter_6.pth.tmp', 'other.pth'], None, None),
    (['epoch_3.pth'], None, 'epoch_3.pth'),
])
def test_find_checkpoint(tmp_path, files, pointer, expected):
    for name in files:
        (tmp_path / name).touch()
    if pointer is not None:
        (tmp_path / 'last_checkpoint').write_text(pointer)
    found = find_checkpoint(tmp_path)
    assert (found and found.name) == expected


def test_no_work_directory_yet(tmp_path):
    assert find_checkpoint(tmp_path / 'none') is None


@pytest.mark.parametrize('resume', [None, 'auto'])
def test_who_waited_for_another_run_looks_again(tmp_path, resume):
    args = Namespace(resume=resume, load_from=None, seed=None, launcher='none',
                     trust_checkpoint=False)
    cfg = Config(dict(work_dir=str(tmp_path), resume=resume is None,
                      load_from=None, randomness=dict(seed=None)))
    set_start(cfg, args)
    assert cfg.resume is False
    torch.save(dict(optimizer={}, meta=dict(iter=3, seed=5)),
               tmp_path / 'iter_3.pth')
    with running._alone(cfg, args):
        assert cfg.load_from == str(tmp_path / 'iter_3.pth')
        assert cfg.resume is True and cfg.randomness.seed == 5


def test_weights_alone_are_nothing_to_resume_from(tmp_path):
    path = tmp_path / 'weights.pth'
    torch.save(dict(state_dict={}, meta=dict(iter=3)), path)
    with pytest.raises(UserError, match='--load-from'):
        checkpoint_seed(path)
