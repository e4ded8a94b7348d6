import io
import json
import shutil
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
import tifffile
from pycocotools import mask as mask_utils
from rich.console import Console

from pace_mmdet.coco.census import find_repeated, take_census
from pace_mmdet.errors import AnnotationError
from pace_mmdet.sources.livecell.checking import (LIVECellReport,
                                                  check_livecell,
                                                  write_deduplicated)
from pace_mmdet.sources.livecell.download import unpack_images
from pace_mmdet.sources.livecell.files import SPLITS, annotation_files
from pace_mmdet.testing.livecell import write_synthetic_livecell

FILES = dict(zip(SPLITS, annotation_files('all')))


@pytest.fixture(scope='module', params=[False, True], ids=['flat', 'nested'])
def pristine(request, tmp_path_factory):
    """A small LIVECell as it lies after the download."""
    root = tmp_path_factory.mktemp('livecell')
    made = write_synthetic_livecell(
        root, dict(train=8, val=4, test=4), nested=request.param, height=40,
        width=60)
    for file in FILES.values():
        shutil.move(root / file.remote, root / file.local)
    unpack_images(root)
    return root, made


@pytest.fixture
def livecell(pristine, tmp_path):
    """A copy of it, to be spoiled."""
    root, made = pristine
    shutil.copytree(root, tmp_path / 'livecell')
    return tmp_path / 'livecell', made


def change(root, split, callback):
    path = root / FILES[split].local
    coco = json.loads(path.read_text())
    callback(coco)
    path.write_text(json.dumps(coco))


def printed(table, width=80):
    console = Console(file=io.StringIO(), width=width)
    console.print(table)
    return console.file.getvalue()


def test_what_is_counted(pristine):
    root, made = pristine
    report = check_livecell(root, 'all')
    assert report.faults == []
    for split, file in FILES.items():
        coco, census = made.splits[split], report.censuses[file]
        cells = Counter(a['image_id'] for a in coco['annotations'].values())
        assert census.cells.tolist() == [
            cells[image['id']] for image in coco['images']
        ]
        assert census.unusable == ({
            'no mask': [max(map(int, coco['annotations']))]
        } if split == 'train' else {})
    rows = [
        line.split()
        for line in printed(report.table(FILES['train'])).splitlines()
    ]
    # 4 cells an image at first, 8 at last; two doubled, one without a mask;
    # the last image is there twice; val has one of train's.
    assert ['A172', '3', '15', '4/5.0/7', '1', '2', '0', '0'] in rows
    assert ['BT474', '1', '5', '5/5.0/5', '0', '0', '1', '0'] in rows
    assert ['SKOV3', '1', '8', '8/8.0/8', '0', '0', '0', '0'] in rows
    assert rows[-2][:4] == ['all', '10', '59', '4/5.9/8']
    assert report.notes(FILES['train']) == [
        'masks to train on: 58 polygons', '  1 left out: no mask (annotations '
        '59)'
    ]


def test_the_table_of_the_real_files_fits_a_terminal():
    numbers = SimpleNamespace(
        file_names=['SHSY5Y_Phase_1.tif'], images=[1], path='x',
        row=lambda entries: SimpleNamespace(
            images=3253, cells=1018576, fewest=10, most=3000,
            doubled_images=65, doubled_cells=1234))
    report = LIVECellReport()
    report.censuses = {file: numbers for file in FILES.values()}
    text = printed(report.table(FILES['train']))
    assert '…' not in text and '10/313.1/3,000' in text
    assert '1,018,576' in text


def test_images_of_no_cell_type(livecell):
    root, _ = livecell

    def rename(coco):
        coco['images'][0]['file_name'] = 'mine.tif'

    change(root, 'test', rename)
    shutil.copy(
        next(root.glob('images/livecell_test_images/**/A172*.tif')),
        root / 'images/livecell_test_images/mine.tif')
    report = check_livecell(root, 'all')
    assert report.faults == []
    assert '(none)' in printed(report.table(FILES['test']))


def test_all_faults_at_once(livecell):
    root, made = livecell
    test, train = (sorted((root / f'images/livecell_{name}_images').rglob(
        '*.tif')) for name in ('test', 'train_val'))
    test[0].unlink()
    tifffile.imwrite(train[0], np.zeros((40, 61), np.uint8))
    train[1].write_bytes(train[1].read_bytes()[:300])

    def spoil(coco):
        cells = list(coco['annotations'].values())
        cells[0]['id'] = cells[1]['id']
        cells[2]['image_id'] = 'x'

    change(root, 'train', spoil)
    path = root / FILES['val'].local
    path.write_text(path.read_text()[:-100])
    report = check_livecell(root, 'all')
    with pytest.raises(AnnotationError) as error:
        report.raise_if_any()
    text = str(error.value)
    for said in ('this id occurs 2 times', 'annotation 3: "image_id"',
                 'livecell_coco_val.json: not a complete JSON file: it ends',
                 f'{test[0].name}: expected at',
                 f'{train[0].name}: 40 x 61 pixels (height x width), the '
                 'annotations say 40 x 60', f'{train[1]}: cannot be read'):
        assert said in text
    for file in report.censuses:
        with pytest.raises(AnnotationError):
            write_deduplicated(report, root, file)
    assert not list(root.rglob('*dedup*'))


