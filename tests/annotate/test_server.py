"""The routes, and who may use them."""
import http.client
import os
import socket
import sqlite3
import uuid

import cv2
import numpy as np
import pytest
import tifffile

from pace_mmdet.annotate import Project, changes, queries, security
from pace_mmdet.annotate import serving as serving_module
from pace_mmdet.annotate.errors import ProjectError
from pace_mmdet.annotate.security import Guard, is_loopback
from pace_mmdet.annotate.serving import address, listen, make_token

from .conftest import HEIGHT, WIDTH, Client, serving

TOKEN = 'a-token-of-enough-characters'


@pytest.fixture(scope='module')
def shared(tmp_path_factory):
    """A client of a server that many tests ask, mostly in vain."""
    root = tmp_path_factory.mktemp('shared')
    cv2.imwrite(str(root / 'a.png'), np.zeros((HEIGHT, WIDTH), np.uint8))
    with Project(root, root / 'p.db') as project, serving(project) as port:
        yield Client(port)


def create(request='r1', key='k', image=1, box=(10, 5, 20, 30), **more):
    return dict(kind='create', request=request, key=key, image=image, box=box,
                seconds=1.5, **more)


def send(client, *all_changes, annotator='Anna'):
    return client.post('/api/changes', dict(annotator=annotator,
                                            changes=all_changes))


def test_the_page_and_its_parts(client):
    status, page = client.get('/')
    assert status == 200 and b'/static/main.js' in page
    assert client.headers['Content-Security-Policy'].startswith(
        "default-src 'none'")
    for name, kind in (('main.js', 'javascript'), ('style.css', 'text/css')):
        status, _ = client.get(f'/static/{name}')
        assert status == 200 and kind in client.headers['Content-Type']


def test_from_a_box_to_an_export(client):
    status, content = send(client, create())
    assert status == 200
    reply, = content['replies']
    assert reply['ok'] and reply['request'] == 'r1'
    assert len(reply['box']['points']) == 4
    status, content = client.post(
        '/api/take', dict(annotator='Anna', image=1, count=3))
    assert content['boxes'] == [reply['box']]
    answers = [dict(kind='answer', request=f'a{n}', key='k', seconds=1,
                    revision=0, point=n, label=label)
               for n, label in enumerate((1, 0, -1, 1))]
    status, content = send(client, *answers, *answers)
    assert [r['ok'] for r in content['replies']] == [True] * 8
    _, content = client.get('/api/images/1')
    assert (content['width'], content['height']) == (WIDTH, HEIGHT)
    assert content['boxes'][0]['labels'] == [1, 0, -1, 1]
    assert content['boxes'][0]['points'] == reply['box']['points']
    _, content = client.get('/api/project')
    assert [i['finished'] for i in content['images']] == [1, 0]
    status, content = send(client, dict(
        kind='mark', request='m', image=1, seconds=1, base=-1, complete=True))
    assert content['replies'] == [dict(
        request='m', ok=True, image=dict(id=1, complete=True, complete_base=0,
                                         complete_by='Anna'))]
    _, content = client.get('/api/export?preview')
    assert content == dict(lines=['1 images, 1 boxes', '  left out: 1 images '
                                  'without a box that are not marked as '
                                  'complete'], images=1)
    _, content = client.get('/api/export')
    assert 'attachment' in client.headers['Content-Disposition']
    assert content['annotations'][0]['point_labels'] == [1, 0, -1, 1]
    _, content = client.get('/api/cost')
    assert content['total']['seconds_per_point'] == 1
    status, picture = client.get('/api/cost.png')
    assert status == 200 and picture.startswith(b'\x89PNG')


def test_tiles(client, folder):
    status, png = client.get('/api/images/1/tiles/0/0/0.png')
    image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    assert status == 200 and image.shape == (HEIGHT, WIDTH)
    assert image.min() == 0 and image.max() == 255  # stretched
    for place in ('0/1/0', '1/0/0', '9/0/0'):
        assert client.get(f'/api/images/1/tiles/{place}.png')[0] == 404


def test_an_image_that_changes_while_it_is_served(client, folder):
    tifffile.imwrite(folder / 'a.tif', np.zeros((9, 30), np.uint8))
    (folder / 'b.tif').write_bytes(b'no image')
    for image, text in ((1, 'a.tif: has changed: it was 80 x 60 pixels, and '
                         'is 30 x 9 now'), (2, 'b.tif: cannot be read')):
        status, content = client.get(f'/api/images/{image}/tiles/0/0/0.png')
        assert status == 400 and content['error'].startswith(text)
        assert str(folder) not in content['error']
    status, content = send(client, create())
    assert 'has changed' in content['replies'][0]['error']


