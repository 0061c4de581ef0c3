"""What HTTP requests and WebSockets bring beside what they ask, and public answers as JSON."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Final

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.message import Message
from starlette.requests import HTTPConnection

from gateway.rest.json_form import write_json
from gateway.rpc.call import Metadata

ENCODED_KEPT: Final = 256
"""Answers that anybody may ask for, kept as JSON: writing a wide book takes milliseconds."""


def metadata_of(connection: HTTPConnection) -> Metadata:
    """Return the headers, as metadata of a call."""
    return tuple(connection.headers.items())


def peer_of(connection: HTTPConnection) -> str:
    """Return who is at the other end, as gRPC would call them: "ipv4:127.0.0.1:5000"."""
    host, port = connection.client or ("", 0)
    return f"ipv6:[{host}]:{port}" if ":" in host else f"ipv4:{host}:{port}"


def encode_public(message: Message) -> tuple[bytes, str]:
    """Return a message as JSON, and the tag that it is known by."""
    return _encode(message.DESCRIPTOR.full_name, message.SerializeToString())


@lru_cache(maxsize=ENCODED_KEPT)
def _encode(name: str, raw: bytes) -> tuple[bytes, str]:
    kind = message_factory.GetMessageClass(descriptor_pool.Default().FindMessageTypeByName(name))
    body = write_json(kind.FromString(raw))
    return body, f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
