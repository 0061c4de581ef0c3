"""Messages put together from the bytes of others, without parsing or building them again.

A protobuf message is the concatenation of its fields, so a response that carries a thousand books is a thousand times
tag, length and the bytes as they came from the log.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

VARINTS_CACHED_MAX: Final = 4_096

_VARINT = 0
_LENGTH_DELIMITED = 2


def frame_bytes(field_number: int, value: bytes) -> bytes:
    """Return a field that holds a message, a string or bytes."""
    return b"".join((_varint(field_number << 3 | _LENGTH_DELIMITED), _varint(len(value)), value))


def frame_unsigned(field_number: int, value: int) -> bytes:
    """Return a field that holds an integer of zero or above, or a bool."""
    return _varint(field_number << 3 | _VARINT) + _varint(value)


@lru_cache(maxsize=VARINTS_CACHED_MAX)
def _varint(value: int) -> bytes:
    if value <= 0x7F:
        return bytes((value,))
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)