def test_one_refused_change_does_not_stop_the_others(client):
    status, content = send(client, create(), create('r2', 'l', box=[0, 0, 0,
                                                                    0]),
                           create('r3', 'm', image=9), create('r4', 'n'))
    assert status == 200
    assert [r['ok'] for r in content['replies']] == [True, False, False, True]
    assert 'at least 1 pixel' in content['replies'][1]['error']
    assert 'no image 9' in content['replies'][2]['error']


@pytest.mark.parametrize(('body', 'message'), [
    (b'{"annotator": ', 'truncated'),
    (dict(annotator='', changes=[]), 'length >= 1'),
    (dict(annotator='A' * 65, changes=[]), 'length <= 64'),
    (dict(annotator='A', changes=[dict(kind='drop')]), 'Invalid value'),
    (dict(annotator='A', changes=[create(request='no/name')]), 'regex'),
    (dict(annotator='A', changes=[create(more=1)]), 'unknown field'),
    (dict(annotator='A', changes=[create(box=[1, 2, 3])]), 'length >= 4'),
    (dict(annotator='A', changes=[create(box=[1, 2, 3, 'x'])]), '`float`'),
    (dict(annotator='A', changes=[create()] * 501), 'length <= 500'),
    (dict(annotator='A', changes=[{**create(), 'seconds': -1}]), '>= 0'),
    ([1], 'Expected `object`'),
])
def test_what_is_no_change(shared, body, message):
    status, content = shared.post('/api/changes', body)
    assert status == 400 and message in content['error']


def test_nothing_outside_is_served(shared):
    for path in ('/static/../app.py', '/static/%2e%2e/app.py', '/nowhere',
                 '/static/..%2fapp.py', '/api/images/../../project.db',
                 '/static/nowhere.js', '/api/images/77'):
        status, content = shared.get(path)
        assert status == 404, path
        assert b'import' not in str(content).encode()


def test_a_fault_of_ours_shows_no_trace(client, project, monkeypatch, caplog):
    def fail():
        raise RuntimeError('secret detail')
    monkeypatch.setattr(project, 'summary', fail)
    status, content = client.get('/api/project')
    assert status == 500
    assert content == dict(error='the server failed at this; its terminal '
                           'says why')
    client.get('/')  # the log is written after the answer
    assert 'secret detail' in caplog.text


def test_a_full_disk_is_told_and_passes(client, project):
    def limit(pages):
        project._writer.submit(lambda c: c.execute(
            f'PRAGMA max_page_count = {pages}').fetchall()).result()
    limit(1)
    many = [create(f'r{n}', f'k{n}') for n in range(300)]
    status, content = send(client, *many)
    assert status == 507 and 'the disk is full' in content['error']
    # Whatever of it found room happens no second time.
    assert len(client.get('/api/images/1')[1]['boxes']) < 300
    limit(100000)
    status, content = send(client, *many)
    assert status == 200
    assert len(client.get('/api/images/1')[1]['boxes']) == 300


@pytest.mark.parametrize(('error', 'status'), [
    (sqlite3.DatabaseError('database disk image is malformed'), 500),
    (sqlite3.OperationalError('disk I/O error'), 507),
    (sqlite3.NotSupportedError('x'), 500),
])
def test_a_damaged_file_is_no_refusal(client, project, monkeypatch, error,
                                      status):
    """What the page takes for a refusal it drops."""
    def fail(*args):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(changes, 'apply_change', fail)
        assert send(client, create())[0] == status
        patch.setattr(queries, 'contents_of_image', fail)
        assert client.get('/api/images/1')[0] == status
    assert client.get('/api/images/1')[1]['boxes'] == []
    status, content = send(client, create())
    assert status == 200 and content['replies'][0]['ok']


