"""Commands: what a client asks for once, however often it has to ask."""

from __future__ import annotations

import hashlib
from typing import Final

from kernel.errors import Category, DomainError

FINGERPRINT_BYTES = 32

UNDECIDED: Final = "this call decided nothing, and asking by the request id tells what another one did"
"""How a refusal ends that says nothing of the request itself."""


class RequestIdReused(DomainError):
    """A request id came again with another content."""

    reason = "REQUEST_ID_REUSED"
    category = Category.CONFLICT


class Overloaded(DomainError):
    """More commands wait than may; this call decided nothing."""

    reason = "OVERLOADED"
    category = Category.BUSY


def fingerprint_of(*business_fields: str | int) -> bytes:
    """Hash the fields that make two commands the same, so that a changed one is told from a repeated one.

    Each field goes in with its length, so that no two lists of fields run together to the same bytes.
    """
    digest = hashlib.blake2b(digest_size=FINGERPRINT_BYTES)
    for field in business_fields:
        encoded = str(field).encode()
        digest.update(len(encoded).to_bytes(8, "little"))
        digest.update(encoded)
    return digest.digest()
