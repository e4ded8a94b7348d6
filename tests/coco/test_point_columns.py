"""Reading text at once gives what reading number by number gives."""
import json

import msgspec
import numpy as np
import pytest

from pace_mmdet.coco.point_columns import (PointAnnotation, text_to_columns,
                                           to_columns)


def annotation(coords, labels, **changes):
    return dict(
        dict(
            id=7,
            image_id=2,
            category_id=1,
            bbox=[1, 2.5, 3e1, 4],
            point_coords=coords,
            point_labels=labels), **changes)


def plainly(text):
    return to_columns(msgspec.json.decode(text, type=list[PointAnnotation]))


def assert_same(found, expected):
    for name, one, other in zip(found._fields, found, expected):
        # Whole numbers stay such where they are read at once.
        assert one.dtype == other.dtype or name == 'coords', name
        assert np.array_equal(one, other), name


@pytest.mark.parametrize('labels', [[[1], [0]], [[-1], [1]], [[-1], [-1]],
                                    [[1, -1, 0, -1], [-1, 0, 1, 1]]])
@pytest.mark.parametrize('spaced', [False, True])
def test_what_our_tools_write(labels, spaced):
    coords = [[[3 * i + k, 700 * k] for k in range(len(row))]
              for i, row in enumerate(labels)]
    anns = [annotation(c, row, id=i, iscrowd=i % 2)
            for i, (c, row) in enumerate(zip(coords, labels))]
    text = json.dumps(anns, indent=2 if spaced else None).encode()
    assert_same(text_to_columns(text), plainly(text))


def test_many():
    rng = np.random.default_rng(0)
    anns = [annotation(rng.integers(0, 3000, (10, 2)).tolist(),
                       rng.integers(-1, 2, 10).tolist(), id=i)
            for i in range(300)]
    text = json.dumps(anns).encode()
    assert_same(text_to_columns(text), plainly(text))


@pytest.mark.parametrize('anns', [
    [],
    [annotation([], [])],
    [annotation([[1, 2]], [1]), annotation([[1, 2]] * 2, [1, 0])],
    [annotation([[1, 2]] * 2, [1])],
    [annotation([[1, 2]], [1] * 2)],
    [annotation([[1.0, 2]], [1])],
    [annotation([[-1, 2]], [1])],
    [annotation([[1, 2, 3]], [1])],
    [annotation([1, 2], [1])],
    [annotation([[1, 2]], [[1]])],
    [annotation([[10**18, 2]], [1])],
    [annotation([[1, 2]], [10])],
    [annotation([[1, 2]], [-11])],
    [annotation([[1, 2]], [0.5])],
    [annotation([[1, 2]], [True])],
    [annotation(None, [1])],
    [annotation([[1, 2]], None)],
    [annotation('12', [1])],
    [annotation([[1, 2]], [1], bbox=[1, 2, 3])],
    [dict(id=1, image_id=2, category_id=1, bbox=[1, 2, 3, 4])],
])
def test_everything_else_is_left_to_the_plain_way(anns):
    assert text_to_columns(json.dumps(anns).encode()) is None


def test_a_label_that_is_none_is_kept_for_the_checks():
    text = json.dumps([annotation([[1, 2]] * 3, [1, 2, 9])]).encode()
    assert text_to_columns(text).labels.tolist() == [1, 2, 9]
    assert_same(text_to_columns(text), plainly(text))
