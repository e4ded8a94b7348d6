import json

import msgspec
import pytest

from pace_mmdet.coco.files import CocoFile, write_coco

IMAGE = dict(id=1, file_name='a.tif', height=4, width=8)
CELL = dict(id=1, name='cell')


class Thing(msgspec.Struct):
    id: int


def test_written_file_is_read_back(tmp_path):
    path = tmp_path / 'new' / 'a.json'
    seen = []

    def annotations():
        for number in range(3):
            seen.append(number)
            yield dict(id=number)

    count = write_coco(path, [IMAGE], [CELL], annotations(),
                       lambda: dict(seen=len(seen)))
    assert count == 3
    file = CocoFile(path)
    assert [thing.id for block in file.blocks(Thing) for thing in block
            ] == [0, 1, 2]
    assert file.info == dict(seen=3)
    assert file.images[0].width == 8
    assert json.loads(path.read_text())['categories'] == [CELL]


def test_nothing_is_written_on_an_error(tmp_path):
    path = tmp_path / 'a.json'
    path.write_text('before')

    def annotations():
        yield dict(id=1)
        raise OSError('disk full')

    with pytest.raises(OSError, match='disk full'):
        write_coco(path, [IMAGE], [CELL], annotations())
    assert path.read_text() == 'before'
    assert list(tmp_path.iterdir()) == [path]
