"""Opening project files, good and bad."""
import sqlite3

import pytest

from pace_mmdet.annotate.errors import ProjectError, StorageError
from pace_mmdet.annotate.schema import (open_for_reading, open_project,
                                        read_meta)


def settings(path, *args, **kwargs):
    connection = open_project(path, *args, **kwargs)
    meta = read_meta(connection)
    connection.close()
    return meta['num_points'], meta['seed'], meta['page']


def test_settings_stay(tmp_path):
    path = tmp_path / 'below/p.db'
    assert settings(path) == (4, 0, None)
    assert settings(path, seed=0) == (4, 0, None)
    # More points can be asked at any time: the first ones stay the same.
    assert settings(path, num_points=6) == (6, 0, None)
    assert settings(path) == (6, 0, None)
    assert settings(tmp_path / 'q.db', 1, 7, 2) == (1, 7, 2)


def test_answers_are_on_the_disk_when_committed(tmp_path):
    connection = open_project(tmp_path / 'p.db')
    assert connection.execute('PRAGMA journal_mode').fetchone()[0] == 'wal'
    assert connection.execute('PRAGMA synchronous').fetchone()[0] == 2
    connection.close()


@pytest.mark.parametrize(('arguments', 'message'), [
    (dict(seed=3), 'begun with --seed 0, got 3'),
    (dict(page=1), 'begun with no --page, got 1'),
    (dict(num_points=0), 'from 1 to 100, got 0'),
    (dict(num_points=101), 'from 1 to 100, got 101'),
])
def test_other_settings(tmp_path, arguments, message):
    settings(tmp_path / 'p.db')
    with pytest.raises(ProjectError, match=message):
        open_project(tmp_path / 'p.db', **arguments)


def other_program(path):
    with sqlite3.connect(path) as connection:
        connection.execute('CREATE TABLE t (x)')


def other_version(path):
    settings(path)
    with sqlite3.connect(path) as connection:
        connection.execute('PRAGMA user_version = 99')


@pytest.mark.parametrize(('make', 'message'), [
    (lambda path: path.write_text('{"no": "database"}' * 100),
     'no usable project file'),
    (other_program, 'of another program'),
    (other_version, 'version 99, this program reads versions up to'),
    (lambda path: path.mkdir(), 'cannot be opened|no usable'),
])
def test_no_project(tmp_path, make, message):
    path = tmp_path / 'p.db'
    make(path)
    before = path.read_bytes() if path.is_file() else None
    for function in (open_project, open_for_reading):
        with pytest.raises((ProjectError, StorageError)) as error:
            function(path)
        assert str(path) in str(error.value)
    with pytest.raises((ProjectError, StorageError), match=message):
        open_project(path)
    assert before == (path.read_bytes() if path.is_file() else None)


def test_reading_makes_no_file(tmp_path):
    with pytest.raises(ProjectError, match='no such project file'):
        open_for_reading(tmp_path / 'p.db')
    (tmp_path / 'p.db').touch()
    with pytest.raises(ProjectError, match='empty file'):
        open_for_reading(tmp_path / 'p.db')
