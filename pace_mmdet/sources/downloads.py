"""Downloading large files: resumed where they broke off, and checked.

A file grows under its name with ``.part`` behind it and gets its own name
when it is complete. What the server said of it stands in ``.part.json``, so
that a later call goes on only if the server still has the same file.
"""
import http.client
import json
import os
import time
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass
from email.message import Message
from pathlib import Path
from typing import IO, BinaryIO, Callable, Dict, Optional, Tuple, Union

from pace_mmdet.errors import UserError
from pace_mmdet.files import PathLock, naming_errors, write_atomically

CHUNK = 2**18
# Seconds without a byte after which a connection counts as broken.
TIMEOUT = 60
RETRIES = 5
# More than any file that is downloaded here.
MAX_BYTES = 8 * 10**9
_SCHEMES = ('https://', 'http://')
# An address of which one of these is said may work a moment later.
_PASSING = (408, 425, 429, 500, 502, 503, 504)
_HEADERS = {'Accept-Encoding': 'identity', 'User-Agent': 'pace-mmdet'}

Report = Callable[[int, Optional[int]], None]


class DownloadError(UserError):
    """A file could not be had; the message says why and what to do."""


class _Interrupted(Exception):
    """Something that may go away when it is tried again."""


@dataclass
class _Remote:
    """What a server says of a file.

    Attributes:
        url (str): Its address.
        size (int, optional): In bytes; None if the server does not say.
        validator (str, optional): Strong ETag or date, by which the server
            can tell that it is still the same file.
    """
    url: str
    size: Optional[int] = None
    validator: Optional[str] = None


def part_path(target: Union[str, Path]) -> Path:
    """Where an unfinished download lies: beside the final file."""
    target = Path(target)
    return target.with_name(target.name + '.part')


def remote_size(url: str,
                pause: Callable[[float], None] = time.sleep) -> Optional[int]:
    """Ask for the size of a file.

    Args:
        url (str): Its address.
        pause (Callable): Waits for some seconds between tries.

    Returns:
        int | None: Bytes; None if the server does not say.

    Raises:
        DownloadError: If the server cannot be reached or has no such file.
    """

    def ask() -> Optional[int]:
        with _open(url, method='HEAD') as response:
            return _describe(response)[0]

    return _persist(ask, url, lambda: 0, pause)


def fetch(url: str,
          target: Union[str, Path],
          check: Callable[[Path], None] = lambda path: None,
          report: Report = lambda done, size: None,
          pause: Callable[[float], None] = time.sleep,
          max_bytes: int = MAX_BYTES) -> None:
    """Download a file, or go on with a download that broke off.

    Args:
        url (str): Its address, http or https.
        target (str or Path): Where it is to lie. Its folder is made.
        check (Callable): Gets the path of the complete file before it takes
            its place; raises a UserError to refuse it.
        report (Callable): Is told the bytes that are here and those of the
            whole file, None if unknown.
        pause (Callable): Waits for some seconds between tries.
        max_bytes (int): Larger than the file can be.

    Raises:
        DownloadError: If it does not work after some tries, with what is
            here kept for the next call, or if the file is too large or
            ``check`` refuses it; it is removed then.
        UserError: If another process is downloading it.
        OSError: If it cannot be written, for instance because the disk is
            full; what is here is kept.
    """
    target = Path(target)
    part = part_path(target)
    notes = part.with_name(part.name + '.json')
    target.parent.mkdir(parents=True, exist_ok=True)
    with PathLock(part):
        known = _read_notes(notes, url)
        # Unbuffered: what is written is there, and errors come at once.
        with naming_errors(part), open(part, 'ab', buffering=0) as file:
            _persist(
                lambda: _receive(file, known, notes, report, max_bytes), url,
                lambda: file.seek(0, os.SEEK_END), pause)
            os.fsync(file.fileno())
        try:
            if part.stat().st_size > max_bytes:
                raise UserError(f'it is larger than {max_bytes} bytes')
            check(part)
        except OSError:
            raise
        # Whatever it is: what is here would be refused again and again.
        except Exception as error:
            part.unlink()
            notes.unlink(missing_ok=True)
            if not isinstance(error, UserError):
                raise
            raise DownloadError(
                f'{url}: what the server sent is not the file: {error}\nIt '
                'was removed; call again, or give another address.') from None
        os.replace(part, target)
        notes.unlink(missing_ok=True)


def _receive(file: BinaryIO, known: _Remote, notes: Path, report: Report,
             max_bytes: int) -> None:
    """Receive what is missing in one try; keep ``known`` up to date.

    Of too much, a byte more than is allowed is received.
    """
    start = file.seek(0, os.SEEK_END)
    if start and start == known.size:
        return
    headers = {}
    if start and known.validator:
        headers = {'Range': f'bytes={start}-', 'If-Range': known.validator}
    with _open(known.url, headers) as response:
        if response.status == 200:
            known.size, known.validator = _describe(response)
            if start:
                file.truncate(0)
                start = 0
            write_atomically(notes, json.dumps(asdict(known)))
        elif response.status != 206 or not _continues(response, start, known):
            # Ask for all of it the next time.
            known.validator = None
            raise _Interrupted(
                f'the server announced {known.size} bytes and does not send '
                f'those from {start} on')
        most = max_bytes + 1
        if known.size is not None:
            most = min(most, known.size)
        done = _copy(response, file, start, most, known.size, report)
    if known.size is not None and done < most:
        raise _Interrupted('the connection broke off')


