import functools
import tracemalloc

import pytest

from pace_mmdet.coco.census import take_census
from pace_mmdet.coco.json_checks import check_complete_coco
from pace_mmdet.coco.points import read_point_coco
from pace_mmdet.errors import AnnotationError
from pace_mmdet.evaluation.detections import load_detections

COCO = b'{"images": [], "annotations": {"1": {}}, "categories": [1]}'


@pytest.mark.parametrize('text', [COCO, b' ' + COCO + b'\n'])
def test_complete(tmp_path, text):
    path = tmp_path / 'a.json'
    path.write_bytes(text)
    check_complete_coco(path)


@pytest.mark.parametrize(('text', 'said'), [
    (b'', 'is empty'),
    (COCO[:-1], 'it ends early, at byte 58, after .*"categories": .1'),
    (COCO[:20], 'it ends early, at byte 20'),
    (COCO + b'}', "trailing characters at byte 59 of 60, before '}'"),
    (COCO.replace(b'"1":', b'"1"'), "expected ':' at byte 35 of 58, before"),
    (COCO.replace(b'images', b'pictures'), 'missing required field `images`'),
    (b'[1]', 'expected a COCO file'),
    (b'3', 'expected a COCO file'),
    (b'\n <?xml version="1.0"?><Error>', 'not JSON but HTML or XML.*Error'),
    (b'\x00\xff\x00', 'not a complete JSON file: invalid character at byte 0'),
])
def test_faults(tmp_path, text, said):
    path = tmp_path / 'a.json'
    path.write_bytes(text)
    with pytest.raises(AnnotationError, match=said) as error:
        check_complete_coco(path)
    assert str(error.value).startswith(f'{path}: ')


def test_a_large_file_takes_no_memory(tmp_path):
    path = tmp_path / 'a.json'
    cells = b','.join([b'{"id": 1, "bbox": [1.5, 2, 3, 4]}'] * 100_000)
    path.write_bytes(COCO.replace(b'{"1": {}}', b'[' + cells + b']'))
    tracemalloc.start()
    try:
        check_complete_coco(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert path.stat().st_size > 3e6 and peak < 1e5


@pytest.mark.parametrize('text', [
    '[' * 100_000, '{"images":' * 100_000,
    '{"images":[],"categories":[],"annotations":' + '[' * 100_000,
])
def test_what_is_nested_deeply_is_a_fault_of_the_file(tmp_path, text):
    path = tmp_path / 'a.json'
    path.write_text(text)
    readers = (check_complete_coco, take_census,
               functools.partial(load_detections, truth=None,
                                 iou_types=['bbox']),
               functools.partial(read_point_coco, num_points=1))
    for read in readers:
        with pytest.raises(AnnotationError, match='a.json'):
            read(path)
