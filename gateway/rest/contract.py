"""What the contract says of a message."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor
    from google.protobuf.message import Message


def descriptor_of(kind: type[Message]) -> Descriptor:
    """Return the fields of a kind of message; their types have two names, one for each way of reading them."""
    return cast("Descriptor", kind.DESCRIPTOR)