def test_nothing_there(tmp_path):
    report = check_livecell(tmp_path, 'A172')
    assert len(report.faults) == 3 and report.censuses == {}
    assert 'a172/train.json: no such annotation file' in report.faults[0]


def test_deduplicated_copies(livecell):
    root, made = livecell
    report = check_livecell(root, 'all')
    said = [write_deduplicated(report, root, f) for f in FILES.values()]
    assert said[0].endswith(
        'livecell_coco_train_dedup.json: 8 images, 48 annotations; left out: '
        '1 doubled images, 1 images of later splits, 11 annotations')
    copies = {
        split: json.loads((root / file.dedup).read_text())
        for split, file in FILES.items()
    }
    for split in ('val', 'test'):
        coco, copy = made.splits[split], copies[split]
        assert copy['images'] == coco['images']
        assert copy['annotations'] == list(coco['annotations'].values())
        assert copy['licenses'] == coco['licenses']
        assert copy['categories'] == coco['categories']
        assert copy['info'] == dict(
            coco['info'],
            deduplicated=dict(
                doubled_images=0, images_of_later_splits=0, annotations=0))
    # Val keeps the image that both have, train the first of its two entries.
    images = made.splits['train']['images']
    del images[9], images[1]
    assert copies['train']['images'] == images
    kept = {image['id'] for image in images}
    cells = list(made.splits['train']['annotations'].values())
    doubled = {cell['id'] for cell in cells[-3:-1]}
    assert copies['train']['annotations'] == [
        cell for cell in cells
        if cell['image_id'] in kept and cell['id'] not in doubled
    ]
    # What is clean stays as it is.
    for file in FILES.values():
        shutil.move(root / file.dedup, root / file.local)
    for file, census in check_livecell(root, 'all').censuses.items():
        assert not census.doubled.any()
        assert len(set(census.file_names)) == len(census.images)


def test_of_two_entries_the_fuller_one_stays(livecell):
    root, _ = livecell

    def empty_the_first(coco):
        coco['annotations'] = [
            cell for cell in coco['annotations'].values()
            if cell['image_id'] != 9
        ]

    change(root, 'train', empty_the_first)
    report = check_livecell(root, 'all')
    write_deduplicated(report, root, FILES['train'])
    copy = json.loads((root / FILES['train'].dedup).read_text())
    assert [image['id'] for image in copy['images']][-2:] == [8, 10]


def test_a_full_disk_leaves_no_copy(livecell, monkeypatch):
    root, _ = livecell
    report = check_livecell(root, 'all')

    def full(_):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr('os.fsync', full)
    with pytest.raises(OSError, match='No space.*train_dedup.json'):
        write_deduplicated(report, root, FILES['train'])
    assert not list(root.rglob('*dedup*'))


def test_kinds_of_masks(tmp_path):
    square = [1., 1., 5., 1., 5., 5., 1., 5.]
    code, = mask_utils.frPyObjects([square], 10, 10)
    code['counts'] = code['counts'].decode()
    masks = [([square], 0), (code, 0), ([square, square], 0), ([square], 1),
             (dict(code, counts=[11, 4, 85]), 0), ([], 0), ([square[:4]], 0)]
    path = tmp_path / 'a.json'
    path.write_text(
        json.dumps(
            dict(
                images=[dict(id=1, file_name='a', height=10, width=10)],
                categories=[dict(id=1, name='cell')],
                annotations=[
                    dict(id=i, image_id=1, category_id=1, iscrowd=crowd,
                         bbox=[1, 1, 4, 4], segmentation=mask)
                    for i, (mask, crowd) in enumerate(masks)
                ])))
    census = take_census(path)
    assert not census.faults
    assert census.kinds == {
        'polygons': 1, 'run-length codes': 2, 'masks of several polygons': 1,
        'crowds': 1
    }
    assert census.unusable == {'no mask': [5, 6]}
    assert census.doubled.sum() == 0


@pytest.mark.parametrize('count', [0, 1, 200])
def test_repetitions_against_a_plain_search(count):
    rng = np.random.default_rng(0)
    groups, values = rng.integers(0, 5, (2, count))
    seen, expected = set(), []
    for pair in zip(groups.tolist(), values.tolist()):
        expected.append(pair in seen)
        seen.add(pair)
    assert find_repeated(groups, values).tolist() == expected
