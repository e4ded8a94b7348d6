import errno
import io
import stat
import zipfile

import numpy as np
import pytest

from pace_mmdet.sources import archives
from pace_mmdet.sources.archives import ArchiveError, read_directory, unpack

LIMIT = 1000


def write_zip(path, members, method=zipfile.ZIP_DEFLATED):
    """Write members, name to content or (content, mode)."""
    with zipfile.ZipFile(path, 'w', method) as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name)
            info.compress_type = method
            content, mode = (content if isinstance(content, tuple) else
                             (content, 0o644))
            info.external_attr = mode << 16
            archive.writestr(info, content)
    return path


@pytest.fixture
def make(tmp_path):
    return lambda *members, **kwargs: write_zip(tmp_path / 'a.zip', members,
                                                **kwargs)


def test_unpack(make, tmp_path):
    path = make(('images/', b''), ('images/a/1.tif', b'one'),
                ('images/2.tif', b'two'), ('./images/3..tif', b''))
    told = []
    files = unpack(path, tmp_path / 'out', LIMIT,
                   lambda *numbers: told.append(numbers))
    found = {
        p.relative_to(tmp_path / 'out').as_posix(): p.read_bytes()
        for p in (tmp_path / 'out').rglob('*') if p.is_file()
    }
    assert found == {
        'images/a/1.tif': b'one',
        'images/2.tif': b'two',
        'images/3..tif': b''
    }
    assert {f.as_posix() for f in files} == set(found)
    assert told[-1] == (6, 6)


LINK = (b'/etc', stat.S_IFLNK | 0o777)
PIPE = (b'', stat.S_IFIFO | 0o644)


@pytest.mark.filterwarnings('ignore:Duplicate name')
@pytest.mark.parametrize(('members', 'said'), [
    ([('../evil', b'')], "'../evil': expected a relative path"),
    ([('a/../../evil', b'')], 'expected a relative path'),
    ([('a/..', b'')], 'expected a relative path'),
    ([('/evil', b'')], 'expected a relative path'),
    ([('//host/evil', b'')], 'expected a relative path'),
    ([('C:/evil', b'')], 'expected a relative path'),
    ([('C:evil', b'')], 'expected a relative path'),
    ([('..\\evil', b'')], 'expected a relative path'),
    ([(5000 * 'a', b'')], 'has a name that is too long for a file'),
    ([(256 * 'a' + '/b', b'')], 'too long'),
    ([(600 * 'a/' + 'b', b'')], 'too long'),
    ([('a', LINK)], "'a': is a link or special file"),
    ([('a', PIPE)], 'is a link or special file'),
    ([('a', LINK), ('a/passwd', b'')], 'is a link or special file'),
    ([('a', b''), ('a/b', b'')], "'a': is a file and a folder"),
    ([('a', b'1'), ('a', b'2')], "'a': occurs more than once"),
    ([('a/b', b'1'), ('A/./B', b'2')], "'A/./B': occurs more than once"),
    ([('a', b'0' * LIMIT), ('b', b'0')], f'unpacks to {LIMIT + 1} bytes, '
     f'expected at most {LIMIT}'),
    ([(f'{i}', b'') for i in range(6)], 'holds 6 files, expected at most 5'),
])
def test_hostile_archives(make, tmp_path, monkeypatch, members, said):
    monkeypatch.setattr(archives, 'MAX_FILES', 5)
    path = make(*members)
    with pytest.raises(ArchiveError) as error:
        unpack(path, tmp_path / 'out', LIMIT)
    assert said in str(error.value) and str(path) in str(error.value)
    assert [p.name for p in tmp_path.iterdir()] == ['a.zip']


def test_a_name_with_a_nul(make, tmp_path):
    path = make(('a_b', b''))
    path.write_bytes(path.read_bytes().replace(b'a_b', b'a\x00b'))
    with pytest.raises(ArchiveError, match='expected a relative path'):
        read_directory(path, LIMIT)


def test_all_faults_at_once(make):
    with pytest.raises(ArchiveError, match='2 faults'):
        read_directory(make(('../a', b''), ('/b', b'')), LIMIT)


def test_encrypted(make):
    path = make(('a', b'x'))
    data = bytearray(path.read_bytes())
    directory = data.index(b'PK\x01\x02')
    data[directory + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(ArchiveError, match='is encrypted'):
        read_directory(path, LIMIT)


def test_an_unusual_method(make):
    with pytest.raises(ArchiveError, match='packed by method 14'):
        read_directory(make(('a', b'x'), method=zipfile.ZIP_LZMA), LIMIT)


@pytest.mark.parametrize('content', [b'', b'<html>', None])
def test_no_complete_archive(make, content):
    path = make(('a', b'x' * 50))
    path.write_bytes(path.read_bytes()[:60] if content is None else content)
    with pytest.raises(ArchiveError, match='not a complete zip archive'):
        read_directory(path, LIMIT)


@pytest.mark.parametrize('stated', [10, 500])
def test_a_file_of_another_size_than_stated(make, tmp_path, stated):
    """A bomb that states a small size does not go off."""
    path = make(('a', b'\x00' * 200))
    data = bytearray(path.read_bytes())
    for mark, offset in ((b'PK\x01\x02', 24), (b'PK\x03\x04', 22)):
        place = data.index(mark) + offset
        data[place:place + 4] = stated.to_bytes(4, 'little')
    path.write_bytes(data)
    with pytest.raises(ArchiveError, match="'a' is broken"):
        unpack(path, tmp_path / 'out', LIMIT)
    assert (tmp_path / 'out/a').stat().st_size <= 200


@pytest.mark.parametrize('method', [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_flipped_bit(make, tmp_path, method):
    path = make(('a', b'abcdefgh' * 20), method=method)
    data = bytearray(path.read_bytes())
    data[40] ^= 4
    path.write_bytes(data)
    with pytest.raises(ArchiveError, match='is broken'):
        unpack(path, tmp_path / 'out', LIMIT)


def test_random_damage(make, tmp_path):
    """Whatever is broken, it is our error, and all stays in the folder."""
    path = make(('images/', b''), ('images/a.tif', b'abc' * 50))
    good, rng = path.read_bytes(), np.random.default_rng(0)
    outcomes = set()
    for number in range(400):
        data = bytearray(good)
        for place in rng.integers(len(data), size=2):
            data[place] = rng.integers(256)
        path.write_bytes(data)
        try:
            unpack(path, tmp_path / 'out' / str(number), LIMIT)
            outcomes.add('unpacked')
        except ArchiveError:
            outcomes.add('refused')
    assert outcomes == {'unpacked', 'refused'}
    assert {p.name for p in tmp_path.iterdir()} == {'a.zip', 'out'}


def test_a_full_disk(make, tmp_path, monkeypatch):

    class Full(io.BytesIO):

        def write(self, data):
            raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(archives, 'open', lambda *args: Full(), raising=False)
    with pytest.raises(OSError, match="No space left on device: '.*out/a'"):
        unpack(make(('a', b'x')), tmp_path / 'out', LIMIT)