def test_the_file_is_for_its_owner_only(folder, tmp_path):
    path = tmp_path / 'p.db'
    before = os.umask(0)
    try:
        for mode in (None, 0o644, 0o664, 0o660):
            if mode is not None:
                path.chmod(mode)
            with Project(folder, path) as project:
                project.change(
                    changes.CreateBox(request=f'{mode}', key=f'{mode}',
                                      seconds=1., image=1, box=[1, 1, 9, 9]),
                    'A').result()
                modes = {item.name: item.stat().st_mode & 0o777
                         for item in tmp_path.glob('*p.db*')}
            kept = 0o660 if mode in (0o664, 0o660) else 0o600
            assert {name: mode for name, mode in modes.items()
                    if name.startswith('p.db')} == {
                        'p.db': kept, 'p.db-wal': kept, 'p.db-shm': kept}
    finally:
        os.umask(before)


def test_a_token_outlives_a_restart(tmp_path):
    path = tmp_path / 'p.db'
    token = make_token(None, path)
    assert make_token(None, path) == token
    kept, = tmp_path.iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600
    assert make_token(TOKEN, path) == TOKEN
    kept.unlink()
    assert make_token(None, path) != token
    kept.write_text('short')
    with pytest.raises(ProjectError, match='at least 16 characters'):
        make_token(None, path)


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(serving_module, 'SECONDS_TO_ARRIVE', 0.3)
    monkeypatch.setattr(security, 'SECONDS_TO_ARRIVE', 0.3)


HEAD = (b'POST /api/changes HTTP/1.1\r\nHost: 127.0.0.1\r\n'
        b'Content-Type: application/json\r\nContent-Length: 99\r\n')


@pytest.mark.parametrize('before', [b'', b'GET /none HTTP/1.1\r\n'
                                    b'Host: 127.0.0.1\r\n\r\n'])
@pytest.mark.parametrize(('sent', 'answer'), [
    (b'GET / HTT', b''), (HEAD, b''),
    (HEAD + b'\r\n{"annot', b'HTTP/1.1 408'),
])
def test_half_sent_requests_are_closed(client, impatient, before, sent,
                                       answer):
    with socket.create_connection(('127.0.0.1', client.port),
                                  timeout=10) as sock:
        if before:
            sock.sendall(before)
            # Head and body may arrive one after the other.
            with http.client.HTTPResponse(sock) as response:
                response.begin()
                assert (response.status, response.read()[:1]) == (404, b'{')
        sock.sendall(sent)
        received = b''
        while part := sock.recv(4096):
            received += part
    assert received[:12] == answer


def test_many_half_sent_requests(client, impatient):
    socks = [socket.create_connection(('127.0.0.1', client.port), timeout=10)
             for _ in range(100)]
    for sock in socks:
        sock.sendall(HEAD)
    assert [sock.recv(1) for sock in socks] == [b''] * 100
    for sock in socks:
        sock.close()
    assert client.get('/')[0] == 200


@pytest.mark.parametrize(('headers', 'status'), [
    (dict(), 200),
    (dict(Host='localhost:{port}'), 200),
    (dict(Host='[::1]:{port}'), 200),
    (dict(Origin='http://127.0.0.1:{port}'), 200),
    (dict(Sec_Fetch_Site='same-origin'), 200),
    (dict(Host='evil.example'), 403),  # a name made to point here
    (dict(Host='evil.example:{port}'), 403),
    (dict(Host='127.0.0.1.evil.example'), 403),
    (dict(Host='192.168.0.7'), 403),
    (dict(Host='['), 403),
    (dict(Origin='http://evil.example'), 403),
    (dict(Origin='null'), 403),
    (dict(Origin='http://127.0.0.1:1'), 403),
    (dict(Origin='https://127.0.0.1:{port}'), 403),
    (dict(Sec_Fetch_Site='cross-site'), 403),
    (dict(Sec_Fetch_Site='same-site'), 403),
    (dict(Content_Type='text/plain'), 415),
    (dict(Content_Type='application/x-www-form-urlencoded'), 415),
    (dict(Content_Type=None), 415),
])
def test_who_may_write(shared, headers, status):
    def count():
        return len(shared.get('/api/images/1')[1]['boxes'])

    headers = {name: value and value.format(port=shared.port)
               for name, value in headers.items()}
    name, before = uuid.uuid4().hex, count()
    found, _ = shared.post('/api/changes', dict(
        annotator='Anna', changes=[create(name, name)]), **headers)
    assert found == status
    assert count() - before == (status == 200)


def test_other_sites_may_link_to_the_page_only(shared):
    link = dict(Sec_Fetch_Site='cross-site', Sec_Fetch_Mode='navigate')
    assert shared.get('/', **link)[0] == 200
    assert shared.get('/api/export', **link)[0] == 403
    assert shared.get('/', Sec_Fetch_Site='cross-site',
                      Sec_Fetch_Mode='no-cors')[0] == 403