def _copy(response: http.client.HTTPResponse, file: BinaryIO, done: int,
          most: int, size: Optional[int], report: Report) -> int:
    """Write a response to a file; return the bytes that are there then."""
    report(done, size)
    while done < most:
        try:
            # Not read(): it loses what came before a connection broke.
            chunk = response.read1(min(CHUNK, most - done))
        except (OSError, http.client.HTTPException) as error:
            raise _Interrupted(_reason(error)) from None
        if not chunk:
            break
        view = memoryview(chunk)
        while view:
            view = view[file.write(view):]
        done += len(chunk)
        report(done, size)
    return done


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to the web only, and from https not to http."""

    def redirect_request(self, req: urllib.request.Request, fp: IO, code: int,
                         msg: str, headers: Message,
                         newurl: str) -> Optional[urllib.request.Request]:
        """The request that follows, if it may."""
        allowed = _SCHEMES[:1] if req.full_url.lower().startswith(
            _SCHEMES[0]) else _SCHEMES
        if not newurl.lower().startswith(allowed):
            raise DownloadError(
                f'{req.full_url}: the server sends on to {newurl[:200]}, '
                f'expected an address with {" or ".join(allowed)}')
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _open(url: str,
          headers: Optional[Dict[str, str]] = None,
          method: str = 'GET') -> http.client.HTTPResponse:
    if not url.lower().startswith(_SCHEMES):
        raise DownloadError(f'{url}: expected an address that begins with '
                            'http:// or https://')
    try:
        request = urllib.request.Request(
            url, headers={**_HEADERS, **(headers or {})}, method=method)
        return urllib.request.build_opener(_SafeRedirects).open(
            request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        said = f'the server says {error.code} {error.reason}'
        if error.code in _PASSING:
            raise _Interrupted(said) from None
        if error.code == 416:
            # The range is beyond the end: _receive asks for all of it.
            return error
        raise DownloadError(f'{url}: {said}; check the address') from None
    except (OSError, http.client.HTTPException) as error:
        raise _Interrupted(_reason(error)) from None
    except ValueError as error:
        raise DownloadError(f'{url}: no usable address: {error}') from None


def _persist(attempt: Callable, url: str, position: Callable[[], int],
             pause: Callable[[float], None]):
    """Try something again, more slowly each time, until it works.

    Whoever gets further than ever before starts counting anew: a file of a
    gigabyte may break off more often than :data:`RETRIES`.
    """
    furthest, failures = position(), 0
    while True:
        try:
            return attempt()
        except _Interrupted as error:
            here = position()
            failures = 1 if here > furthest else failures + 1
            furthest = max(furthest, here)
            if failures > RETRIES:
                kept = (f'{here} bytes are here; calling again goes on from '
                        'there.' if here else 'Call again later.')
                raise DownloadError(
                    f'{url}: {error} ({failures} times in a row). Is the '
                    f'network there, and the server? {kept}') from None
            seconds = min(2**(failures - 1), 30)
            print(f'{url}: {error}; trying again in {seconds} s', flush=True)
            pause(seconds)


def _describe(response: http.client.HTTPResponse
              ) -> Tuple[Optional[int], Optional[str]]:
    """Size and validator of a file, as in :class:`_Remote`."""
    length = response.headers.get('Content-Length', '')
    etag = response.headers.get('ETag', '')
    # A weak ETag, W/"...", promises alike, not equal bytes (RFC 9110, 13.1.5).
    strong = etag if etag.startswith('"') else None
    return (int(length) if length.isdecimal() else None,
            strong or response.headers.get('Last-Modified'))


def _continues(response: http.client.HTTPResponse, start: int,
               known: _Remote) -> bool:
    """Whether a partial answer begins where it should, of the same file."""
    said = response.headers.get('Content-Range', '')
    total = said.rpartition('/')[2]
    if known.size is None and total.isdecimal():
        known.size = int(total)
    return (said.startswith(f'bytes {start}-')
            and total in ('*', str(known.size)))


def _read_notes(notes: Path, url: str) -> _Remote:
    """What the server said when the download began, if it is the same."""
    try:
        known = _Remote(**json.loads(notes.read_text('utf-8')))
    except (FileNotFoundError, ValueError, TypeError, RecursionError):
        return _Remote(url)
    return known if known.url == url else _Remote(url)


def _reason(error: Exception) -> str:
    cause = getattr(error, 'reason', error)
    return str(cause) or type(cause).__name__
