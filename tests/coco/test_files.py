import json
from typing import Optional

import msgspec
import pytest

from pace_mmdet.coco.files import CocoFile
from pace_mmdet.errors import AnnotationError

IMAGE = dict(id=1, file_name='a.tif', height=4, width=8)
CELL = dict(id=1, name='cell')


class Thing(msgspec.Struct):
    id: int
    size: Optional[float] = None


def write(path, annotations, **changes):
    coco = dict(images=[IMAGE], categories=[CELL], annotations=annotations)
    path.write_text(json.dumps({**coco, **changes}))
    return path


def ids(file, size=2):
    blocks = file.blocks(Thing, size)
    return [[thing.id for thing in block] for block in blocks]


@pytest.mark.parametrize(('annotations', 'expected'), [
    ([], []),
    ([dict(id=5, other=[1, {}])], [[5]]),
    ([dict(id=i) for i in range(5)], [[0, 1], [2, 3], [4]]),
    ({'7': dict(id=7), '3': dict(id=3), '9': dict(id=9)}, [[7, 3], [9]]),
])
def test_blocks(tmp_path, annotations, expected):
    file = CocoFile(write(tmp_path / 'a.json', annotations))
    assert ids(file) == expected
    assert len(file) == len(annotations)
    assert not file.faults


@pytest.mark.parametrize('size', [0.5, float('nan')])
def test_faulty_annotations_are_noted_one_by_one(tmp_path, size):
    # NaN is not JSON for msgspec: the lenient reader must find the same.
    things = [dict(id=1, size=size), dict(id='x'), {}, 3, dict(id=4)]
    file = CocoFile(write(tmp_path / 'a.json', things))
    assert sum(ids(file), []) == [1, 4]
    assert file.faults.count == 3
    text = ' '.join(file.faults.listed)
    assert 'annotation x: "id": expected `int`, got `str`' in text
    assert 'annotation number 2: object missing required field `id`' in text
    assert 'annotation number 3: expected `object`, got `int`' in text


@pytest.mark.parametrize(('changes', 'message'), [
    (dict(images=None), '"images": expected a list, got NoneType'),
    (dict(images=[dict(IMAGE, height='high')]), '"height": expected `int`'),
    (dict(images=[dict(IMAGE, height=0)]), 'at least 1 pixel, got 0 and 8'),
    (dict(images=[dict(IMAGE, width=2**70)]), 'at most 1000000 and at least'),
    (dict(images=[IMAGE, IMAGE]), 'image 1: this id occurs more than once'),
    (dict(categories=[CELL, CELL]), 'category 1: this id occurs more than'),
    (dict(categories=[dict(id=1)]), 'missing required field `name`'),
    (dict(images=[dict(IMAGE, id=2**70)]), 'image'),
])
def test_faulty_tables(tmp_path, changes, message):
    path = write(tmp_path / 'a.json', [], **changes)
    with pytest.raises(AnnotationError) as error:
        CocoFile(path).faults.raise_if_any()
    assert message in str(error.value)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(('text', 'message'), [
    ('', 'not a complete JSON file: it ends early, at byte 0'),
    ('{"images": [], "categ', 'it ends early, at byte 21, after .*"categ'),
    ('{"images": [] 2}', "expected ',' or '}' at byte 14 of 16, before '2}'"),
    ('{"images": NaN, "categ', 'not a complete JSON file: .*char 16'),
    ('<html>', 'not JSON but HTML or XML'),
    ('[1, 2]', 'expected a COCO file'),
    ('{}', '"annotations": expected a list, got nothing'),
    ('{"images": [], "categories": [], "annotations": 3}',
     '"annotations": expected a list, got int'),
])
def test_not_a_coco_file(tmp_path, text, message):
    path = tmp_path / 'a.json'
    path.write_text(text)
    with pytest.raises(AnnotationError, match=message):
        CocoFile(path)


def test_missing_file(tmp_path):
    with pytest.raises(AnnotationError, match='no such annotation file'):
        CocoFile(tmp_path / 'none.json')
    with pytest.raises(AnnotationError, match='got a folder'):
        CocoFile(tmp_path)
