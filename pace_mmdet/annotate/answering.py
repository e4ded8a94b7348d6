"""What the server's routes have in common."""
import asyncio
from typing import Any, Type

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from .project import Project


def project_of(request: Request) -> Project:
    """The project that is served."""
    return request.app.state.project


async def aside(function, *args) -> Any:
    """Run what takes time beside the answering of other requests."""
    return await asyncio.to_thread(function, *args)


async def body_of(request: Request, kind: Type) -> Any:
    """The body of a request, checked."""
    return msgspec.json.decode(await request.body(), type=kind)


def json_response(content: Any, status: int = 200, **kwargs) -> Response:
    """A response of JSON."""
    return Response(msgspec.json.encode(content), status,
                    media_type='application/json', **kwargs)
