"""Running the server."""
import secrets
import socket
from typing import Optional

import uvicorn
from starlette.types import ASGIApp

from .app import make_app
from .errors import ProjectError
from .project import Project
from .security import is_loopback


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


def make_token(host: str, token: Optional[str] = None) -> Optional[str]:
    """The token that an address needs: the given one, or a new one.

    Returns:
        str or None: None on a loopback address, unless one is given.

    Raises:
        ProjectError: If the given one is easily guessed.
    """
    if token is not None and len(token) < 16:
        raise ProjectError('a token must have at least 16 characters, got '
                           f'{len(token)}; leave --token out to get one')
    if token is None and not is_loopback(host):
        return secrets.token_urlsafe(24)
    return token


def address(host: str, sock: socket.socket, token: Optional[str]) -> str:
    """What to open in the browser."""
    if host in ('0.0.0.0', '::', ''):
        host = socket.gethostname()
    name = f'[{host}]' if ':' in host else host
    port = sock.getsockname()[1]
    return f'http://{name}:{port}/' + (f'?token={token}' if token else '')


def make_server(app: ASGIApp) -> uvicorn.Server:
    """A server for an application; ``run(sockets=[...])`` starts it."""
    return uvicorn.Server(uvicorn.Config(
        app, lifespan='off', ws='none', loop='asyncio', http='h11',
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
