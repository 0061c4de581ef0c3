"""Where providers' notifications come in: signature, then kept, then answered, and nothing is read before that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from starlette.routing import Route

from gateway.http.raw import RawAnswer, RawRequest, Signature, signed
from payments.ports import Inbox

PATH: Final = "/callbacks/{provider}"
BODY_BYTES_MAX: Final = 64 * 1024
_TAKEN: Final = RawAnswer(b'{"taken":true}')


def callback_route(provider: str, *, signature: Signature, inbox: Inbox, wake: Callable[[], None]) -> Route:
    """Return the door of one provider.

    Args:
        provider: Its name, which its path ends with.
        signature: How it signs.
        inbox: Where what it sends is kept.
        wake: Called when there is something new.
    """

    async def keep(request: RawRequest) -> RawAnswer:
        await inbox.put(provider, request.body)
        wake()
        return _TAKEN

    door = signed(keep, signature=signature, body_bytes_max=BODY_BYTES_MAX)
    return Route(PATH.format(provider=provider), door, methods=["POST"])
