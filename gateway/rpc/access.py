"""Who may call which method: what the table says, enforced in one place."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress
from typing import Any, Final

import grpc

from gateway.auth import Authenticator, Context
from gateway.rpc.errors import replace_behaviour
from gateway.rpc.methods import METHOD_BY_PATH
from kernel.clock import Clock
from kernel.errors import Category, DomainError, Unavailable
from pam.player import PlayerBlocked, PlayerRole, PlayerStatus
from pam.session import BettorRequired, TraderRequired

LOOK_AGAIN_S: Final = 10.0
"""While a stream runs, its caller's session, role and status are looked at anew so often."""


class MethodClosed(DomainError):
    """The table of methods does not have it."""

    reason = "METHOD_CLOSED"
    category = Category.FORBIDDEN


class AccessInterceptor(grpc.aio.ServerInterceptor):  # type: ignore[type-arg] # not generic when it runs
    """Lets a call through to its method if the table says so, and looks again while a stream runs."""

    def __init__(self, auth: Authenticator, *, clock: Clock) -> None:
        self._auth = auth
        self._clock = clock

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """Return the method's handler behind its door."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        method = handler_call_details.method
        return replace_behaviour(handler, lambda behaviour: self._guard(behaviour, method))

    async def admit(self, context: Context, method: str) -> None:
        """Let only those pass who may call the method.

        Raises:
            MethodClosed: If the table does not have it.
            SessionRequired: If the call carries no session, or one that is over.
            BettorRequired: If a trader calls what bettors may.
            TraderRequired: If a bettor calls what traders may.
            PlayerBlocked: If a blocked player calls what is not for them.
            Unavailable: If who calls cannot be found out now.
        """
        row = METHOD_BY_PATH.get(method)
        if row is None:
            raise MethodClosed(f"Method must be one that somebody may call, {method} is none")
        access = row.access
        if not access.roles:
            return
        player = (await self._auth.session(context)).player
        if player.role not in access.roles:
            if player.role == PlayerRole.TRADER:
                raise BettorRequired("Caller must be a bettor, is a trader: log in as one who bets")
            raise TraderRequired("Caller must be a trader, is a bettor: log in as one who trades")
        if access.refuses_blocked and player.status == PlayerStatus.BLOCKED:
            raise PlayerBlocked()

    def _guard(self, behaviour: Callable[..., Any], method: str) -> Callable[..., Any]:
        async def answer(request: Any, context: Context) -> Any:
            await self.admit(context, method)
            return await behaviour(request, context)

        async def stream(request: Any, context: Context) -> AsyncIterator[Any]:
            await self.admit(context, method)
            looked_s = self._clock.monotonic_s()
            async with aclosing(behaviour(request, context)) as responses:
                async for response in responses:
                    yield response
                    now_s = self._clock.monotonic_s()
                    if now_s - looked_s >= LOOK_AGAIN_S:
                        looked_s = now_s
                        with suppress(Unavailable):  # what runs already goes on without the store
                            await self.admit(context, method)

        return stream if inspect.isasyncgenfunction(behaviour) else answer
