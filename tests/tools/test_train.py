import json
import os
import shutil
import socket
import subprocess
import sys
from collections import defaultdict

import pytest
import torch
from mmengine.config import Config

from pace_mmdet import files
from pace_mmdet.engine import find_checkpoint, load_checkpoint_file
from tests.engine.processes import (ROOT, run_tool_forked, start_tool_forked,
                                    wait_for)
from tests.engine.toy import write_config


def _steps(work_dir, rank=0):
    lines = (work_dir / f'steps_{rank}.jsonl').read_text().splitlines()
    return {row['iter']: row for row in map(json.loads, lines)}


def _free_port():
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        return str(listener.getsockname()[1])


@pytest.mark.posix
def test_two_processes_on_a_cpu(tmp_path):
    work_dir, config = tmp_path / 'run', write_config(tmp_path)
    done = subprocess.run(
        [
            ROOT / 'tools' / 'dist_train.sh', config, '2', '--work-dir',
            work_dir, '--cfg-options', 'train_cfg.max_iters=2', 'sync_bn=torch'
        ],
        env={
            **os.environ, 'PORT': _free_port(),
            'PYTHON': sys.executable,
            'CUDA_VISIBLE_DEVICES': ''
        },
        capture_output=True,
        text=True,
        timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('Trained 2 of 2 iterations') == 1
    data = [[_steps(work_dir, rank)[i]['data'] for i in (0, 1)]
            for rank in (0, 1)]
    assert data[0] != data[1]
    assert load_checkpoint_file(find_checkpoint(work_dir))['meta']['iter'] == 2


def test_two_processes_resume_exactly(tmp_path):

    def run(work_dir, extra=''):
        config = write_config(tmp_path, extra)
        port = _free_port()
        pids = [
            start_tool_forked(
                'train',
                config,
                '--work-dir',
                work_dir,
                '--resume',
                '--launcher',
                'pytorch',
                env=dict(
                    RANK=str(rank),
                    LOCAL_RANK=str(rank),
                    WORLD_SIZE='2',
                    LOCAL_WORLD_SIZE='2',
                    MASTER_ADDR='127.0.0.1',
                    MASTER_PORT=port,
                    CUDA_VISIBLE_DEVICES='')) for rank in (0, 1)
        ]
        return [wait_for(pid) for pid in pids]

    kill = ("custom_hooks.append(dict(type='ToyKiller', moment='step', "
            'passing=4))\n')
    straight, killed = tmp_path / 'straight', tmp_path / 'killed'
    assert run(straight) == [0, 0]
    assert run(killed, kill) == [-9, -9]
    assert run(killed) == [0, 0]
    states = []
    for work_dir in (straight, killed):
        states.append(load_checkpoint_file(find_checkpoint(work_dir)))
        states[-1]['steps'] = [_steps(work_dir, rank) for rank in (0, 1)]
    for key, value in states[0]['state_dict'].items():
        assert torch.equal(value, states[1]['state_dict'][key])
    assert states[0]['steps'] == states[1]['steps']


def test_processes_that_would_go_on_from_different_places(tmp_path, capfd):
    config, port = write_config(tmp_path), _free_port()
    options = ['--resume', '--cfg-options', 'train_cfg.max_iters=2']
    assert run_tool_forked('train', config, '--work-dir', tmp_path / '0',
                           *options) == 0
    pids = [start_tool_forked(
        'train', config, '--work-dir', tmp_path / str(rank), '--launcher',
        'pytorch', *options, env=dict(
            RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE='2',
            LOCAL_WORLD_SIZE='2', MASTER_ADDR='127.0.0.1', MASTER_PORT=port,
            CUDA_VISIBLE_DEVICES='')) for rank in (0, 1)]
    assert [wait_for(pid) for pid in pids] == [2, 2]
    assert 'different iterations to go on from: [2, None]' in \
        capfd.readouterr().err


def test_what_a_run_leaves(tmp_path, capfd):
    work_dir, config = tmp_path / 'run', write_config(tmp_path)
    options = ['train_cfg.max_iters=3', 'train_cfg.val_interval=3']
    code = run_tool_forked('train', config, '--work-dir', work_dir, '--seed',
                           '7', '--auto-scale-lr', '--cfg-options', *options)
    out = capfd.readouterr().out
    assert code == 0
    for said in ('Trained 3 of 3 iterations', 'iter_3.pth', '(toy/score',
                 'best_toy_score_iter_3.pth', 'pace test'):
        assert said in out
    # 0.04 after the first step of the warm-up, for a batch of 2 and not 16.
    assert _steps(work_dir)[0]['lr'] == pytest.approx([0.04 * 2 / 16])
    meta = load_checkpoint_file(work_dir / 'iter_3.pth')['meta']
    assert meta['dataset_meta']['classes'] == ('cell', )
    assert meta['seed'] == 7
    resolved = Config.fromstring(meta['cfg'], file_format='.py')
    assert resolved.train_cfg.max_iters == 3
    assert resolved.auto_scale_lr.enable is True


def test_weights_to_start_from(tmp_path):
    """Loaded at the first start, also of a run that is always resumed."""
    weights = tmp_path / 'weights.pth'
    torch.save({'norm.weight': torch.full((4, ), 50.)}, weights)
    config, work_dir = write_config(tmp_path), tmp_path / 'run'
    assert run_tool_forked('train', config, '--work-dir', work_dir, '--resume',
                           '--load-from', weights) == 0
    state = load_checkpoint_file(find_checkpoint(work_dir))['state_dict']
    assert state['norm.weight'].mean() > 10
    config = write_config(tmp_path, f'load_from = {str(weights)!r}\n')
    other = tmp_path / 'other'
    assert run_tool_forked('train', config, '--work-dir', other,
                           '--resume') == 0
    again = load_checkpoint_file(find_checkpoint(other))['state_dict']
    assert torch.equal(state['norm.weight'], again['norm.weight'])


def test_only_trusted_checkpoints_may_hold_more_than_data(tmp_path, capfd):
    weights = tmp_path / 'weights.pth'
    torch.save(dict(state_dict={}, extra=defaultdict(list)), weights)
    args = ['train', write_config(tmp_path), '--work-dir', tmp_path / 'run']
    args += ['--load-from', weights, '--cfg-options', 'train_cfg.max_iters=1']
    assert run_tool_forked(*args) == 2
    error = capfd.readouterr().err
    assert 'collections.defaultdict' in error and '--trust-checkpoint' in error
    assert run_tool_forked(*args, '--trust-checkpoint') == 0


@pytest.mark.parametrize('extra, args, said', [
    ('', ['--resume', 'none.pth'], 'none.pth: no such checkpoint'),
    ('', ['--load-from', 'none.pth'], 'none.pth: no such checkpoint'),
    ("load_from = 'none.pth'", [], 'none.pth: no such checkpoint'),
    ('', ['--cfg-options', 'train_cfg.max_iter=3'], 'train_cfg.max_iters'),
    ('', ['--cfg-options', 'loader.batch_size=3'
          ], 'train_dataloader.batch_size'),
    ('auto_scale_lr = None', ['--auto-scale-lr'], 'base_batch_size'),
    ('', ['--launcher', 'pytorch'], 'torchrun'),
    ("train_dataloader.update(dataset=dict(ann_file='none.json'))\n"
     "data_command = 'python get_it.py'", [], 'python get_it.py'),
    ('this is no Python', [], 'toy.py: '),
    ("_base_ = 'none.py'", [], 'none.py'),
])
def test_faults_of_the_user(tmp_path, capfd, monkeypatch, extra, args, said):
    monkeypatch.chdir(tmp_path)
    for name in ('RANK', 'WORLD_SIZE', 'LOCAL_RANK'):
        monkeypatch.delenv(name, raising=False)
    config = write_config(tmp_path, extra + '\n')
    assert run_tool_forked('train', config, '--work-dir', 'run', *args) == 2
    error = capfd.readouterr().err
    assert error.startswith('error: ') and said in error
    assert 'Traceback' not in error
    assert not (tmp_path / 'run').exists()


def _best_of(work_dir):
    path, = work_dir.glob('best_*.pth')
    return path


@pytest.mark.parametrize('how', ['copied', 'another folder', 'hostile'])
def test_no_file_of_another_run_is_removed(tmp_path, how):
    """The best score of step 4 is passed by none of the first 6."""
    extra = "\ntrain_cfg.update(max_iters=3, val_interval=1)\n"
    first, second = tmp_path / 'a', tmp_path / 'b'
    assert run_tool_forked('train', write_config(tmp_path, extra),
                           '--work-dir', first) == 0
    best = _best_of(first)
    args = ['--resume']
    if how == 'copied':
        shutil.copytree(first, second)
    else:
        start = find_checkpoint(first)
        if how == 'hostile':
            second.mkdir()
            (second / 'iter_7.pth').write_text('mine')
            content = torch.load(start, weights_only=False)
            content['message_hub']['runtime_info'].update(
                best_ckpt=str(second / 'iter_7.pth'),
                last_ckpt=str(best),
                keep_ckpt_ids=['../../a/x', 7.5, None])
            start = tmp_path / 'x.pth'
            torch.save(content, start)
        args = ['--resume', start]
    # Any score is better from now on.
    extra += ("train_cfg.update(max_iters=6)\n"
              "val_evaluator = dict(type='ToyRisingMetric')\n")
    assert run_tool_forked('train', write_config(tmp_path, extra),
                           '--work-dir', second, *args) == 0
    assert best.is_file()
    assert _best_of(second).name == 'best_toy_score_iter_6.pth'
    if how == 'hostile':
        assert (second / 'iter_7.pth').read_text() == 'mine'


def test_the_config_of_a_checkpoint_is_not_run(tmp_path):
    """Older versions kept it in meta['config'], which mmengine runs."""
    config, work_dir = write_config(tmp_path), tmp_path / 'run'
    args = ['train', config, '--work-dir', work_dir]
    assert run_tool_forked(*args, '--cfg-options',
                           'train_cfg.max_iters=2') == 0
    path = find_checkpoint(work_dir)
    content = torch.load(path, weights_only=False)
    content['meta']['config'] = f"open({str(tmp_path / 'bad')!r}, 'w')"
    torch.save(content, path)
    assert run_tool_forked(*args, '--resume') == 0
    assert find_checkpoint(work_dir).name == 'iter_6.pth'
    assert not (tmp_path / 'bad').exists()


def test_two_runs_do_not_mix(tmp_path, capfd, monkeypatch):
    monkeypatch.setattr(files, 'PATIENCE', 0.1)
    work_dir, config = tmp_path / 'run', write_config(tmp_path)
    with files.folder_lock(work_dir, ''):
        before = sorted(work_dir.iterdir())
        assert run_tool_forked('train', config, '--work-dir', work_dir) == 2
        assert sorted(work_dir.iterdir()) == before
    error = capfd.readouterr().err
    assert f'run: in use by process {os.getpid()} on' in error
    assert '--work-dir' in error


def test_no_config(tmp_path, capfd):
    assert run_tool_forked('train', tmp_path / 'none.py') == 2
    assert 'none.py: no such config file' in capfd.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason='is about CPUs')
def test_bfloat16_on_a_cpu(tmp_path):
    work_dir, config = tmp_path / 'run', write_config(tmp_path)
    assert run_tool_forked('train', config, '--work-dir', work_dir, '--amp',
                           '--cfg-options', 'train_cfg.max_iters=2') == 0
    content = load_checkpoint_file(find_checkpoint(work_dir))
    assert 'ProcessorAmpOptimWrapper' in content['meta']['cfg']


def test_another_seed_does_not_resume(tmp_path, capfd):
    args = ['train', write_config(tmp_path), '--work-dir', tmp_path / 'run']
    args += ['--resume', '--cfg-options', 'train_cfg.max_iters=1']
    assert run_tool_forked(*args) == 0
    assert run_tool_forked(*args, '--seed', '4') == 2
    assert 'has seed 3' in capfd.readouterr().err
