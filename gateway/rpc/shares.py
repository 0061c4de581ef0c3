"""How many calls one source may have under way: its own share is refused to it before anybody else's is touched."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from typing import Any, Final

import grpc

from gateway.auth import Context
from gateway.rpc.errors import replace_behaviour
from kernel.errors import Category, DomainError

RETRY_S: Final = 1


class TooManyCalls(DomainError):
    """A source has as many calls of a kind under way as it may."""

    reason = "TOO_MANY_CALLS"
    category = Category.BUSY


@dataclass(frozen=True, slots=True)
class Share:
    """What one source may have under way of a kind of calls; methods of the same kind share it.

    Attributes:
        kind: As a person would call it, in the plural.
        calls_max: So many at once.
    """

    kind: str
    calls_max: int


class ShareInterceptor(grpc.aio.ServerInterceptor):  # type: ignore[type-arg] # not generic when it runs
    """Counts the calls of each source by kind, and refuses what goes beyond its share."""

    def __init__(
        self,
        source: str,
        identify: Callable[[Context], Awaitable[str]],
        *,
        share_by_method: Mapping[str, Share],
    ) -> None:
        """Count for each source.

        Args:
            source: What a source is, for people: "address".
            identify: Says which source a call comes from.
            share_by_method: By the full name of a method; calls of others are not counted.
        """
        self._source = source
        self._identify = identify
        self._share_by_method = share_by_method
        self._counts: dict[tuple[str, str], int] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """Return the method's handler within the share of its caller."""
        handler = await continuation(handler_call_details)
        share = self._share_by_method.get(handler_call_details.method)
        if handler is None or share is None:
            return handler
        return replace_behaviour(handler, lambda behaviour: self._bound(behaviour, share))

    def _bound(self, behaviour: Callable[..., Any], share: Share) -> Callable[..., Any]:
        async def answer(request: Any, context: Context) -> Any:
            with self._taking(share, await self._identify(context)):
                return await behaviour(request, context)

        async def stream(request: Any, context: Context) -> AsyncIterator[Any]:
            with self._taking(share, await self._identify(context)):
                async with aclosing(behaviour(request, context)) as responses:
                    async for response in responses:
                        yield response

        return stream if inspect.isasyncgenfunction(behaviour) else answer

    @contextmanager
    def _taking(self, share: Share, source: str) -> Iterator[None]:
        key = (share.kind, source)
        count = self._counts.get(key, 0)
        if count >= share.calls_max:
            raise TooManyCalls(
                f"At most {share.calls_max} {share.kind} may be under way from one {self._source}, as many are: "
                f"end one, or try again in {RETRY_S} s",
                figures={"calls_max": str(share.calls_max), "retry_s": str(RETRY_S)},
            )
        self._counts[key] = count + 1
        try:
            yield
        finally:
            if self._counts[key] == 1:
                del self._counts[key]
            else:
                self._counts[key] -= 1
