"""The server's routes: JSON in and out, tiles, the page itself."""
import asyncio
import io
import logging
import math
from pathlib import Path
from typing import Annotated, Any, List, Optional

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from pace_mmdet.errors import ImageFileError

from . import changes
from .answering import aside, body_of, json_response, project_of
from .asking import AskingBody
from .errors import AnnotateError, ChangeRefused, NotFound, TooSlow
from .measuring import cost_table, measured_cost_figure, measured_rounds
from .model_routes import ROUTES as MODEL_ROUTES
from .project import Project
from .security import MAX_BODY, Guard
from .tiles import Pyramid

STATIC = Path(__file__).parent / 'static'
_LOG = logging.getLogger(__name__)


class ChangesBody(msgspec.Struct, forbid_unknown_fields=True):
    """Changes of one annotator, in order."""
    annotator: changes.Annotator
    changes: Annotated[List[changes.Change], msgspec.Meta(max_length=500)]


class PlaneBody(msgspec.Struct, forbid_unknown_fields=True):
    """Which plane of files with several is annotated."""
    page: Optional[Annotated[int, msgspec.Meta(ge=0)]] = None
    channel: Optional[Annotated[int, msgspec.Meta(ge=0)]] = None


class TakeBody(msgspec.Struct, forbid_unknown_fields=True):
    """A wish for boxes whose points are to be answered."""
    annotator: changes.Annotator
    image: int
    count: Annotated[int, msgspec.Meta(ge=0, le=100)]
    keep: Annotated[List[changes.Name], msgspec.Meta(max_length=200)] = []
    tab: Annotated[str, msgspec.Meta(max_length=64)] = ''
    near: Optional[changes.Rectangle] = None


def make_app(project: Project,
             host: str = '127.0.0.1',
             token: Optional[str] = None,
             max_body: int = MAX_BODY) -> ASGIApp:
    """The application for one project.

    Args:
        project (Project): What is annotated.
        host (str): The address that is listened on.
        token (str, optional): What browsers must know; see
            :class:`~pace_mmdet.annotate.security.Guard`.
        max_body (int): Largest body of a request in bytes.
    """
    app = Starlette(
        routes=[
            Route('/', _page),
            Route('/api/project', _summary),
            Route('/api/images/{image:int}', _contents),
            Route(
                '/api/images/{image:int}/tiles/{level:int}/{column:int}/'
                '{row:int}.png', _tile),
            Route('/api/images/{image:int}/intensities', _intensities),
            Route('/api/images/{image:int}/planes', _planes),
            Route('/api/planes', _choose_plane, methods=['POST']),
            Route('/api/changes', _changes, methods=['POST']),
            Route('/api/take', _take, methods=['POST']),
            Route('/api/asking', _asking, methods=['POST']),
            Route('/api/export', _export),
            Route('/api/cost', _cost),
            Route('/api/cost.png', _cost_picture),
            *MODEL_ROUTES,
            Mount('/static', StaticFiles(directory=STATIC)),
        ],
        exception_handlers={
            AnnotateError: _tell,
            ImageFileError: _tell,
            msgspec.MsgspecError: _tell,
            404: _nothing_here,
            405: _nothing_here,
            500: _failed,
        })
    app.state.project = project
    return Guard(_Quiet(app), host, token, max_body)


