"""Running the server."""
import asyncio
import secrets
import socket
from pathlib import Path
from typing import Optional, Union

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from pace_mmdet.files import write_atomically

from .app import make_app
from .errors import ProjectError
from .project import Project
from .security import SECONDS_TO_ARRIVE


def listen(host: str, port: int) -> socket.socket:
    """Take a port.

    Args:
        host (str): Address of this machine, or the name of one.
        port (int): The port, 0 for any free one.

    Raises:
        ProjectError: If it is in use, or cannot be had.
    """
    if not 0 <= port <= 65535:
        raise ProjectError(f'a port is a number from 0 to 65535, got {port}')
    sock = None
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM,
            flags=socket.AI_PASSIVE)[0]
        sock = socket.socket(family, kind)
        # A port that a killed server has just left.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(128)
    except OSError as error:
        if sock is not None:
            sock.close()
        raise ProjectError(
            f'cannot listen on {host}, port {port}: {error}. If another '
            'server runs there, give another one with --port.') from None
    return sock


def make_token(token: Optional[str] = None,
               path: Union[str, Path, None] = None) -> str:
    """The token that an address needs: the given one, the kept, or a new one.

    Args:
        token (str, optional): What the user says.
        path (str or Path, optional): The project's file. A new token is kept
            beside it, readable by its owner alone, so that pages that are
            open outlive a restart; removing that file revokes it.

    Returns:
        str: On a loopback address too, which other users of the machine can
        reach.

    Raises:
        ProjectError: If it is easily guessed.
        OSError: If it cannot be kept.
    """
    if token is None:
        kept = path and Path(path).with_name(f'.{Path(path).name}.token')
        if kept and kept.is_file():
            token = kept.read_text(encoding='utf-8').strip()
        else:
            token = secrets.token_urlsafe(24)
            if kept:
                write_atomically(kept, token, private=True)
    if len(token) < 16:
        raise ProjectError('a token must have at least 16 characters, got '
                           f'{len(token)}; leave --token out to get one')
    return token


def address(host: str, sock: socket.socket, token: Optional[str]) -> str:
    """What to open in the browser."""
    if host in ('0.0.0.0', '::', ''):
        host = socket.gethostname()
    name = f'[{host}]' if ':' in host else host
    port = sock.getsockname()[1]
    return f'http://{name}:{port}/' + (f'?token={token}' if token else '')


class _Impatient(H11Protocol):
    """Closes connections on which the head of a request does not arrive.

    uvicorn waits for it without end.
    """

    _waiting: Optional[asyncio.TimerHandle] = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Optional[Exception]) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _watch(self) -> None:
        if self.conn.their_state is not h11.IDLE:
            self._stop_waiting()
        elif self._waiting is None:
            self._waiting = self.loop.call_later(SECONDS_TO_ARRIVE,
                                                 self.transport.close)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None


def make_server(app: ASGIApp) -> uvicorn.Server:
    """A server for an application; ``run(sockets=[...])`` starts it."""
    return uvicorn.Server(uvicorn.Config(
        app, lifespan='off', ws='none', loop='asyncio', http=_Impatient,
        log_level='warning', access_log=False, server_header=False,
        timeout_keep_alive=60, timeout_graceful_shutdown=2))


def serve(project: Project, sock: socket.socket, host: str,
          token: Optional[str]) -> None:
    """Serve a project until Ctrl-C or a signal to end.

    Args:
        project (Project): What is annotated.
        sock (socket.socket): Of :func:`listen`.
        host (str): What it listens on.
        token (str, optional): Of :func:`make_token`.

    Raises:
        KeyboardInterrupt: After the server has ended in good order.
    """
    make_server(make_app(project, host, token)).run(sockets=[sock])
