"""Small projects, and a server to talk to."""
import http.client
import json
import threading
from contextlib import contextmanager

import cv2
import numpy as np
import pytest
import tifffile

from pace_mmdet.annotate import Project, changes
from pace_mmdet.annotate.app import make_app
from pace_mmdet.annotate.serving import listen, make_server

from .browser import new_page

# Images of 80 x 60 pixels (width x height).
WIDTH, HEIGHT = 80, 60
TOKEN = 'a-token-of-enough-characters'


@pytest.fixture
def folder(tmp_path):
    """Two images."""
    folder = tmp_path / 'images'
    folder.mkdir()
    for index, name in enumerate(('a.tif', 'b.tif')):
        image = np.random.default_rng(index).integers(
            0, 4000, (HEIGHT, WIDTH), dtype=np.uint16)
        tifffile.imwrite(folder / name, image)
    return folder


@pytest.fixture
def project(folder, tmp_path):
    """A new project of them, with 4 points per box."""
    with Project(folder, tmp_path / 'project.db') as project:
        yield project


def mark(project, image=1, complete=True, annotator='Anna'):
    """Say whether an image is complete."""
    base = project.contents(image)['complete_base']
    return project.change(
        changes.MarkImage(f'mark-{image}-{base + 1}', image, 1.5, base,
                          complete), annotator).result()['image']


class Client:
    """Sends requests; an answer is (status, content)."""

    def __init__(self, port, host=None):
        self.port = port
        self.host = host or f'127.0.0.1:{port}'

    def send(self, method, path, body=None, **headers):
        """Headers by their names with _ for -; None leaves one out."""
        connection = http.client.HTTPConnection('127.0.0.1', self.port)
        all_headers = {'Host': self.host, 'Content-Type': 'application/json',
                       **{name.replace('_', '-'): value
                          for name, value in headers.items()}}
        data = body if isinstance(body, (bytes, type(None))) else json.dumps(
            body).encode()
        connection.request(method, path, data, {
            name: value for name, value in all_headers.items()
            if value is not None})
        response = connection.getresponse()
        content = response.read()
        self.headers = response.headers
        connection.close()
        if response.headers.get_content_type() == 'application/json':
            content = json.loads(content)
        return response.status, content

    def get(self, path, **headers):
        return self.send('GET', path, **headers)

    def post(self, path, body, **headers):
        return self.send('POST', path, body, **headers)


def create(request='r1', key='k', image=1, box=(10, 5, 20, 30), **more):
    return dict(kind='create', request=request, key=key, image=image, box=box,
                seconds=1.5, **more)


def send(client, *all_changes, annotator='Anna'):
    return client.post('/api/changes', dict(annotator=annotator,
                                            changes=all_changes))


@contextmanager
def serving(project, host='127.0.0.1', token=None, **kwargs):
    """A running server for a project; yields its port."""
    with listen('127.0.0.1', 0) as sock:
        server = make_server(make_app(project, host, token, **kwargs))
        thread = threading.Thread(
            target=server.run, kwargs=dict(sockets=[sock]))
        thread.start()
        try:
            yield sock.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def client(project):
    """A client of a running server."""
    with serving(project) as port:
        yield Client(port)


@pytest.fixture(scope='module')
def shared(tmp_path_factory):
    """A client of a server that many tests ask, mostly in vain."""
    root = tmp_path_factory.mktemp('shared')
    cv2.imwrite(str(root / 'a.png'), np.zeros((HEIGHT, WIDTH), np.uint8))
    with Project(root, root / 'p.db') as project, serving(project) as port:
        yield Client(port)


@pytest.fixture
def server(project):
    """Address of a server for a project of two images of 80 x 60 pixels."""
    with serving(project) as port:
        yield f'http://127.0.0.1:{port}/'


@pytest.fixture
def page(browser, project, server):
    with new_page(browser, project) as page:
        yield page.open(server)