@pytest.mark.parametrize('method', ['PUT', 'DELETE', 'OPTIONS', 'TRACE'])
def test_other_methods(shared, method):
    assert shared.send(method, '/api/changes')[0] == 405


def test_bodies_are_bounded(project):
    with serving(project, max_body=2000) as port:
        client = Client(port)
        large = dict(annotator='Anna', changes=[create(key='k' * 3000)])
        status, content = client.post('/api/changes', large)
        assert status == 413 and 'larger than 2000 bytes' in content['error']
        assert client.post('/api/changes', b'{}', Content_Length='-5')[0] in (
            400, 413)
        # Chunks say no length before.
        chunked = b'3e8\r\n' + b' ' * 1000 + b'\r\n'
        status, _ = client.send(
            'POST', '/api/changes', 3 * chunked + b'0\r\n\r\n',
            Transfer_Encoding='chunked', Content_Length=None)
        assert status == 413
        assert send(client, create())[0] == 200


def test_other_addresses_demand_the_token(project):
    with serving(project, '192.168.0.7', TOKEN) as port:
        client = Client(port, '192.168.0.7')
        for path in ('/', '/?token=wrong', '/api/project', '/static/main.js',
                     f'/api/project?token={TOKEN}'):
            status, content = client.get(path)
            assert status == 401 and 'with the token' in content['error']
        assert client.get(f'/?token={TOKEN}')[0] == 303
        cookie = client.headers['Set-Cookie']
        assert 'HttpOnly' in cookie and 'SameSite=lax' in cookie
        assert client.get('/', Cookie=cookie.split(';')[0])[0] == 200
        # Of a server on another port of the same machine.
        assert cookie.startswith('pace_token_80=')
        other = cookie.split(';')[0].replace('_80', '_8766')
        for wrong in ('pace_token_80=wrong', other):
            assert client.get('/', Cookie=wrong)[0] == 401
        assert client.get('/', Authorization=f'Bearer {TOKEN}')[0] == 200
        assert client.get('/', Authorization='Bearer ü')[0] == 401
        for host in ('localhost', '10.1.2.3', socket.gethostname()):
            client.host = host
            assert client.get('/', Authorization=f'Bearer {TOKEN}')[0] == 200
        client.host = 'evil.example'
        assert client.get('/', Authorization=f'Bearer {TOKEN}')[0] == 403


def test_no_other_address_without_a_token():
    with pytest.raises(ValueError, match='needs a token'):
        Guard(None, '0.0.0.0')
    assert len(make_token()) >= 32
    assert make_token(TOKEN) == TOKEN
    with pytest.raises(ProjectError, match='at least 16 characters, got 5'):
        make_token('short')


@pytest.mark.parametrize(('host', 'expected'), [
    ('127.0.0.1', True), ('127.8.8.8', True), ('::1', True),
    ('localhost', True), ('0.0.0.0', False), ('::', False),
    ('192.168.0.7', False), ('localhost.evil.example', False), ('', False)])
def test_is_loopback(host, expected):
    assert is_loopback(host) == expected


def test_a_port_in_use():
    with listen('127.0.0.1', 0) as sock:
        port = sock.getsockname()[1]
        assert address('127.0.0.1', sock, None) == f'http://127.0.0.1:{port}/'
        assert address('::1', sock, TOKEN) == (
            f'http://[::1]:{port}/?token={TOKEN}')
        with pytest.raises(ProjectError, match=f'port {port}: .*--port'):
            listen('127.0.0.1', port)
    for host, port, message in (
            ('nowhere.invalid', 0, 'cannot listen on nowhere.invalid'),
            ('127.0.0.1', 99999, 'from 0 to 65535, got 99999'),
            ('127.0.0.1', -1, 'from 0 to 65535, got -1')):
        with pytest.raises(ProjectError, match=message):
            listen(host, port)


def test_every_acknowledged_answer_is_there(client, project):
    """The file itself, read by another program."""
    send(client, create())
    send(client, dict(kind='answer', request='a', key='k', seconds=1,
                      revision=0, point=2, label=0))
    with sqlite3.connect(f'file:{project.path}?mode=ro', uri=True) as file:
        assert file.execute('SELECT point, label, annotator FROM answers'
                            ).fetchall() == [(2, 0, 'Anna')]
