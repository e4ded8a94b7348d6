"""One slide, several processes."""
import os
import signal
import socket
import time

import numpy as np
import pytest
import tifffile

from pace_mmdet.commands import predict
from pace_mmdet.inference import Segmenter, painting, slide_cells, slides
from pace_mmdet.inference.preparation import Preparation
from pace_mmdet.inference.thresholding import ThresholdDetector
from pace_mmdet.testing import synthetic_cells
from tests.engine.processes import start_tool_forked, wait_for

IMG = np.maximum(synthetic_cells(60, 300, 260).image.astype(int) - 70, 0)
IMG[40:75, 30:220] = 200


class Detector(ThresholdDetector):
    """Gets a signal, in one of the processes, after some tiles."""
    signal, rank, after = 0, '', 0

    def __call__(self, tiles, factor):
        if os.environ.get('RANK') == self.rank:
            self.after -= 1
            if self.after == 0:
                os.kill(os.getpid(), self.signal)
        time.sleep(0.01)  # so that both get some
        return super().__call__(tiles, factor)


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Function (count, out, **what happens to the detector) -> codes."""
    monkeypatch.setattr(slides, 'SLIDE_PIXELS', 1000)
    monkeypatch.setattr(slide_cells, '_BAND', 7)
    monkeypatch.setattr(painting, 'BLOCK', 64)
    tifffile.imwrite(tmp_path / 'slide.tif', IMG.astype(np.uint8),
                     tile=(32, 48), compression='zlib')
    # One that is no slide.
    tifffile.imwrite(tmp_path / 'small.tif', IMG[:20, :30].astype(np.uint8))

    def call(count, out, *options, **happening):
        detector = Detector(60)
        vars(detector).update(happening)
        monkeypatch.setattr(predict, 'load_segmenter', lambda *_, **__: (
            Segmenter(detector, Preparation(), tile_size=64, overlap=24)))
        with socket.socket() as free:
            free.bind(('127.0.0.1', 0))
            port = free.getsockname()[1]
        return [wait_for(pid) for pid in [start_tool_forked(
            'predict', tmp_path / 'slide.tif', tmp_path / 'small.tif',
            '--checkpoint', 'x', '--out-dir', tmp_path / out, '--format',
            'labels,csv', '--launcher', 'pytorch' if count > 1 else 'none',
            *options,
            env=dict(RANK=str(rank), LOCAL_RANK=str(rank),
                     WORLD_SIZE=str(count), LOCAL_WORLD_SIZE=str(count),
                     MASTER_ADDR='127.0.0.1', MASTER_PORT=str(port),
                     OMP_NUM_THREADS='1')) for rank in range(count)]]

    return call


def same(one, other):
    for name in ('slide', 'small'):
        assert np.array_equal(*(tifffile.imread(
            folder / f'{name}_labels.tif') for folder in (one, other)))
        assert (one / f'{name}_cells.csv').read_bytes() == (
            other / f'{name}_cells.csv').read_bytes()
    return sorted(path.name for path in other.iterdir())


def test_processes_share_a_slide(start, tmp_path, capfd):
    assert start(1, 'one') == [0]
    assert start(3, 'three') == [0, 0, 0]
    assert capfd.readouterr().out.count('2 files segmented') == 2
    assert same(tmp_path / 'one', tmp_path / 'three') == [
        'slide_cells.csv', 'slide_labels.tif', 'small_cells.csv',
        'small_labels.tif']
    assert tifffile.imread(tmp_path / 'one/slide_labels.tif').max() > 50


@pytest.mark.posix
def test_a_killed_process_is_an_error_that_says_how_to_go_on(
        start, tmp_path, capfd):
    assert start(1, 'one') == [0]
    assert start(2, 'two', signal=signal.SIGKILL, rank='1', after=4) == [
        2, -9]
    said = capfd.readouterr().err
    assert 'another process has ended' in said
    assert 'repeat the command with --skip-existing' in said
    logs = list((tmp_path / 'two').rglob('tiles-*.log'))
    assert len(logs) == 2 and all(log.stat().st_size for log in logs)
    # Another number of processes goes on with what these had.
    assert start(1, 'two', '--skip-existing') == [0]
    assert 'goes on with what was found' in capfd.readouterr().err
    assert len(same(tmp_path / 'one', tmp_path / 'two')) == 4


@pytest.mark.posix
def test_a_launcher_that_ends_the_others(start, tmp_path, capfd):
    # As torchrun does when one of its processes has failed.
    codes = start(2, 'two', signal=signal.SIGTERM, rank='0', after=3)
    assert codes == [2, 2]
    said = capfd.readouterr().err
    assert said.count('error: stopped by its launcher') == 1
    assert said.count('process 1: error: another process has ended') == 1
    assert (tmp_path / 'two/slide.unfinished').is_dir()
