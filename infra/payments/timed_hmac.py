"""Signatures of the form `t=<seconds>,v1=<hex>`: HMAC-SHA256 over "<t>.<body>", which is old after five minutes."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from typing import Final

from gateway.http.raw import RawRequest, SignatureWrong
from kernel.clock import Clock

HEADER: Final = "signature"
AGE_S_MAX: Final = 300

_FORM: Final = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})", re.ASCII)


class TimedHmac:
    """Knows requests that are signed so: implements `gateway.http.raw.Signature`.

    Args:
        keys: Any of which may have signed: while a key is changed there are two.
        clock: Says how old a signature is.
    """

    def __init__(self, keys: Sequence[str], *, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock

    def expect(self, request: RawRequest) -> None:
        """Let only a request pass that is signed so, by one of the keys, lately."""
        told = _FORM.fullmatch(request.headers.get(HEADER, ""))
        if told is None:
            raise SignatureWrong(f"Header {HEADER} must be t=<seconds>,v1=<64 hex digits>, was not")
        age_s = self._clock.now_us() // 1_000_000 - int(told[1])
        if abs(age_s) > AGE_S_MAX:
            raise SignatureWrong(f"A signature must be at most {AGE_S_MAX} s old, was {age_s} s")
        if not any(hmac.compare_digest(sign(key, request.body, time_s=int(told[1])), told[2]) for key in self._keys):
            raise SignatureWrong("A request must be signed over its body as it came, was not")


def sign(key: str, body: bytes, *, time_s: int) -> str:
    """Return the signature of a body, in hex."""
    return hmac.new(key.encode(), f"{time_s}.".encode() + body, hashlib.sha256).hexdigest()
