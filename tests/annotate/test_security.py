"""Who may use the server, and what it keeps to itself."""
import http.client
import os
import socket
import uuid

import pytest

from pace_mmdet.annotate import Project, changes, security
from pace_mmdet.annotate import serving as serving_module
from pace_mmdet.annotate.errors import ProjectError
from pace_mmdet.annotate.security import Guard, is_loopback
from pace_mmdet.annotate.serving import make_token

from .conftest import TOKEN, Client, create, send, serving


def test_nothing_outside_is_served(shared):
    for path in ('/static/../app.py', '/static/%2e%2e/app.py', '/nowhere',
                 '/static/..%2fapp.py', '/api/images/../../project.db',
                 '/static/nowhere.js', '/api/images/77'):
        status, content = shared.get(path)
        assert status == 404, path
        assert b'import' not in str(content).encode()


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
