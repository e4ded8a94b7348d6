"""The routes, and what they answer."""
import sqlite3

import cv2
import numpy as np
import pytest
import tifffile

from pace_mmdet.annotate import changes, queries
from pace_mmdet.annotate.errors import ProjectError
from pace_mmdet.annotate.serving import address, listen

from .conftest import HEIGHT, TOKEN, WIDTH, create, send


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
