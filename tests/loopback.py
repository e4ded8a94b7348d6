"""An HTTP server on this machine that misbehaves on demand."""
import os
import re
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from unittest import mock

HOST = '127.0.0.1'


class Server(ThreadingHTTPServer):
    """Serves ``files``, path to bytes, with ranges and ETags.

    Attributes:
        moods (list): What to do with the next GET requests, one each: a dict
            with any of the attributes of :class:`Mood`. When they are used
            up, the server is honest.
        seen (list): Method, path and Range header of each request.
    """

    def __init__(self, files):
        super().__init__((HOST, 0), Handler)
        self.files = files
        self.moods = []
        self.always = {}
        self.seen = []

    @property
    def url(self):
        return f'http://{HOST}:{self.server_port}'

    def ranges(self):
        return [seen[2] for seen in self.seen if seen[0] == 'GET']


class Mood:
    """How one request is answered; the defaults are honest."""
    status = None  # answer with this status and no content
    stop = None  # close the connection after so many bytes of the answer
    add = 0  # this much too much in Content-Length
    etag = '"1"'
    ranges = True  # whether ranges are understood
    content_range = None  # another one than the right one
    chunked = False  # no Content-Length
    location = None  # redirect to this address
    endless = False  # no length, and no end
    hang = None  # an event to wait for after half of the answer


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *args):
        pass

    def do_HEAD(self):
        self.answer({})

    def do_GET(self):
        server = self.server
        self.answer(server.moods.pop(0) if server.moods else server.always)

    def answer(self, changes):
        mood = Mood()
        vars(mood).update(changes)
        asked = self.headers.get('Range')
        self.server.seen.append((self.command, self.path, asked))
        self.close_connection = True
        content = self.server.files.get(self.path)
        if mood.status or content is None:
            self.send_response(mood.status or 404)
            self.send_header('Content-Length', '0')
            self.end_headers()
            return
        if mood.location:
            self.send_response(302)
            self.send_header('Location', mood.location)
            self.send_header('Content-Length', '0')
            self.end_headers()
            return
        if mood.endless:
            self.send_response(200)
            self.end_headers()
            with suppress(ConnectionError):
                while self.command == 'GET':
                    self.wfile.write(bytes(2**16))
            return
        start = int(re.match(r'bytes=(\d+)-', asked)[1]) if asked else 0
        same = self.headers.get('If-Range') == mood.etag
        partial = bool(asked) and mood.ranges and same
        body = content[start:] if partial else content
        self.send_response(206 if partial else 200)
        if partial:
            self.send_header(
                'Content-Range', mood.content_range
                or f'bytes {start}-{len(content) - 1}/{len(content)}')
        if mood.etag:
            self.send_header('ETag', mood.etag)
        if mood.chunked:
            self.send_header('Transfer-Encoding', 'chunked')
            body = b'%x\r\n%s\r\n0\r\n\r\n' % (len(body), body)
        else:
            self.send_header('Content-Length', str(len(body) + mood.add))
        self.end_headers()
        if self.command == 'HEAD':
            return
        if mood.hang:
            self.wfile.write(body[:len(body) // 2])
            self.wfile.flush()
            mood.hang.wait(20)
            return
        self.wfile.write(body[:mood.stop])


@contextmanager
def serving(files):
    """A running :class:`Server`."""
    # A proxy would look for the server on its own machine.
    with Server(files) as server, mock.patch.dict(os.environ, no_proxy=HOST):
        thread = threading.Thread(target=server.serve_forever, args=(0.01, ))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
