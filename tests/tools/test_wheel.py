"""The built wheel alone: what an installed package can do."""
import os
import shutil
import subprocess
import sys
import zipfile

import pytest

from .conftest import ROOT, copy_sources

BUILD = 'from setuptools import build_meta; build_meta.build_wheel("dist")'
# Runs before the program: the checkout, which may be installed for the tests,
# is out of reach.
FENCE = '''
import sys

root, environment = {root!r}, sys.prefix
sys.path[:] = [path for path in sys.path if path.rstrip('/') != root]
sys.meta_path[:] = [finder for finder in sys.meta_path
                    if not getattr(finder, '__module__', '').startswith(
                        '__editable__')]


def watch(event, args):
    if event in ('open', 'os.listdir', 'os.scandir') and args:
        path = str(args[0])
        if path.startswith(root) and not path.startswith(environment):
            raise RuntimeError(f'reads {{path}} of the checkout')


sys.addaudithook(watch)
'''


@pytest.fixture(scope='module')
def site(tmp_path_factory):
    """The unpacked wheel."""
    source = tmp_path_factory.mktemp('source')
    site = tmp_path_factory.mktemp('site')
    copy_sources(source)
    subprocess.run([sys.executable, '-c', BUILD], cwd=source, check=True,
                   capture_output=True, timeout=120)
    wheel, = (source / 'dist').iterdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    (site / 'sitecustomize.py').write_text(FENCE.format(root=str(ROOT)))
    return site


@pytest.fixture
def pace(site, tmp_path):
    """Run ``pace`` in an empty folder; gives what it printed."""

    def run(*words, folder=tmp_path, code=0):
        done = subprocess.run(
            [sys.executable, '-m', 'pace_mmdet', *map(str, words)],
            cwd=folder, capture_output=True, text=True, timeout=300,
            env=dict(os.environ, PYTHONPATH=str(site), OMP_NUM_THREADS='1',
                     COLUMNS='100'))
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


def test_the_checkout_is_out_of_reach(site, tmp_path):
    code = f'open({str(ROOT / "README.md")!r})'
    done = subprocess.run([sys.executable, '-c', code], cwd=tmp_path,
                          env=dict(os.environ, PYTHONPATH=str(site)),
                          capture_output=True, text=True)
    assert 'README.md of the checkout' in done.stderr


def test_help_and_configs(pace, site):
    assert 'usage: pace COMMAND' in pace('--help')
    said = pace('configs', 'pace_r200_dcn', '4pt')
    assert said.splitlines() == ['pace/pace_r200_dcn_4pt.py',
                                 f'in {site / "pace_mmdet/configs"}']
    assert (site / 'pace_mmdet/py.typed').is_file()


def test_training_and_predicting(pace, site, hela_folder, tmp_path):
    shutil.copytree(hela_folder / 'data', tmp_path / 'data')
    (tmp_path / 'mine.py').write_text(
        "_base_ = 'pace_mmdet::hela/pace_r18_hela_4pt.py'\n"
        'train_cfg = dict(max_iters=2, val_interval=2)\n'
        'train_dataloader = dict(num_workers=0, persistent_workers=False)\n'
        'val_dataloader = dict(num_workers=0, persistent_workers=False)\n')
    said = pace('train', 'mine.py')
    assert 'Trained 2 of 2 iterations' in said
    # Names of another package would have a scope of their own.
    assert 'pace_mmdet.registry' not in said
    image = next((tmp_path / 'data/hela/images').rglob('*.tif'))
    said = pace('predict', image, '--config', 'pace_r18_hela_4pt',
                '--checkpoint', 'work_dirs/mine/iter_2.pth', '--out-dir',
                'out', '--device', 'cpu')
    assert '1 files segmented' in said
    assert (tmp_path / f'out/{image.stem}_labels.tif').is_file()


def test_the_papers_table(pace):
    said = pace('table', '--configs', 'pace')
    assert '| PACE | pace | 4 |' in said and '| 47.73 |' in said
