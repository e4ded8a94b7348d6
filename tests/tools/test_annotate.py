"""tools/annotate.py as a user starts it."""
import json
import os
import re
import select
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import tifffile

from pace_mmdet.annotate import Project, changes
from tests.engine.processes import load_tool

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path):
    """A folder of one image, and next to it a project with a finished box."""
    folder = tmp_path / 'images'
    folder.mkdir()
    tifffile.imwrite(folder / 'a.tif', np.zeros((60, 80), np.uint16))
    with Project(folder, tmp_path / 'p.db') as project:
        project.change(changes.CreateBox('c', 'k', 7, 1, [5, 5, 20, 20]),
                       'Anna').result()
        for point in range(4):
            project.change(changes.Answer(f'a{point}', 'k', 0.5, 0, point, 1),
                           'Anna').result()
        project.change(changes.MarkImage('m', 1, 0, -1, True), 'Anna').result()
    return folder


@pytest.fixture
def run(folder, tmp_path, capfd):
    """Run the tool on the project; exit code, output, errors."""

    def _run(*args, db='p.db'):
        try:
            code = load_tool('annotate').main(
                [str(folder), '--db', str(tmp_path / db), *map(str, args)])
        except SystemExit as ended:  # of the parser of arguments
            code = ended.code
        return code, *capfd.readouterr()

    return _run


def test_export_and_cost(run, tmp_path):
    code, out, _ = run('--export', tmp_path / 'points.json', '--cost',
                       tmp_path / 'cost.png')
    assert code == 0
    assert 'points.json: 1 images, 1 boxes\n' in out
    assert re.search(r'all +│ all +│ +1 │ +7.00 │ +4 │ +0.50', out)
    assert re.search(r'paper +│ +│ +│ +7.00 │ +│ +0.90', out)
    coco = json.loads((tmp_path / 'points.json').read_text())
    assert coco['annotations'][0]['point_labels'] == [1] * 4
    assert (tmp_path / 'cost.png').stat().st_size > 5000


def test_boxes_into_a_new_project(run, tmp_path):
    run('--export', tmp_path / 'points.json')
    code, out, _ = run('--boxes', tmp_path / 'points.json', '--export',
                       tmp_path / 'again.json', db='q.db')
    assert code == 0 and '1 boxes imported, 4 answers with them' in out
    first, second = (json.loads((tmp_path / name).read_text())['annotations']
                     for name in ('points.json', 'again.json'))
    assert first == second


def nothing_to_write(run, tmp_path):
    return run('--cost', tmp_path / 'cost.png', '--boxes', write_boxes(
        tmp_path), db='new.db')


def write_boxes(tmp_path):
    path = tmp_path / 'boxes.json'
    path.write_text(json.dumps(dict(
        images=[], annotations=[], categories=[dict(id=1, name='cell')])))
    return path


@pytest.mark.parametrize(('start', 'message'), [
    (lambda run, path: run('--export', path / 'x.json', db='no.db'),
     'no.db: no such project file'),
    (nothing_to_write, 'no times yet'),
    (lambda run, path: run('--boxes', path / 'no.json'), 'no such annotation'),
    (lambda run, path: run('--export', path / 'val.json', '--val', 1),
     '--val writes val.json: give --export another name'),
    (lambda run, path: run('--val', 1), '--val goes with --export'),
    (lambda run, path: run('--all'), '--all goes with --export'),
    (lambda run, path: run('--export', path / 'x.json', '--val', 1),
     '1 of the 1 complete images cannot be set aside'),
    (lambda run, path: run('--seed', 5), 'begun with --seed 0, got 5'),
    (lambda run, path: run('--points', 0), "at least 1, got '0'"),
    (lambda run, path: run('--points', 101), 'from 1 to 100, got 101'),
    (lambda run, path: run('--port', 99999), 'from 0 to 65535'),
    (lambda run, path: run('--token', 'x'), 'at least 16 characters'),
    (lambda run, path: run(db='images/a.tif'), 'no usable project file'),
])
def test_faults_of_the_user(run, tmp_path, start, message):
    code, _, err = start(run, tmp_path)
    assert code == 2 and message in err and 'Traceback' not in err
    assert not list(tmp_path.rglob('.*.lock'))
    assert not (tmp_path / 'x.json').exists()


