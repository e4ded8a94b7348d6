"""The converters as a user calls them."""
import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from pace_mmdet.commands import data_hela, data_livecell
from pace_mmdet.testing import write_synthetic_coco
from pace_mmdet.testing.livecell import write_synthetic_livecell
from tests.loopback import serving

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / 'tools' / 'dataset_converters'


@pytest.fixture
def call(monkeypatch, capsys):
    """Runs a tool in this process; gives its exit code and output."""

    def run(name, *args):
        spec = importlib.util.spec_from_file_location(name,
                                                      TOOLS / f'{name}.py')
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        monkeypatch.setattr(sys, 'argv', [name, *map(str, args)])
        try:
            code = module.main()
        except SystemExit as ended:  # of the parser of arguments
            code = ended.code
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return run


def test_masks_to_points(call, tmp_path):
    masks = write_synthetic_coco(tmp_path, 2, 5, 40, 60)
    out = tmp_path / 'points.json'
    code, text = call('masks_to_points', masks, out, '--max-points', 6,
                      '--seed', 3, '--flip-prob', 0.1)
    assert code == 0
    assert f'{out}: 2 images, 10 annotations written, 0 left out' in text
    coco = json.loads(out.read_text())
    assert coco['info']['num_points'] == 6
    assert coco['info']['seed'] == 3
    assert coco['info']['flip_prob'] == 0.1
    assert {len(a['point_labels']) for a in coco['annotations']} == {6}


def test_labels_to_coco(call, tmp_path):
    for folder, name in (('images', 'a.tif'), ('labels', 'a_mask.tif')):
        (tmp_path / folder).mkdir()
        tifffile.imwrite(tmp_path / folder / name,
                         np.eye(4, dtype=np.uint16) * [1, 1, 2, 3])
    out = tmp_path / 'masks.json'
    code, text = call('labels_to_coco', tmp_path / 'images',
                      tmp_path / 'labels', '--out', out, '--label-suffix',
                      '_mask', '--min-area', 2)
    assert code == 0
    assert f'{out}: 1 images, 1 cells (2 of fewer than 2 pixels' in text
    # The one tool's output is the other's input.
    points = tmp_path / 'points.json'
    code, text = call('masks_to_points', out, points)
    assert code == 0
    assert '1 annotations written' in text


def test_hela(call, tmp_path, monkeypatch):
    counts = dict(
        train=dict(images=20, cells=30, slivers=2),
        val=dict(images=10, cells=5, slivers=1))
    calls = []

    def prepare(out, wheel):
        calls.append((out, wheel))
        return counts

    monkeypatch.setattr(data_hela, 'prepare_hela', prepare)
    code, text = call('hela', '--out', 'somewhere', '--wheel', 'a.whl')
    assert code == 0
    assert calls == [('somewhere', 'a.whl')]
    assert 'train: 20 images, 30 nuclei (2 slivers' in text


@pytest.fixture(scope='module')
def published(tmp_path_factory):
    """A folder as LIVECell's address serves it."""
    folder = tmp_path_factory.mktemp('published')
    write_synthetic_livecell(
        folder, dict(train=6, val=4, test=4), height=40, width=60)
    return {
        '/' + path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob('*') if path.is_file()
    }


def test_livecell(call, tmp_path, published):
    root = tmp_path / 'livecell'
    with serving(published) as server:
        args = ['--root', root, '--annotations', 'all', 'a172']
        code, text = call('livecell', 'all', *args, '--base-url', server.url,
                          '--max-points', 3, '--dedup')
        assert code == 0, text
        server.seen = []
        # Every step alone, and what is there is not fetched again.
        assert call('livecell', 'download', *args, '--base-url',
                    server.url) == (0, f'{root}: all is there already\n')
        assert server.seen == []
    for said in ('livecell_coco_train.json: ', 'images: 25 files',
                 'livecell_points_train.json: 10 images', 'SHSY5Y',
                 'a172/train_points.json: 3 images', 'no faults',
                 'livecell_coco_train_dedup.json: 8 images'):
        assert said in text
    points = root / 'annotations/livecell_points_train.json'
    assert json.loads(points.read_text())['info']['num_points'] == 3
    code, text = call('livecell', 'points', '--root', root, '--seed', 5,
                      '--flip-prob', 0.5)
    assert code == 0
    info = json.loads(points.read_text())['info']
    assert (info['seed'], info['flip_prob'], info['num_points']) == (5, .5, 10)
    next(root.rglob('A172*.tif')).unlink()
    code, text = call('livecell', 'check', '--root', root)
    assert code == 2
    assert 'error: ' in text and 'expected at' in text


def test_livecell_is_stopped(call, tmp_path, monkeypatch):

    def stop(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(data_livecell, 'download_livecell', stop)
    code, text = call('livecell', 'download', '--root', tmp_path)
    assert code == 130 and 'goes on from here' in text


@pytest.mark.parametrize(('name', 'args', 'message'), [
    ('livecell', ['points', '--root', 'none'],
     'error: none/annotations/livecell_coco_train.json: no such annotation'),
    ('livecell', ['points', '--max-points', '0'],
     "--max-points: expected a whole number of at least 1, got '0'"),
    ('livecell', ['check', '--root', 'none'],
     'error: none/annotations/livecell_coco_train.json: no such annotation'),
    ('livecell', ['download', '--base-url', 'nowhere'],
     'error: nowhere/annotations/LIVECell/livecell_coco_train.json: expected '
     'an address'),
    ('masks_to_points', ['none.json', 'out.json'],
     'error: none.json: no such annotation file'),
    ('masks_to_points', ['none.json', 'out.json', '--max-points', '0'],
     "--max-points: expected a whole number of at least 1, got '0'"),
    ('labels_to_coco', ['none', 'none', '--out', 'out.json'],
     'error: none: no such folder'),
    ('hela', ['--out', 'hela', '--wheel', 'none.whl'],
     'error: none.whl: no such file'),
])
def test_errors_are_no_traceback(call, tmp_path, monkeypatch, name, args,
                                 message):
    monkeypatch.chdir(tmp_path)
    code, text = call(name, *args)
    assert code == 2
    assert message in text and 'Traceback' not in text
    assert list(tmp_path.iterdir()) == []
