import functools
import threading
import urllib.request
from pathlib import Path

import pytest

from pace_mmdet.coco.json_checks import check_complete_coco
from pace_mmdet.errors import UserError
from pace_mmdet.files import PathLock
from pace_mmdet.sources import downloads
from pace_mmdet.sources.downloads import (RETRIES, DownloadError, fetch,
                                          part_path, remote_size)
from tests.loopback import HOST, serving

CONTENT = bytes(range(256)) * 40
SIZE = len(CONTENT)


@pytest.fixture
def server():
    with serving({'/a.bin': CONTENT}) as server:
        yield server


@pytest.fixture
def get(server, tmp_path):
    """Function (moods) that downloads; gives what came and the pauses."""
    target = tmp_path / 'new' / 'a.bin'

    def run(*moods, **options):
        server.moods = list(moods)
        pauses = []
        fetch(f'{server.url}/a.bin', target, pause=pauses.append, **options)
        assert [p.name for p in target.parent.iterdir()] == ['a.bin']
        return target.read_bytes(), pauses

    run.target = target
    run.part = part_path(target)
    return run


def test_a_plain_download(get, server):
    told = []
    content, pauses = get(report=lambda *numbers: told.append(numbers))
    assert content == CONTENT and pauses == []
    assert told[0] == (0, SIZE) and told[-1] == (SIZE, SIZE)
    assert server.ranges() == [None]


