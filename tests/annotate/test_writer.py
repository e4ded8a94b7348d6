"""Committed or not, whole or not at all."""
import threading

import pytest

from pace_mmdet.annotate.errors import StorageError
from pace_mmdet.annotate.schema import open_for_reading, open_project
from pace_mmdet.annotate.writer import Writer


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'p.db'


@pytest.fixture
def writer(path):
    writer = Writer(open_project(path), path)
    yield writer
    writer.close()


def insert(name, fail=False):
    def job(connection):
        connection.execute(
            'INSERT INTO images VALUES (NULL, ?, 1, 1, 1, 1)', (name, ))
        if fail:
            raise KeyError(name)
        return name
    return job


def names(path):
    connection = open_for_reading(path)
    found = [row['name'] for row in connection.execute(
        'SELECT name FROM images ORDER BY name')]
    connection.close()
    return found


def test_a_result_means_committed(writer, path):
    assert writer.submit(insert('a')).result() == 'a'
    assert names(path) == ['a']


def test_a_failing_job_takes_nothing_with_it(writer, path):
    gate = threading.Event()
    writer.submit(lambda connection: gate.wait(10))
    futures = [writer.submit(insert(name, name == 'b')) for name in 'abc']
    gate.set()
    assert futures[0].result() == 'a' and futures[2].result() == 'c'
    with pytest.raises(KeyError):
        futures[1].result()
    assert names(path) == ['a', 'c']


def test_a_cancelled_job_is_left_out(writer, path):
    gate = threading.Event()
    writer.submit(lambda connection: gate.wait(10))
    gone = writer.submit(insert('gone'))
    assert gone.cancel()
    gate.set()
    writer.submit(insert('a')).result()
    assert names(path) == ['a']


def test_a_full_disk_loses_nothing_acknowledged(writer, path):
    writer.submit(insert('a')).result()

    def fill(connection):
        pages, = connection.execute('PRAGMA page_count').fetchone()
        connection.execute(f'PRAGMA max_page_count = {pages}')

    writer.submit(fill).result()
    with pytest.raises(StorageError, match='the disk is full; free some'):
        writer.submit(insert('b' * 20000)).result()
    assert names(path) == ['a']
    writer.submit(lambda connection: connection.execute(
        'PRAGMA max_page_count = 100000').fetchall()).result()
    writer.submit(insert('c')).result()
    assert names(path) == ['a', 'c']


def test_closing_finishes_what_is_queued(path):
    writer = Writer(open_project(path), path)
    futures = [writer.submit(insert(str(index))) for index in range(300)]
    writer.close()
    assert all(future.done() for future in futures)
    assert len(names(path)) == 300
