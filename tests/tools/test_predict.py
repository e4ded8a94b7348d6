"""The tool, as one calls it."""
import argparse
import json
import socket

import numpy as np
import pytest
import tifffile

from pace_mmdet import files
from pace_mmdet.commands import predict
from pace_mmdet.errors import UserError
from pace_mmdet.testing import synthetic_cells
from tests.engine.processes import load_tool, start_tool_forked, wait_for
from tests.inference.networks import save_untrained


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Images, and a checkpoint of an untrained network."""
    folder = tmp_path_factory.mktemp('predict')
    save_untrained(folder / 'x.pth')
    (folder / 'images').mkdir()
    for seed in range(3):
        tifffile.imwrite(folder / f'images/{seed}.tif',
                         synthetic_cells(5, 64, 80, seed).image)
    return folder


@pytest.fixture
def run(folder, tmp_path, monkeypatch, capfd):
    """Function (*arguments) -> exit code and what was printed."""
    monkeypatch.chdir(folder)

    def call(*arguments, out=tmp_path / 'out'):
        try:
            code = load_tool('predict').main([
                *map(str, arguments), '--checkpoint', 'x.pth', '--out-dir',
                str(out), '--score-thr', '0'
            ])
        except SystemExit as error:  # of argparse
            code = error.code
        said = capfd.readouterr()
        return code, said.out + said.err

    return call


def test_a_folder_in_label_images_and_tables_out(run, tmp_path):
    code, said = run('images', '--format', 'labels, csv')
    assert code == 0, said
    assert '3 image files; score threshold 0, intensities percentile' in said
    assert '3 files segmented' in said
    for seed in range(3):
        labels = tifffile.imread(tmp_path / f'out/{seed}_labels.tif')
        table = (tmp_path / f'out/{seed}_cells.csv').read_text().splitlines()
        assert labels.shape == (64, 80)
        assert len(table) - 1 == labels.max() > 0
    code, said = run('images', '--format', 'labels,csv')
    assert code == 2 and '6 results exist already' in said
    code, said = run('images', '--format', 'labels,csv', '--skip-existing')
    assert code == 0 and '3 files were segmented already' in said
    assert run('images', '--overwrite')[0] == 0


def test_what_was_said_of_an_image(run, folder, tmp_path):
    """A box keeps its cell."""
    assert run('images/0.tif', '--format', 'coco')[0] == 0
    found = json.loads((tmp_path / 'out/0_coco.json').read_text())
    box = max(found['annotations'], key=lambda ann: ann['area'])['bbox']
    path = tmp_path / 'c.json'
    path.write_text(json.dumps(dict(images={
        str(folder / 'images/0.tif'): dict(boxes=[box])})))
    code, said = run('images/0.tif', '--format', 'coco', '--overwrite',
                     '--corrections', path)
    assert code == 0 and 'score threshold 0,' in said
    after = json.loads((tmp_path / 'out/0_coco.json').read_text())
    assert box in [ann['bbox'] for ann in after['annotations']]
    assert 'none of the images is in' not in said
    code, said = run('images/1.tif', '--format', 'coco', '--corrections',
                     path)
    assert code == 0 and 'none of the images is in' in said
    parser = argparse.ArgumentParser()
    predict.add_arguments(parser)
    with pytest.raises(UserError, match='goes with --score-thr'):
        predict.run(parser.parse_args([
            str(folder / 'images/0.tif'), '--checkpoint',
            str(folder / 'x.pth'), '--out-dir', str(tmp_path / 'other'),
            '--corrections', str(path)]))


def test_a_bad_file_does_not_stop_the_others(run, tmp_path):
    (tmp_path / 'bad.tif').write_text('no image')
    code, said = run(tmp_path / 'bad.tif', 'images/0.tif')
    assert code == 1
    assert '1 files segmented' in said and '1 files failed:\n  - ' in said
    assert (tmp_path / 'out/0_labels.tif').exists()


def test_two_runs_into_one_folder(run, tmp_path, monkeypatch):
    monkeypatch.setattr(files, 'PATIENCE', 0.1)
    with files.folder_lock(tmp_path / 'out', ''):
        code, said = run('images/0.tif')
    assert code == 2 and 'out: in use by process' in said
    assert '--out-dir' in said
    assert not list((tmp_path / 'out').iterdir())
    assert run('images/0.tif')[0] == 0


@pytest.mark.parametrize(('arguments', 'said'), [
    (['none.tif'], 'none.tif: no such image'),
    (['images', '--format', 'labels,png'], 'expected some of labels,'),
    (['images', '--channel', '-1'], '--channel: expected a whole number'),
    (['images', '--config', 'none.py'], 'none.py: no such config file'),
    (['images', '--tile-size', '0'], '--tile-size: expected a whole number'),
    (['images', '--batch-size', '0'], '--batch-size: expected a whole'),
    (['images', '--overlap', '-1'], '--overlap: expected a whole number'),
    (['images', '--score-thr', '35'], 'expected a number from 0 to 1'),
    (['images', '--tile-size', '100'], 'they must be larger than'),
    (['images', '--launcher', 'pytorch'], 'RANK, WORLD_SIZE, LOCAL_RANK not'),
])
def test_faults_of_the_user(run, tmp_path, arguments, said):
    code, text = run(*arguments)
    assert code == 2 and 'error: ' in text and said in text
    assert not list(tmp_path.rglob('out/*'))


def test_a_folder_that_cannot_be_written(run, tmp_path):
    (tmp_path / 'file').touch()
    code, said = run('images', out=tmp_path / 'file/here')
    assert code == 2 and 'here: cannot write there' in said


def test_two_processes_share_the_images(folder, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(folder)
    (tmp_path / 'bad.tif').write_text('no image')
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    codes = [
        wait_for(pid) for pid in [
            start_tool_forked(
                'predict', 'images', tmp_path, '--checkpoint', 'x.pth',
                '--out-dir', tmp_path / 'out', '--launcher', 'pytorch',
                env=dict(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE='2',
                         LOCAL_WORLD_SIZE='2', MASTER_ADDR='127.0.0.1',
                         MASTER_PORT=str(port), OMP_NUM_THREADS='1'))
            for rank in range(2)
        ]
    ]
    said = capfd.readouterr()
    # One speaks for all; torchrun would stop the others if they failed.
    assert codes == [1, 0], said.err
    assert said.out.count('3 files segmented') == 1
    assert said.out.count('1 files failed') == 1
    labels = [tifffile.imread(path) for path in
              sorted((tmp_path / 'out').glob('*_labels.tif'))]
    assert np.shape(labels) == (3, 64, 80)