@pytest.mark.parametrize(('moods', 'ranges'), [
    # It goes on where the connection broke, as often as needed.
    ([dict(stop=100), dict(stop=50)], [None, 'bytes=100-', 'bytes=150-']),
    ([dict(stop=10 * i + 10) for i in range(9)], None),
    ([dict(status=503), dict(status=500)], [None, None, None]),
    # Another file by now: from the beginning.
    ([dict(stop=100, etag='"0"')], [None, 'bytes=100-']),
    # Nothing to tell files apart by, or no ranges: from the beginning.
    ([dict(stop=100, etag=None)], [None, None]),
    ([dict(stop=100, etag='W/"1"')], [None, None]),
    ([dict(stop=100), dict(ranges=False)], [None, 'bytes=100-']),
    # Answers that make no sense: from the beginning.
    ([dict(stop=100), dict(status=416)], [None, 'bytes=100-', None]),
    ([dict(stop=100), dict(content_range=f'bytes 0-9/{SIZE}')],
     [None, 'bytes=100-', None]),
    ([dict(stop=100), dict(content_range='bytes 100-199/200')],
     [None, 'bytes=100-', None]),
    ([dict(chunked=True)], [None]),
    ([dict(chunked=True, stop=6 + SIZE // 2)],
     [None, f'bytes={SIZE // 2}-']),
    # Said to be longer than it is, once.
    ([dict(add=7)], None),
])
def test_what_can_be_overcome(get, server, moods, ranges):
    content, pauses = get(*moods)
    assert content == CONTENT
    assert len(pauses) == len(server.ranges()) - 1 or server.moods == []
    if ranges:
        assert server.ranges() == ranges


def test_pauses_grow(get):
    _, pauses = get(*[dict(status=503)] * RETRIES)
    assert pauses == [1, 2, 4, 8, 16]


def test_a_server_that_always_breaks_off(get, server, capsys):
    server.always = dict(stop=0)
    with pytest.raises(DownloadError) as error:
        get(dict(stop=100))
    text = str(error.value)
    assert f'{server.url}/a.bin: the connection broke off' in text
    assert '100 bytes are here; calling again goes on from there' in text
    assert 'broke off; trying again in 1 s' in capsys.readouterr().out
    assert get.part.stat().st_size == 100 and not get.target.exists()
    # Another day.
    server.always, server.seen = {}, []
    content, _ = get()
    assert content == CONTENT and server.ranges() == ['bytes=100-']


def test_all_was_there_but_the_name(get, server, monkeypatch):
    """Killed between the last byte and the renaming."""

    def killed(path):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        get(check=killed)
    assert get.part.stat().st_size == SIZE
    content, _ = get()
    assert content == CONTENT and server.ranges() == [None]


def test_a_part_of_another_address(get, server):
    with pytest.raises(DownloadError):
        get(*[dict(stop=100), *[dict(stop=0)] * RETRIES])
    server.files['/b.bin'] = CONTENT[::-1]
    server.seen = []
    fetch(f'{server.url}/b.bin', get.target)
    assert server.ranges() == [None]
    assert get.target.read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize('mood', [dict(add=-7), dict(add=7)])
def test_a_server_that_lies_about_the_size(get, server, mood):

    def check(path):
        if path.read_bytes() != CONTENT:
            raise UserError('cut off')

    server.always = mood
    with pytest.raises(DownloadError) as error:
        get(check=check)
    if mood['add'] < 0:
        assert 'is not the file: cut off' in str(error.value)
        assert list(get.target.parent.iterdir()) == []
    else:
        assert (f'announced {SIZE + 7} bytes and does not send those from '
                f'{SIZE} on') in str(error.value)
    assert not get.target.exists()


@pytest.mark.parametrize(('url', 'said'), [
    ('{}/none', 'none: the server says 404 Not Found'),
    ('file:///etc/hostname', 'expected an address that begins with http'),
    ('a.bin', 'expected an address that begins with http'),
    ('http://[', 'no usable address'),
])
def test_what_trying_again_does_not_help(server, tmp_path, url, said):
    url = url.format(server.url)
    for attempt in (lambda: fetch(url, tmp_path / 'x'),
                    lambda: remote_size(url)):
        with pytest.raises(DownloadError) as error:
            attempt()
        assert said in str(error.value)
    assert not (tmp_path / 'x').exists()


def test_nobody_answers(server, tmp_path):
    server.server_close()
    pauses = []
    for function, args in ((fetch, [tmp_path / 'x']), (remote_size, [])):
        with pytest.raises(DownloadError, match='refused .6 times in a row'):
            function(f'http://{HOST}:{server.server_port}/a.bin', *args,
                     pause=pauses.append)
    assert len(pauses) == 2 * RETRIES


def test_a_connection_that_falls_silent(get, monkeypatch):
    monkeypatch.setattr(downloads, 'TIMEOUT', 0.1)
    event = threading.Event()
    try:
        content, pauses = get(dict(hang=event))
    finally:
        event.set()
    assert content == CONTENT and len(pauses) == 1


@pytest.mark.skipif(not Path('/dev/full').exists(),
                    reason='there is no /dev/full')
def test_a_full_disk(server, tmp_path):
    target = tmp_path / 'a.bin'
    part_path(target).symlink_to('/dev/full')
    with pytest.raises(OSError, match='No space left on device.*a.bin.part'):
        fetch(f'{server.url}/a.bin', target)
    assert not target.exists()


def test_two_downloads_of_one_file(get):
    get.target.parent.mkdir()
    with PathLock(get.part):
        with pytest.raises(UserError, match='in use by another process'):
            get()


def test_sizes(server):
    assert remote_size(f'{server.url}/a.bin') == SIZE
    assert server.seen == [('HEAD', '/a.bin', None)]


@pytest.mark.parametrize('address', [
    'ftp://127.0.0.1/a.bin', 'file:///etc/hostname', 'data:,x',
    'FTP://127.0.0.1/a.bin'])
def test_redirects_stay_in_the_web(get, server, address):
    with pytest.raises(DownloadError, match='sends on to|302'):
        get(dict(location=address))
    assert not get.target.exists() and not get.part.stat().st_size


def test_a_redirect_to_another_place_of_the_web(get, server):
    assert get(dict(location=f'{server.url}/a.bin'))[0] == CONTENT


def test_https_is_not_left():
    request = urllib.request.Request('https://here/a')
    handler = downloads._SafeRedirects()
    follow = functools.partial(handler.redirect_request, request, None, 302,
                               '', {})
    assert follow('https://there/a').full_url == 'https://there/a'
    with pytest.raises(DownloadError, match='expected an address with https'):
        follow('http://there/a')


@pytest.mark.parametrize('mood', [dict(endless=True), dict(),
                                  dict(chunked=True)])
def test_what_is_too_large_is_not_kept(get, server, mood):
    with pytest.raises(DownloadError, match='larger than 10000 bytes'):
        get(mood, max_bytes=10_000)
    assert not list(get.target.parent.iterdir())
    assert get(max_bytes=SIZE)[0] == CONTENT


def test_nested_json_does_not_stop_later_calls(server, get):
    server.files['/a.bin'] = b'{"images":' + b'[' * 100_000
    with pytest.raises(DownloadError, match='nested too deeply'):
        get(check=check_complete_coco)
    assert not list(get.target.parent.iterdir())
    server.files['/a.bin'] = b'{"images":[],"annotations":[],"categories":[]}'
    get(check=check_complete_coco)


def test_a_check_that_stumbles_leaves_nothing(get):
    def check(path):
        raise KeyError('x')

    with pytest.raises(KeyError):
        get(check=check)
    assert not list(get.target.parent.iterdir())