class _Quiet:
    """Keeps what went wrong inside from the client."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope, receive, send) -> None:
        begun = False

        async def _send(message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, _send)
        except Exception:
            if not begun:
                raise
            # Starlette has answered "500" already and raises for the log.
            _LOG.exception('%s %s', scope.get('method'), scope.get('path'))


async def _page(request: Request) -> Response:
    return FileResponse(STATIC / 'index.html')


async def _summary(request: Request) -> Response:
    return json_response(await aside(project_of(request).summary))


async def _contents(request: Request) -> Response:
    return json_response(await aside(
        project_of(request).contents, request.path_params['image']))


async def _tile(request: Request) -> Response:
    place = [request.path_params[k] for k in ('level', 'column', 'row')]
    pyramid = await _pyramid(request)
    png = await aside(pyramid.tile, *place, _window(request))
    # The address holds the version of the image.
    return Response(png, media_type='image/png', headers={
        'Cache-Control': 'private, max-age=86400, immutable'})


async def _intensities(request: Request) -> Response:
    """What becomes black and white: by default, and of a part of the image.
    """
    pyramid = await _pyramid(request)
    place = _numbers(request, 'x', 'y', 'width', 'height')
    window = pyramid.window
    if place is not None:
        window = await aside(pyramid.window_of, place, 0.1, 99.9)
    return json_response(dict(window=window, default=pyramid.window,
                              extent=pyramid.extent))


async def _pyramid(request: Request) -> Pyramid:
    # Who gives up waiting does not end it for the others.
    return await asyncio.shield(asyncio.wrap_future(
        project_of(request).pyramid(request.path_params['image'],
                                    _index(request, 'page'),
                                    _index(request, 'channel'))))


def _index(request: Request, name: str) -> Optional[int]:
    """A number from 0 of the query, None if it is not given."""
    given = request.query_params.get(name)
    if given is None:
        return None
    if not (given.isascii() and given.isdigit() and len(given) < 10):
        raise ChangeRefused(f'{name}: expected a number from 0, got '
                            f'{given[:20]!r}')
    return int(given)


def _window(request: Request) -> Optional[List[float]]:
    return _numbers(request, 'low', 'high')


def _numbers(request: Request, *names: str) -> Optional[List[float]]:
    """Finite numbers of the query; None if they are not all given."""
    given = [request.query_params.get(name) for name in names]
    if None in given:
        return None
    try:
        numbers = [float(text) for text in given]
    except ValueError:
        numbers = [math.nan]
    if not all(map(math.isfinite, numbers)):
        raise ChangeRefused(f'{", ".join(names)}: expected numbers, got '
                            f'{[text[:20] for text in given]}')
    return numbers


async def _planes(request: Request) -> Response:
    return json_response(await aside(
        project_of(request).planes, request.path_params['image']))


async def _choose_plane(request: Request) -> Response:
    body = await body_of(request, PlaneBody)
    await asyncio.wrap_future(
        project_of(request).choose_plane(body.page, body.channel))
    return await _summary(request)


async def _changes(request: Request) -> Response:
    """Make changes in order; each succeeds or is refused by itself.

    If one could not be stored, all are answered so, and the page sends them
    again; those that were stored do not happen twice.
    """
    body = await body_of(request, ChangesBody)
    project = project_of(request)
    futures = [project.change(change, body.annotator)
               for change in body.changes]
    replies = []
    for change, future in zip(body.changes, futures):
        try:
            reply = await asyncio.wrap_future(future)
        except (ChangeRefused, NotFound, ImageFileError) as error:
            replies.append(dict(request=change.request, ok=False,
                                error=str(error)))
        else:
            # What a model thinks of a box may have to be read first.
            reply = await aside(project.with_points, reply)
            replies.append(dict(reply, request=change.request, ok=True))
    return json_response(dict(replies=replies))


async def _take(request: Request) -> Response:
    body = await body_of(request, TakeBody)
    boxes = await asyncio.wrap_future(
        project_of(request).take(body.image, body.annotator, body.count,
                                 body.keep, body.tab, body.near))
    return json_response(dict(boxes=boxes))


async def _asking(request: Request) -> Response:
    body = await body_of(request, AskingBody)
    await asyncio.wrap_future(project_of(request).ask(body.which))
    return await _summary(request)


async def _export(request: Request) -> Response:
    project = project_of(request)
    export = await aside(project.export, 'all' in request.query_params)
    document = export.document()
    if 'preview' in request.query_params:
        return json_response(dict(lines=export.lines(),
                                  images=len(export.images)))
    return json_response(document, headers={
        'Content-Disposition': 'attachment; filename="points.json"'})


async def _cost(request: Request) -> Response:
    project = project_of(request)
    efforts = await aside(project.efforts)
    rounds = await aside(project.read, measured_rounds)
    return json_response(dict(cost_table(efforts, rounds),
                              num_points=project.num_points))


async def _cost_picture(request: Request) -> Response:
    def draw() -> bytes:
        figure = measured_cost_figure(project_of(request).efforts())
        content = io.BytesIO()
        figure.savefig(content, format='png', dpi=110)
        return content.getvalue()

    return Response(await aside(draw), media_type='image/png')


def _tell(request: Request, error: Exception) -> Response:
    # What did not arrive in time is not waited for.
    headers = {'Connection': 'close'} if isinstance(error, TooSlow) else None
    return json_response(dict(error=str(error)),
                         getattr(error, 'status', 400), headers=headers)


def _nothing_here(request: Request, error: Any) -> Response:
    return json_response(dict(error='there is nothing at this address'),
                         error.status_code)


def _failed(request: Request, error: Exception) -> Response:
    return json_response(dict(error='the server failed at this; its terminal '
                              'says why'), 500)
