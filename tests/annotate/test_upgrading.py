"""Projects of earlier versions open, and hold what they held."""
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pace_mmdet.annotate import Project, upgrading
from pace_mmdet.annotate.errors import ProjectError, StorageError
from pace_mmdet.annotate.schema import open_for_reading, open_project

EARLIER = Path(__file__).parent / 'earlier'
DUMPS = sorted(EARLIER.glob('version_*.sql'))


def dump(path):
    with closing(sqlite3.connect(path)) as file:
        version, = file.execute('PRAGMA user_version').fetchone()
        return version, list(file.iterdump())


def make(path, dumped=DUMPS[0]):
    with closing(sqlite3.connect(path)) as file:
        file.executescript(dumped.read_text(encoding='utf-8'))


@pytest.fixture
def three(folder):
    """The images that the projects are of."""
    (folder / 'c.tif').write_bytes((folder / 'a.tif').read_bytes())
    return folder


def test_every_earlier_version_is_here():
    assert [path.stem for path in DUMPS] == [
        f'version_{number}' for number in range(1, upgrading.VERSION)]


@pytest.mark.parametrize('dumped', DUMPS, ids=lambda path: path.stem)
def test_what_an_earlier_version_held(dumped, three, tmp_path):
    """Export and times are those that its own program wrote."""
    make(tmp_path / 'p.db', dumped)
    before = dump(tmp_path / 'p.db')
    expected = json.loads(dumped.with_suffix('.json').read_text('utf-8'))
    with Project(three, tmp_path / 'p.db') as project:
        every, export = project.export(take_all=True), project.export()
        assert [effort.row() for effort in project.efforts()] == (
            expected['efforts'])
    # All that was exported still is; what is not said to be complete needs to
    # be asked for, and brings its open boxes along.
    was = expected['export']
    exported = {ann['id']: ann for ann in every.annotations}
    assert [exported[ann['id']] for ann in was['annotations']] == (
        was['annotations'])
    assert {image['file_name']: image.get('complete', True)
            for image in every.images} == {
                'a.tif': False, 'b.tif': True, 'c.tif': False}
    assert [ann['id'] for ann in export.annotations] == [2004]
    said = '\n'.join(export.lines())
    assert 'left out' in said and 'a.tif (2 of 3 boxes finished)' in said
    assert '1 count as complete as they did in version 1, nobody' in said
    for field in ('seed', 'num_points', 'project'):
        assert every.info[field] == was['info'][field]
    assert dump(tmp_path / 'p.db')[0] == upgrading.VERSION
    # The copy is the project as it was, for its owner only.
    copy, = tmp_path.glob('p.db.version-*')
    assert dump(copy) == before
    assert copy.stat().st_mode & 0o777 == 0o600
    # Once is enough.
    open_project(tmp_path / 'p.db').close()
    assert len(list(tmp_path.glob('*.version-*'))) == 1


def test_a_new_project_is_made_as_an_old_one_is_upgraded(tmp_path):
    def tables(path):
        open_project(path).close()
        return {line for line in dump(path)[1] if line.startswith('CREATE')}

    make(tmp_path / 'old.db')
    assert tables(tmp_path / 'old.db') == tables(tmp_path / 'new.db')


def test_what_is_not_in_the_file_itself_is_copied(tmp_path):
    """After a kill, the last changes are in the log beside the file."""
    make(tmp_path / 'p.db')
    with closing(sqlite3.connect(tmp_path / 'p.db')) as other:
        other.execute('PRAGMA journal_mode = WAL')
        with other:
            other.execute("INSERT INTO meta VALUES ('late', 1)")
        assert (tmp_path / 'p.db-wal').stat().st_size
        open_project(tmp_path / 'p.db').close()
    assert any("'late'" in line
               for line in dump(tmp_path / 'p.db.version-1')[1])


def test_a_copy_of_another_time_stays(tmp_path):
    for _ in range(2):
        make(tmp_path / 'p.db')
        (tmp_path / 'p.db.version-1').touch()
        open_project(tmp_path / 'p.db').close()
        (tmp_path / 'p.db').unlink()
    assert {path.name for path in tmp_path.iterdir()} == {
        'p.db.version-1', 'p.db.version-1-2', 'p.db.version-1-3'}
    assert (tmp_path / 'p.db.version-1').stat().st_size == 0


def test_a_step_that_fails_changes_nothing(tmp_path, monkeypatch):
    def fail(connection):
        connection.execute('DROP TABLE answers')
        raise sqlite3.OperationalError('no')

    make(tmp_path / 'p.db')
    before = dump(tmp_path / 'p.db')
    monkeypatch.setattr(upgrading, 'STEPS', (*upgrading.STEPS, fail))
    with pytest.raises(StorageError, match='cannot be written'):
        open_project(tmp_path / 'p.db')
    assert dump(tmp_path / 'p.db') == before
    monkeypatch.undo()
    open_project(tmp_path / 'p.db').close()


def test_reading_upgrades_nothing(tmp_path):
    make(tmp_path / 'p.db')
    with pytest.raises(ProjectError, match='version 1, to be opened for wri'):
        open_for_reading(tmp_path / 'p.db')


def test_which_images_were_complete(tmp_path):
    """Those without an open box, by nobody's word; none is lost."""
    make(tmp_path / 'p.db')
    with closing(open_project(tmp_path / 'p.db')) as file:
        assert list(map(tuple, file.execute('SELECT * FROM completeness'))
                    ) == [(2, 0, 'true', '')]
