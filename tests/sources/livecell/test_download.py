import errno
import io
import json
import shutil
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest
import tifffile

from pace_mmdet.errors import AnnotationError
from pace_mmdet.sources import archives, downloads
from pace_mmdet.sources.archives import ArchiveError
from pace_mmdet.sources.downloads import DownloadError
from pace_mmdet.sources.livecell import download as livecell_download
from pace_mmdet.sources.livecell.download import download_livecell
from pace_mmdet.sources.livecell.files import SPLITS
from pace_mmdet.testing.livecell import write_synthetic_livecell
from tests.loopback import serving

SMALL = dict(cells=dict(train=6, val=4, test=4), height=40, width=60)


@pytest.fixture(scope='module')
def published(tmp_path_factory):
    """What the publisher has, path to bytes."""
    folder = tmp_path_factory.mktemp('published')
    write_synthetic_livecell(folder, **SMALL)
    return {
        '/' + path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob('*') if path.is_file()
    }


@pytest.fixture
def server(published):
    with serving(dict(published)) as server:
        yield server


@pytest.fixture
def get(server, tmp_path, monkeypatch):
    """Function that downloads into ``tmp_path / 'livecell'``, in one try."""
    monkeypatch.setattr(downloads, 'RETRIES', 0)

    def run(*args, **kwargs):
        return download_livecell(run.root, *args, base_url=server.url,
                                 **kwargs)

    run.root = tmp_path / 'livecell'
    return run


def snapshot(folder):
    return {
        path.relative_to(folder).as_posix(): path.stat().st_mtime_ns
        for path in folder.rglob('*') if path.is_file()
    }


def names(folder):
    return {path.split('/')[0] for path in snapshot(folder)}


