import os
import subprocess

import pytest

from tests.engine.processes import ROOT

TOOLS = str(ROOT / 'tools')
pytestmark = pytest.mark.posix


@pytest.fixture
def run(tmp_path):
    """Run a script with a stand-in for what it starts.

    Gives the words of the command and the environment that it passes on.
    """
    for name in ('python', 'srun'):
        program = tmp_path / name
        program.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > "$LOG"\n'
                           'env > "$LOG.env"\n')
        program.chmod(0o755)

    def run_script(script, *args, **env):
        log = tmp_path / 'log'
        inherited = {
            key: value
            for key, value in os.environ.items()
            if key not in ('OMP_NUM_THREADS', 'PORT', 'NNODES', 'PYTHONPATH')
        }
        subprocess.run(
            [f'{TOOLS}/{script}', *args],
            check=True,
            env={
                **inherited, 'LOG': str(log),
                'PATH': f'{tmp_path}:{os.environ["PATH"]}',
                'PYTHON': str(tmp_path / 'python'),
                **env
            })
        passed = dict(
            line.split('=', 1)
            for line in (tmp_path / 'log.env').read_text().splitlines()
            if '=' in line)
        return log.read_text().splitlines(), passed

    return run_script


def test_train_on_one_machine(run):
    words, env = run('dist_train.sh', 'my config.py', '4', '--cfg-options',
                     'a="[1, 2]"')
    assert words == [
        '-m', 'torch.distributed.run', '--nnodes=1', '--node_rank=0',
        '--master_addr=127.0.0.1', '--master_port=29500', '--nproc_per_node=4',
        f'{TOOLS}/train.py', 'my config.py', '--launcher', 'pytorch',
        '--cfg-options', 'a="[1, 2]"'
    ]
    assert env['PYTHONPATH'] == f'{TOOLS}/..'


def test_test_on_several_machines(run):
    words, env = run(
        'dist_test.sh',
        'c.py',
        'x.pth',
        '8',
        '--out',
        'p.json',
        NNODES='2',
        NODE_RANK='1',
        MASTER_ADDR='host',
        PORT='1234',
        OMP_NUM_THREADS='3')
    assert words == [
        '-m', 'torch.distributed.run', '--nnodes=2', '--node_rank=1',
        '--master_addr=host', '--master_port=1234', '--nproc_per_node=8',
        f'{TOOLS}/test.py', 'c.py', 'x.pth', '--launcher', 'pytorch', '--out',
        'p.json'
    ]
    assert env['OMP_NUM_THREADS'] == '3'


def test_predict(run):
    words, _ = run('dist_predict.sh', '2', 'my images', '--checkpoint',
                   'x.pth')
    assert words[-6:] == [
        f'{TOOLS}/predict.py', 'my images', '--checkpoint', 'x.pth',
        '--launcher', 'pytorch'
    ]
    assert '--nproc_per_node=2' in words


def test_slurm(run, tmp_path):
    words, env = run(
        'slurm_train.sh',
        'gpu',
        'job',
        'c.py',
        '--amp',
        GPUS='16',
        CPUS_PER_TASK='4',
        SRUN_ARGS='--time=1 --qos=x',
        PORT='1234')
    assert words == [
        '-p', 'gpu', '--job-name=job', '--ntasks=16', '--ntasks-per-node=8',
        '--cpus-per-task=4', '--gres=gpu:8', '--kill-on-bad-exit=1',
        '--time=1', '--qos=x',
        str(tmp_path / 'python'), '-u', f'{TOOLS}/train.py', 'c.py',
        '--launcher', 'slurm', '--amp'
    ]
    assert env['MASTER_PORT'] == '1234'


def test_slurm_without_gpus(run):
    words, _ = run(
        'slurm_train.sh', 'cpu', 'job', 'c.py', GPUS='2', GPUS_PER_NODE='0')
    assert '--ntasks-per-node=2' in words
    assert not [word for word in words if word.startswith('--gres')]


@pytest.mark.parametrize('script, args', [
    ('dist_train.sh', ['c.py']),
    ('dist_test.sh', ['c.py', 'x.pth']),
    ('dist_predict.sh', ['2']),
    ('slurm_train.sh', ['gpu', 'job']),
])
def test_too_few_arguments(script, args):
    done = subprocess.run([f'{TOOLS}/{script}', *args],
                          capture_output=True,
                          text=True)
    assert done.returncode == 2
    assert 'usage: ' in done.stderr
