"""What the REST API says of itself: an OpenAPI document made of the contract, and a page that shows it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gateway.http.answers import JSON, STATUS_BY_CATEGORY, respond
from gateway.rest.page import STYLE, render_page
from gateway.rest.paths import Path
from kernel.errors import Category
from wire.reasons import CATEGORY_BY_REASON

DOCUMENT: Final = "/v1/openapi.json"
PAGE: Final = "/v1/docs"
KEPT_S: Final = 300
REFUSAL: Final = "Refusal"
DEPTH_MAX: Final = 2
"""So deep messages are spelled out in an address: "page.size"."""

_KINDS: Final[Mapping[int, Mapping[str, str]]] = {
    FieldDescriptor.CPPTYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.CPPTYPE_DOUBLE: {"type": "number"},
    FieldDescriptor.CPPTYPE_FLOAT: {"type": "number"},
    FieldDescriptor.CPPTYPE_INT32: {"type": "integer"},
    FieldDescriptor.CPPTYPE_INT64: {"type": "string", "format": "int64"},
    FieldDescriptor.CPPTYPE_STRING: {"type": "string"},
    FieldDescriptor.CPPTYPE_UINT32: {"type": "integer"},
    FieldDescriptor.CPPTYPE_UINT64: {"type": "string", "format": "uint64"},
}


def describe_operation(path: Path) -> dict[str, Any]:
    """Return what FastAPI's route is told of a path."""
    extra: dict[str, Any] = {"parameters": [*_in_path(path), *(_in_query(path) if path.takes_address else ())]}
    if not path.takes_address:
        schema = {"$ref": _reference(path.asked)}
        extra["requestBody"] = {"required": True, "content": {JSON: {"schema": schema}}}
    if path.method.access.roles:
        extra["security"] = [{"session": []}]
    return {
        "response_model": None,
        "summary": path.summary,
        "operation_id": path.method.name,
        "tags": [path.method.service.rpartition(".")[2]],
        "responses": {
            200: _answer("The answer.", _reference(path.given)),
            "default": _answer("A refusal, by its category and with its reason.", f"#/components/schemas/{REFUSAL}"),
        },
        "openapi_extra": extra,
    }


def document_routes(routes: Sequence[APIRoute], paths: Sequence[Path]) -> list[BaseRoute]:
    """Return the routes of the document and of its page; both are made once."""
    document = make_document(routes, paths)
    style = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = {
        "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{style}'; frame-ancestors 'none'",
    }
    return [
        Route(DOCUMENT, _giving(orjson.dumps(document), JSON, {"Access-Control-Allow-Origin": "*"})),
        Route(PAGE, _giving(render_page(document).encode(), "text/html; charset=utf-8", policy)),
    ]


def make_document(routes: Sequence[APIRoute], paths: Sequence[Path]) -> dict[str, Any]:
    """Return the OpenAPI document: the routes, and the messages of the contract that they take and give."""
    document = get_openapi(
        title="Overround",
        version="1",
        description=(
            "The messages of the gRPC contract in protobuf's JSON form: 64-bit numbers are strings, bytes are base64, "
            "names are in camel case. A session's token goes into `Authorization: Bearer`."
        ),
        routes=routes,
    )
    wanted = [path.given for path in paths] + [path.asked for path in paths if not path.takes_address]
    schemas = {descriptor.full_name: _schema(descriptor) for descriptor in _with_inner(wanted)}
    document["components"] = {
        "schemas": {REFUSAL: _refusal(), **dict(sorted(schemas.items()))},
        "securitySchemes": {"session": {"type": "http", "scheme": "bearer"}},
    }
    return document


def _giving(body: bytes, content_type: str, headers: dict[str, str]) -> Any:
    async def give(_request: Request) -> Response:
        return respond(
            body, content_type=content_type, headers={"Cache-Control": f"public, max-age={KEPT_S}", **headers}
        )

    return give


def _refusal() -> dict[str, Any]:
    reasons = {
        f"{STATUS_BY_CATEGORY[category]} {category.value}": sorted(
            reason for reason, of in CATEGORY_BY_REASON.items() if of is category
        )
        for category in Category
    }
    return {
        "type": "object",
        "description": "\n".join(f"{kind}: {', '.join(names)}" for kind, names in reasons.items()),
        "required": ["reason", "message", "figures"],
        "properties": {
            "reason": {"type": "string", "enum": sorted(CATEGORY_BY_REASON), "description": "Stable."},
            "message": {"type": "string", "description": "One sentence: what was expected and what was found."},
            "figures": {
                "type": "object",
                "additionalProperties": {"type": "string"},
                "description": "What would be accepted, by name.",
            },
        },
    }


def _answer(description: str, reference: str) -> dict[str, Any]:
    return {"description": description, "content": {JSON: {"schema": {"$ref": reference}}}}


def _in_path(path: Path) -> list[dict[str, Any]]:
    names = [part.strip("{}") for part in path.template.split("/") if part.startswith("{")]
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def _in_query(path: Path) -> list[dict[str, Any]]:
    taken = set(path.names.values()) | {entry["name"] for entry in _in_path(path)}
    fields = _spelled_out(path.asked, DEPTH_MAX)
    return [{"name": name, "in": "query", "schema": _kind(field)} for name, field in fields if name not in taken]


def _spelled_out(descriptor: Descriptor, depth: int) -> list[tuple[str, FieldDescriptor]]:
    found: list[tuple[str, FieldDescriptor]] = []
    for field in descriptor.fields:
        if field.message_type is None:
            found.append((field.name, field))
        elif depth > 1 and not field.is_repeated:
            found += [(f"{field.name}.{name}", inner) for name, inner in _spelled_out(field.message_type, depth - 1)]
    return found


def _with_inner(descriptors: Sequence[Descriptor]) -> list[Descriptor]:
    found: dict[str, Descriptor] = {}
    waiting = list(descriptors)
    while waiting:
        descriptor = waiting.pop()
        if descriptor.full_name not in found:
            found[descriptor.full_name] = descriptor
            waiting += [field.message_type for field in descriptor.fields if field.message_type is not None]
    return list(found.values())


def _schema(descriptor: Descriptor) -> dict[str, Any]:
    return {"type": "object", "properties": {field.json_name: _kind(field) for field in descriptor.fields}}


def _kind(field: FieldDescriptor) -> dict[str, Any]:
    one = _one(field)
    return {"type": "array", "items": one} if field.is_repeated else one


def _one(field: FieldDescriptor) -> dict[str, Any]:
    if field.message_type is not None:
        return {"$ref": _reference(field.message_type)}
    if field.enum_type is not None:
        return {"type": "string", "enum": [value.name for value in field.enum_type.values]}
    if field.type == FieldDescriptor.TYPE_BYTES:
        return {"type": "string", "format": "byte"}
    return dict(_KINDS[field.cpp_type])


def _reference(descriptor: Descriptor) -> str:
    return f"#/components/schemas/{descriptor.full_name}"
