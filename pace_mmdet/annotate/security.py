"""Who may talk to the server: a layer around the application.

The page is meant for the machine's own user. A page of another site, open in
the same browser, can send requests too: by its own name made to point at
this machine (DNS rebinding), which the Host header gives away, or across
sites, which the Origin and Sec-Fetch-Site headers do. Other people, on the
same machine or the same network, do not know the token.
"""
import asyncio
import hmac
import ipaddress
import socket
from http.cookies import CookieError, SimpleCookie
from typing import Optional
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .errors import BodyTooLarge, TooSlow

MAX_BODY = 2**20
# For the head of a request, and for its body.
SECONDS_TO_ARRIVE = 30.
# With the port in its name: browsers give cookies of one port to all others.
COOKIE = 'pace_token'
_HEADERS = {
    'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cross-Origin-Resource-Policy': 'same-origin',
}


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    if host == 'localhost':
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Guard:
    """Lets requests through that come from the page, and no others.

    Args:
        app (ASGIApp): What is guarded.
        host (str): The address that is listened on.
        token (str, optional): What a browser must know. Must be given unless
            the address is a loopback.
        max_body (int): Largest body of a request in bytes.
    """

    def __init__(self,
                 app: ASGIApp,
                 host: str,
                 token: Optional[str] = None,
                 max_body: int = MAX_BODY) -> None:
        if not token and not is_loopback(host):
            raise ValueError(f'{host} can be reached from other machines and '
                             'needs a token')
        self._app = app
        self._token = token
        self._max_body = max_body
        self._any_address = not is_loopback(host)
        self._names = {host.lower(), '127.0.0.1', 'localhost', '::1'}
        if self._any_address:
            self._names |= {socket.gethostname().lower(),
                            socket.getfqdn().lower()}

    async def __call__(self, scope: Scope, receive: Receive,
                       send: Send) -> None:
        if scope['type'] == 'lifespan':
            await self._app(scope, receive, send)
            return
        if scope['type'] != 'http':  # there are no web sockets
            return
        headers = Headers(scope=scope)
        answer = self._refusal(scope, headers) or self._admission(
            scope, headers)
        send = _with_headers(send)
        if answer is not None:
            await answer(scope, receive, send)
            return
        await self._app(scope, _Bounded(receive, self._max_body), send)

    def _refusal(self, scope: Scope,
                 headers: Headers) -> Optional[JSONResponse]:
        host = headers.get('host', '')
        if not self._is_ours(host):
            return _refuse(403, f'this server does not go by the name '
                           f'{host[:80]!r}; use the address that it printed')
        reading = scope['method'] in ('GET', 'HEAD')
        if not reading and scope['method'] != 'POST':
            return _refuse(405, 'only GET and POST are understood')
        origin = headers.get('origin')
        if origin is not None and origin != f'http://{host}':
            return _refuse(403, 'requests from other sites are refused')
        site = headers.get('sec-fetch-site', 'none')
        opens_page = scope['path'] == '/' and headers.get(
            'sec-fetch-mode') == 'navigate'
        if site not in ('same-origin', 'none') and not (reading
                                                        and opens_page):
            return _refuse(403, 'requests from other sites are refused')
        kind = headers.get('content-type', '').partition(';')[0].strip()
        if not reading and kind != 'application/json':
            # What forms of other sites can send without being asked.
            return _refuse(415, 'the body must be application/json')
        length = headers.get('content-length', '0')
        if not length.isdigit() or int(length) > self._max_body:
            return _refuse(413, str(BodyTooLarge(self._max_body)))
        return None

    def _is_ours(self, host: str) -> bool:
        try:
            name = urlsplit(f'http://{host}').hostname or ''
        except ValueError:
            return False
        if name in self._names:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        # A numeric address is no name that could be made to point here.
        return self._any_address

    def _admission(self, scope: Scope, headers: Headers):
        """None for who knows the token; a redirect to who brings it."""
        if self._token is None:
            return None
        brought = parse_qs(scope['query_string'].decode('latin-1')).get(
            'token', [''])[0]
        if scope['path'] == '/' and self._knows(brought):
            answer = RedirectResponse('/', status_code=303)
            answer.set_cookie(_cookie_name(headers), self._token,
                              max_age=30 * 24 * 3600, httponly=True,
                              samesite='lax')
            return answer
        bearer = headers.get('authorization', '').removeprefix('Bearer ')
        if self._knows(bearer) or self._knows(_cookie(headers)):
            return None
        return _refuse(401, 'open the whole address that the server printed: '
                       'it ends with the token')

    def _knows(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._token.encode())


class _Bounded:
    """Receives a body up to a size, in bounded time."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._limit = self._left = limit
        self._complete = False
        self._deadline = (asyncio.get_running_loop().time() +
                          SECONDS_TO_ARRIVE)

    async def __call__(self) -> Message:
        if self._complete:
            return await self._receive()
        try:
            message = await asyncio.wait_for(
                self._receive(),
                max(self._deadline - asyncio.get_running_loop().time(), 0))
        except asyncio.TimeoutError:
            raise TooSlow('the request did not arrive whole in '
                          f'{SECONDS_TO_ARRIVE:g} s') from None
        self._complete = not message.get('more_body')
        self._left -= len(message.get('body', b''))
        if self._left < 0:
            raise BodyTooLarge(self._limit)
        return message


def _cookie_name(headers: Headers) -> str:
    port = urlsplit(f'http://{headers.get("host", "")}').port
    return f'{COOKIE}_{port or 80}'


def _cookie(headers: Headers) -> str:
    try:
        cookies = SimpleCookie(headers.get('cookie', ''))
    except CookieError:
        return ''
    name = _cookie_name(headers)
    return cookies[name].value if name in cookies else ''


def _with_headers(send: Send) -> Send:
    async def _send(message: Message) -> None:
        if message['type'] == 'http.response.start':
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
            headers.setdefault('Cache-Control', 'no-store')
        await send(message)

    return _send


def _refuse(status: int, error: str) -> JSONResponse:
    return JSONResponse(dict(error=error), status_code=status)
