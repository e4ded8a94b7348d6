import numpy as np
import pytest

from pace_mmdet.errors import AnnotationError, Faults


def test_nothing_is_raised_without_faults():
    faults = Faults('a.json')
    faults.add_where(np.zeros(3, bool), str)
    faults.raise_if_any()
    assert not faults


@pytest.mark.parametrize(('count', 'first_line', 'more'), [
    (1, 'a.json: 1 fault', None),
    (20, 'a.json: 20 faults', None),
    (21, 'a.json: 21 faults', '  ... and 1 more'),
    (1000, 'a.json: 1000 faults', '  ... and 980 more'),
])
def test_first_twenty_are_listed_and_the_rest_counted(count, first_line, more):
    faults = Faults('a.json')
    faults.add_where(np.ones(count, bool), 'cell {}'.format)
    with pytest.raises(AnnotationError) as error:
        faults.raise_if_any('Do this.')
    lines = str(error.value).splitlines()
    assert lines[0] == first_line
    assert lines[1] == '  - cell 0'
    assert len([line for line in lines if line[:4] == '  - ']) == min(
        count, 20)
    assert (more in lines) if more else not any('more' in ln for ln in lines)
    assert lines[-1] == 'Do this.'


def test_only_what_is_listed_is_described():
    described = []
    faults = Faults('a.json')
    for _ in range(2):
        faults.add_where(np.ones(15, bool), lambda i: described.append(i))
    assert len(described) == 20
    assert faults.count == 30


def test_error_class_is_the_one_asked_for():
    faults = Faults('a.json', KeyError)
    faults.add('gone')
    with pytest.raises(KeyError, match='gone'):
        faults.raise_if_any()