def zip_of(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w', zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


WHOLE = [f'annotations/livecell_coco_{s}.json' for s in SPLITS]


@pytest.mark.parametrize('nested', [False, True])
def test_all_of_it_and_once(get, server, tmp_path, nested):
    made = write_synthetic_livecell(tmp_path / 'published', **SMALL,
                                    nested=nested)
    server.files['/images.zip'] = (tmp_path /
                                   'published/images.zip').read_bytes()
    done = get()
    assert len(done) == 5 and done[-1].startswith(f'{get.root}/images: ')
    after = snapshot(get.root)
    assert set(after) == {*WHOLE, *made.images}
    for name, image in made.images.items():
        assert np.array_equal(tifffile.imread(get.root / name), image)
    for split, path in zip(SPLITS, WHOLE):
        assert json.loads(
            (get.root / path).read_text()) == made.splits[split]
    # Again, it does nothing and asks nobody.
    server.seen = []
    assert get() == [] and server.seen == []
    assert snapshot(get.root) == after


@pytest.mark.parametrize(('sets', 'expected'), [
    (['SHSY5Y'], [f'LIVECell_single_cells/shsy5y/{s}.json' for s in SPLITS]),
    (['2percent', '50percent'], [
        'LIVECell_dataset_size_split/0_train2percent.json',
        'LIVECell_dataset_size_split/4_train50percent.json'
    ]),
])
def test_other_annotation_sets(get, sets, expected):
    assert len(get(sets, images=False)) == len(expected)
    assert set(snapshot(get.root)) == {f'annotations/{e}' for e in expected}


def test_it_goes_on_where_it_broke_off(get, server):
    server.moods = [{}, {}, {}, dict(stop=1000)]
    with pytest.raises(DownloadError, match='1000 bytes are here; calling'):
        get()
    before = snapshot(get.root)
    assert names(get.root) == {
        'annotations', 'images.zip.part', 'images.zip.part.json'
    }
    server.seen = []
    assert len(get()) == 2
    assert [seen for seen in server.seen if seen[0] == 'GET'] == [
        ('GET', '/images.zip', 'bytes=1000-')]
    assert names(get.root) == {'annotations', 'images'}
    assert snapshot(get.root)[WHOLE[0]] == before[WHOLE[0]]


def test_a_wrong_address_shows_before_anything_is_here(get, server):
    del server.files['/images.zip']
    with pytest.raises(DownloadError, match='images.zip: the server says 404'):
        get()
    assert not get.root.exists() and server.ranges() == []


@pytest.mark.parametrize(('path', 'content', 'said'), [
    ('livecell_coco_val.json', b'<!DOCTYPE html><html>Sign in</html>',
     "not JSON but HTML or XML.*<!DOCTYPE html>"),
    ('livecell_coco_val.json', lambda data: data[:1000],
     'it ends early, at byte 1000'),
    ('livecell_coco_val.json', b'[]', 'expected a COCO file'),
    ('livecell_coco_val.json', b'', 'is empty'),
    ('images.zip', lambda data: data[:1000], 'not a complete zip archive'),
    ('images.zip', b'<html>', 'not a complete zip archive'),
    ('images.zip', zip_of(**{'../evil': b''}), 'expected a relative path'),
])
def test_what_the_server_sends_is_something_else(get, server, path, content,
                                                 said):
    path, = (p for p in server.files if p.endswith(f'/{path}'))
    good = server.files[path]
    server.files[path] = content if isinstance(content, bytes) else (
        content(good))
    with pytest.raises(DownloadError, match=said) as error:
        get()
    assert f'{server.url}{path}: what the server sent is not' in str(
        error.value)
    assert not [n for n in snapshot(get.root) if path.split('/')[-1] in n]
    assert not (get.root.parent / 'evil').exists()
    server.files[path] = good
    get()
    assert names(get.root) == {'annotations', 'images'}


def test_an_archive_of_something_else(get, server):
    server.files['/images.zip'] = zip_of(**{'photos/cat.tif': b''})
    with pytest.raises(ArchiveError, match="not LIVECell's.*'photos'"):
        get()
    assert names(get.root) == {'annotations', 'images.zip'}


def test_files_beside_the_images_are_not_taken(get, server, published):
    buffer = io.BytesIO(published['/images.zip'])
    with zipfile.ZipFile(buffer, 'a') as archive:
        archive.writestr('__MACOSX/x', b'')
    server.files['/images.zip'] = buffer.getvalue()
    assert get()[-1].endswith('(1 files beside images/ in the archive left '
                              'out)')
    assert names(get.root) == {'annotations', 'images'}


def test_what_somebody_put_there(get, server, published):
    (get.root / 'annotations').mkdir(parents=True)
    (get.root / WHOLE[0]).write_bytes(
        published['/annotations/LIVECell/livecell_coco_train.json'])
    (get.root / 'images.zip').write_bytes(published['/images.zip'])
    before = snapshot(get.root)
    assert len(get()) == 3
    assert len(server.ranges()) == 2
    assert snapshot(get.root)[WHOLE[0]] == before[WHOLE[0]]
    # Images are left alone, whatever they are.
    shutil.rmtree(get.root / 'images')
    (get.root / 'images/mine').mkdir(parents=True)
    assert get() == []
    (get.root / WHOLE[1]).write_bytes(b'{"images": [')
    with pytest.raises(AnnotationError) as error:
        get()
    assert 'it ends early, at byte 12' in str(error.value)
    assert 'Remove it and call again' in str(error.value)


@pytest.mark.parametrize(('free', 'said'), [
    (0, 'livecell: downloading needs 10.5 MB, and 0 bytes are free'),
    (10_700_000, 'livecell: unpacking .*/images.zip needs'),
])
def test_too_little_room(get, server, monkeypatch, free, said):
    # An image that packs well, as no real one does.
    server.files['/images.zip'] = zip_of(**{'images/x': b' ' * 10**6})
    monkeypatch.setattr(livecell_download.shutil, 'disk_usage',
                        lambda path: SimpleNamespace(free=free))
    with pytest.raises(DownloadError, match=said):
        get()
    if free:
        assert names(get.root) == {'annotations', 'images.zip'}
    else:
        assert server.ranges() == [] and not get.root.exists()


def test_a_disk_that_fills_up_while_unpacking(get, monkeypatch):

    def full(member, *args):
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(archives, '_unpack_one', full)
    with pytest.raises(OSError, match='No space'):
        get()
    assert names(get.root) == {'annotations', 'images.zip'}
    monkeypatch.undo()
    # What a kill in the middle of it would leave.
    (get.root / '.images.tmp/images').mkdir(parents=True)
    assert len(get()) == 1
    assert names(get.root) == {'annotations', 'images'}
