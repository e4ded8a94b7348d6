"""The server's routes about models; see ``app.py`` for the others."""
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from . import rounds, segmenting
from .answering import aside, body_of, json_response, project_of
from .asking_again import answers_to_ask_again


async def _status(request: Request) -> Response:
    return json_response(await aside(project_of(request).models.status))


async def _train(request: Request) -> Response:
    wish = await body_of(request, rounds.TrainBody)
    return json_response(await aside(project_of(request).models.train, wish))


async def _stop(request: Request) -> Response:
    return json_response(await aside(project_of(request).models.stop))


async def _resume(request: Request) -> Response:
    return json_response(await aside(project_of(request).models.resume))


async def _proposals(request: Request) -> Response:
    return json_response(await aside(
        project_of(request).models.proposals, request.path_params['image']))


async def _again(request: Request) -> Response:
    answers = await aside(answers_to_ask_again, project_of(request),
                          request.query_params.get('annotator', ''))
    return json_response(dict(answers=answers))


async def _segmenting(request: Request) -> Response:
    return json_response(await aside(segmenting.status, project_of(request)))


async def _segment(request: Request) -> Response:
    wish = await body_of(request, segmenting.SegmentBody)
    return json_response(await aside(segmenting.start, project_of(request),
                                     wish))


async def _stop_segmenting(request: Request) -> Response:
    return json_response(await aside(segmenting.stop, project_of(request)))


async def _segmented(request: Request) -> Response:
    path = await aside(segmenting.zipped, project_of(request))
    return FileResponse(path, filename='segmented.zip')


ROUTES = [
    Route('/api/model', _status),
    Route('/api/model/train', _train, methods=['POST']),
    Route('/api/model/stop', _stop, methods=['POST']),
    Route('/api/model/resume', _resume, methods=['POST']),
    Route('/api/images/{image:int}/proposals', _proposals),
    Route('/api/again', _again),
    Route('/api/segment', _segment, methods=['POST']),
    Route('/api/segmenting', _segmenting),
    Route('/api/segment/stop', _stop_segmenting, methods=['POST']),
    Route('/api/segmented.zip', _segmented),
]
