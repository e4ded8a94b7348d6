"""The wheel in empty environments, by pip: ``make test-install``.

No part of the tests proper, as it takes minutes and needs a place to install
from.
"""
import os
import re
import shutil
import subprocess
import sys
from urllib.request import HTTPCookieProcessor, build_opener

import pytest
import tifffile

from tests.tools.conftest import ROOT, copy_sources, synthetic_hela

PREVIOUS = ROOT / 'tests/previous_version'


@pytest.fixture(scope='module')
def wheel(tmp_path_factory):
    """Built by pip, as for PyPI."""
    source = tmp_path_factory.mktemp('source')
    copy_sources(source)
    call(sys.executable, '-m', 'pip', 'wheel', '--no-deps', '-w',
         source / 'dist', source)
    found, = (source / 'dist').glob('*.whl')
    return found


def environment(folder, wheel, extra):
    """A new environment with the wheel; gives its folder of programs."""
    call(sys.executable, '-m', 'venv', folder)
    programs = folder / ('Scripts' if os.name == 'nt' else 'bin')
    pip = (programs / 'python', '-m', 'pip', 'install', '-c',
           ROOT / 'constraints.txt')
    call(*pip, f'{wheel}{extra}')
    if 'train' in extra:
        # As `make install` does, and for the same reason.
        call(*pip, '--no-deps', '--force-reinstall', 'opencv-python-headless')
    return programs


@pytest.fixture(scope='module')
def training(wheel, tmp_path_factory):
    return environment(tmp_path_factory.mktemp('train'), wheel, '[train]')


@pytest.fixture(scope='module')
def annotating(wheel, tmp_path_factory):
    return environment(tmp_path_factory.mktemp('annotate'), wheel,
                       '[annotate]')


def call(*command, cwd=None, code=0):
    """Run a program; gives what it printed."""
    environ = {name: value for name, value in os.environ.items()
               if name != 'PYTHONPATH'}
    done = subprocess.run([str(word) for word in command], cwd=cwd,
                          capture_output=True, text=True, env=environ)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_training_and_predicting(training, tmp_path):
    pace = training / 'pace'
    assert 'usage: pace COMMAND' in call(pace, '--help', cwd=tmp_path)
    assert 'pace/pace_r200_dcn_4pt.py' in call(pace, 'configs', cwd=tmp_path)
    synthetic_hela(tmp_path / 'data/hela')
    said = call(pace, 'train', 'pace_r18_hela_4pt', '--cfg-options',
                'train_cfg.max_iters=2', 'train_cfg.val_interval=2',
                cwd=tmp_path)
    assert 'Trained 2 of 2 iterations' in said
    said = call(pace, 'predict', PREVIOUS / 'cells.tif', '--checkpoint',
                PREVIOUS / 'pace_0.1.0.pth', '--out-dir', 'out', '--device',
                'cpu', cwd=tmp_path)
    assert '1 files segmented, 8 cells' in said
    assert tifffile.imread(tmp_path / 'out/cells_labels.tif').max() == 8


def test_annotating_alone(annotating, tmp_path):
    installed = call(annotating / 'python', '-m', 'pip', 'list')
    assert not re.search('torch|onedl', installed)
    pace = annotating / 'pace'
    (tmp_path / 'images').mkdir()
    shutil.copy(PREVIOUS / 'cells.tif', tmp_path / 'images')
    with subprocess.Popen(
            [str(annotating / 'python'), '-u', '-m', 'pace_mmdet', 'annotate',
             'images', '--db', 'p.db', '--port', '0'], cwd=tmp_path,
            stdout=subprocess.PIPE, text=True) as process:
        try:
            found = next(filter(None, (re.search(r'http://\S+', line)
                                       for line in process.stdout)))
            with build_opener(HTTPCookieProcessor()).open(
                    found[0], timeout=10) as page:
                assert b'<canvas' in page.read()
        finally:
            process.terminate()
    assert 'key D' in call(pace, 'annotate', 'images', '--db', 'p.db',
                           '--export', 'x.json', cwd=tmp_path, code=2)
    assert "install the extra 'train'" in call(
        pace, 'train', 'pace_r200_dcn_4pt', cwd=tmp_path, code=2)


@pytest.mark.skipif(sys.platform == 'linux' and not shutil.which('xvfb-run'),
                    reason='napari needs a display: xvfb-run is missing')
def test_the_plugin_for_napari(training, wheel, tmp_path):
    call(training / 'python', '-m', 'pip', 'install', '-c',
         ROOT / 'constraints.txt', f'{wheel}[napari]', 'pytest', 'pytest-qt')
    said = call(training / 'npe2', 'validate', 'pace-mmdet', cwd=tmp_path)
    assert "Manifest for 'PACE' valid" in said
    hidden = ('xvfb-run', '-a') if sys.platform == 'linux' else ()
    said = call(*hidden, training / 'python', '-m', 'pytest', '-rs', '-q',
                'tests/napari', cwd=ROOT)
    assert 'passed' in said and 'skipped' not in said
