"""Where providers' notifications come in: signature, then kept, then answered, and nothing is read before that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from starlette.routing import Route

from gateway.http.raw import RawAnswer, RawRequest, Signature, signed
from payments.ports import Inbox

PATH: Final = "/callbacks/{provider}"
BODY_BYTES_MAX: Final = 64 * 1024
AnswerOf: TypeAlias = Callable[[bytes], bytes]
"""Says to what was sent that it was taken, as the provider wants to hear it."""


def taken(_body: bytes) -> bytes:
    """Return what those are told that look at the status alone."""
    return b'{"taken":true}'


def callback_route(
    provider: str, *, signature: Signature, answer: AnswerOf, inbox: Inbox, wake: Callable[[], None]
) -> Route:
    """Return the door of one provider.

    Args:
        provider: Its name, which its path ends with.
        signature: How it signs.
        answer: What it is told once a notification is kept.
        inbox: Where what it sends is kept.
        wake: Called when there is something new.
    """

    async def keep(request: RawRequest) -> RawAnswer:
        await inbox.put(provider, request.body)
        wake()
        return RawAnswer(answer(request.body))

    door = signed(keep, signature=signature, body_bytes_max=BODY_BYTES_MAX)
    return Route(PATH.format(provider=provider), door, methods=["POST"])