def test_images_set_aside_for_validation(run, folder, tmp_path):
    tifffile.imwrite(folder / 'b.tif', np.zeros((60, 80), np.uint16))
    with Project(folder, tmp_path / 'p.db', num_points=1) as project:
        project.change(changes.CreateBox('d', 'l', 7, 2, [5, 5, 20, 20]),
                       'Anna').result()
        project.change(changes.Answer('e', 'l', 0.5, 0, 0, 0),
                       'Anna').result()
    code, _, _ = run('--export', tmp_path / 'all.json', '--all')
    images = json.loads((tmp_path / 'all.json').read_text())['images']
    assert code == 0 and [image.get('complete') for image in images] == [
        None, False]
    with Project(folder, tmp_path / 'p.db') as project:
        project.change(changes.MarkImage('n', 2, 0, -1, True), 'Anna').result()
    code, out, _ = run('--export', tmp_path / 'train.json', '--val', 1)
    assert code == 0
    assert f'  of these, 1 images with 1 boxes in {tmp_path}/val.json' in out
    train, val = (json.loads((tmp_path / name).read_text())
                  for name in ('train.json', 'val.json'))
    for part, name, label in ((train, 'a.tif', 1), (val, 'b.tif', 0)):
        assert [image['file_name'] for image in part['images']] == [name]
        assert [ann['point_labels'] for ann in part['annotations']] == [[
            label]]


def test_nothing_complete_is_nothing_to_write(run, folder, tmp_path):
    with Project(folder, tmp_path / 'p.db') as project:
        project.change(changes.MarkImage('n', 1, 0, 0, False), 'A').result()
    code, out, err = run('--export', tmp_path / 'x.json')
    assert code == 2 and 'a.tif (1 of 1 boxes finished)' in out
    assert 'Mark what is complete in the page (key D), or give --all' in err
    assert not (tmp_path / 'x.json').exists()


def test_images_that_are_skipped_are_named(run, folder, tmp_path):
    (folder / 'broken.tif').write_bytes(b'no image')
    _, out, _ = run('--export', tmp_path / 'x.json')
    assert '1 images\n  skipped: broken.tif: cannot be read' in out


@pytest.mark.posix
def test_it_serves_until_it_is_stopped(folder, tmp_path, run):
    """By Ctrl-C or by the system, which are the same to it."""
    server = subprocess.Popen(
        [sys.executable, ROOT / 'tools/annotate.py', folder, '--db',
         tmp_path / 'p.db', '--port', '0'],
        env=dict(os.environ, PYTHONUNBUFFERED='1', COLUMNS='200'),
        stdout=subprocess.PIPE, text=True)
    try:
        assert select.select([server.stdout], [], [], 120)[0]
        assert server.stdout.readline().endswith('images: 1 images\n')
        url = re.fullmatch(
            r'Open (http://127\.0\.0\.1:\d+/\?token=\S{16,}) in the .*\n',
            server.stdout.readline())[1]
        # A second one on the same project is told where the first is.
        code, _, err = run('--port', 0)
        assert code == 2 and f'in use by {url}' in err
        server.send_signal(signal.SIGTERM)
        assert server.wait(30) == 0
        assert 'Stopped. All is in' in server.stdout.read()
    finally:
        server.kill()
        server.wait()
        server.stdout.close()
    # Neither the write-ahead log nor the lock is left; the token is, for
    # pages that stay open.
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        '.p.db.token', 'images', 'p.db']


def test_what_was_upgraded_is_said(run, tmp_path):
    dump = ROOT / 'tests/annotate/earlier/version_1.sql'
    with closing(sqlite3.connect(tmp_path / 'old.db')) as file:
        file.executescript(dump.read_text(encoding='utf-8'))
    arguments = '--export', tmp_path / 'x.json', '--all'
    _, out, _ = run(*arguments, db='old.db')
    said, = [line for line in out.splitlines() if 'version' in line
             and line.startswith(f'{tmp_path / "old.db"}: was a project of ')]
    assert said.endswith(f'it is in {tmp_path / "old.db.version-1"}')
    assert (tmp_path / 'old.db.version-1').is_file()
    assert 'was a project of' not in run(*arguments, db='old.db')[1]
