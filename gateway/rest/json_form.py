"""Messages in the JSON form that protobuf gives them, read from bodies and addresses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from gateway.rest.contract import descriptor_of
from wire.requests import RequestMalformed

TOLD_CHARACTERS_MAX: Final = 200
DEPTH_MAX: Final = 20

_BOOLEANS: Final = {"true": True, "false": False}


def write_json(message: Message) -> bytes:
    """Return a message as JSON; fields that have their default are told too, but for messages that are not there."""
    told = json_format.MessageToJson(message, always_print_fields_with_no_presence=True, indent=None)
    return told.encode()


def read_json(body: bytes, message: Message) -> None:
    """Fill a message from a body; an empty one says nothing.

    Raises:
        RequestMalformed: If it is no JSON, or none of that message.
    """
    if not body:
        return
    if not body.lstrip().startswith(b"{"):  # an empty list would pass for a message
        raise RequestMalformed(f"Request must be a {message.DESCRIPTOR.name} in JSON, was no object")
    try:
        json_format.Parse(body, message, max_recursion_depth=DEPTH_MAX)
    except (json_format.ParseError, ValueError, RecursionError) as error:
        raise _malformed(message, error) from error


def read_named(named: Iterable[tuple[str, str]], message: Message) -> None:
    """Fill fields of a message by their names in an address: "sport", "page.size".

    Raises:
        RequestMalformed: If there is no such field, one of a single value is named twice, or its kind is another.
    """
    told: dict[str, Any] = {}
    for name, value in named:
        _place(told, descriptor_of(type(message)), name, value)
    try:
        json_format.ParseDict(told, message)
    except (json_format.ParseError, ValueError) as error:
        raise _malformed(message, error) from error


def find_field(descriptor: Descriptor, name: str) -> FieldDescriptor | None:
    """Return a field by its own name, or by the one that it has in JSON; None if there is none."""
    return descriptor.fields_by_name.get(name) or descriptor.fields_by_camelcase_name.get(name)


def _place(told: dict[str, Any], descriptor: Descriptor, name: str, value: str) -> None:
    *outer, last = name.split(".")
    inner, within = told, descriptor
    for part in outer:
        field = find_field(within, part)
        if field is None or field.message_type is None or field.is_repeated:
            raise _unknown(name, descriptor)
        inner, within = inner.setdefault(field.name, {}), field.message_type
    field = find_field(within, last)
    if field is None or field.message_type is not None:
        raise _unknown(name, descriptor)
    given = _BOOLEANS.get(value, value) if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL else value
    if field.is_repeated:
        inner.setdefault(field.name, []).append(given)
    elif field.name in inner:
        raise RequestMalformed(f"Field {last} must be named once, was named twice")
    else:
        inner[field.name] = given


def _unknown(name: str, descriptor: Descriptor) -> RequestMalformed:
    return RequestMalformed(f"Address must name fields of {descriptor.name}, named {name[:64]!r}")


def _malformed(message: Message, error: Exception) -> RequestMalformed:
    found = str(error).encode("utf-8", "replace").decode()[:TOLD_CHARACTERS_MAX]
    return RequestMalformed(f"Request must be a {message.DESCRIPTOR.name} in JSON, was not: {found}")
