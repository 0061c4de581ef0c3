"""The paths as routes: what is asked becomes a request of the method, and its answer JSON again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from fastapi.routing import APIRoute
from google.protobuf.message import Message
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from gateway.http.answers import answer_refusal, respond
from gateway.http.raw import TIMEOUT_S, Endpoint, read_raw
from gateway.refusals import DeadlineExceeded, as_told
from gateway.rest.document import describe_operation, document_routes
from gateway.rest.json_form import read_json, read_named, write_json
from gateway.rest.paths import PATHS, Path
from gateway.rest.requests import encode_public, metadata_of, peer_of
from gateway.rest.stream import make_stream
from gateway.rpc.bounds import REQUEST_BYTES_MAX
from gateway.rpc.door import Answering, Door
from gateway.rpc.methods import Service, functions_of
from kernel.errors import InvariantBroken


def make_routes(services: Sequence[Service], door: Door) -> list[BaseRoute]:
    """Return the routes of all paths, and those that tell what they are.

    Args:
        services: Whose methods they are.
        door: Stands before every method.

    Raises:
        InvariantBroken: If a path is a method that none of the services has.
    """
    functions = {method: serve for service in services for method, serve in functions_of(service).items()}
    missing = [path.called for path in PATHS if path.method not in functions]
    if missing:
        raise InvariantBroken(f"Every path must be a method of a service, nobody has {missing}")
    routes = [_route(path, door.answering(path.method, functions[path.method])) for path in PATHS]
    return [*routes, make_stream(functions, door), *document_routes(routes, PATHS)]


def _route(path: Path, ask: Answering) -> APIRoute:
    return APIRoute(
        path.template,
        _endpoint(path, ask),
        methods=[path.verb],
        name=path.method.name,
        response_class=Response,
        **describe_operation(path),
    )


def _endpoint(path: Path, ask: Answering) -> Endpoint:
    async def answer(request: Request) -> Response:
        try:
            asked = await _read(request, path)
            answered = await ask(asked, metadata_of(request), peer_of(request))
            return _give(request, path, _picked(path, asked, answered))
        except ClientDisconnect:
            return respond(b"", status=400)  # nobody is there to read it
        except Exception as error:
            return answer_refusal(as_told(error, door=f"{path.verb} {path.template}"))

    return answer


async def _read(request: Request, path: Path) -> Message:
    message = path.request()
    if path.takes_address:
        read_named(request.query_params.multi_items(), message)
    else:
        try:
            async with asyncio.timeout(TIMEOUT_S):
                read_json((await read_raw(request, REQUEST_BYTES_MAX)).body, message)
        except TimeoutError as error:
            raise DeadlineExceeded(f"Request must have come within {TIMEOUT_S} s, had not") from error
    for name, value in request.path_params.items():
        field = path.names.get(name, name)
        message.ClearField(field)
        read_named([(field, value)], message)
    return message


def _picked(path: Path, asked: Message, answered: Message | bytes) -> Message:
    answer = path.answer.FromString(answered) if isinstance(answered, bytes) else answered
    return answer if path.pick is None else path.pick(asked, answer)


def _give(request: Request, path: Path, answer: Message) -> Response:
    if path.fresh_s is None:
        return respond(write_json(answer))
    body, tag = encode_public(answer)
    headers = {
        "Cache-Control": f"public, max-age={path.fresh_s}",
        "ETag": tag,
        "Access-Control-Allow-Origin": "*",  # nobody is known by anything that a browser adds
    }
    if _knows(request, tag):
        return respond(b"", status=304, headers=headers)
    return respond(body, headers=headers)


def _knows(request: Request, tag: str) -> bool:
    """Return whether who asks has the answer already."""
    told = request.headers.get("if-none-match", "")
    return any(known.strip().removeprefix("W/") in (tag, "*") for known in told.split(","))
