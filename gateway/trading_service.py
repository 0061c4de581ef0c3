"""The trading desk: one stream with all it shows, and its commands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, ClassVar, Final
from uuid import UUID, uuid5

import structlog

from gateway.desk_stream import DeskSources, DeskStream
from gateway.price_explainer import PriceExplainer
from gateway.rpc.call import Call
from gateway.rpc.methods import TRADING
from kernel.commands import RequestIdReused
from kernel.errors import Part, Unavailable
from kernel.ids import parse_uuid
from kernel.log import ConfirmedOutlet
from odds.fixture.updates import TradingAction
from overround.trading.v1 import trading_service_pb2
from wire.layouts import layout_of
from wire.topics import AUDIT, TRADING_COMMANDS
from wire.trading import encode_asked, encode_command

log = structlog.get_logger(__name__)

COMMAND_TIMEOUT_S: Final = 1.8
COMMANDS_REMEMBERED_MAX: Final = 10_000

Target = tuple[TradingAction, str, str]


class TradingService:
    """Serves the desk."""

    SERVICE: ClassVar = TRADING

    def __init__(self, *, sources: DeskSources, explainer: PriceExplainer, outlet: ConfirmedOutlet) -> None:
        self._sources = sources
        self._explainer = explainer
        self._outlet = outlet
        self._sent: dict[UUID, Target] = {}

    def watch_desk(self, request: trading_service_pb2.WatchDeskRequest, call: Call) -> AsyncIterator[bytes]:
        """Stream all the desk shows."""
        stream = DeskStream(self._sources, trader_name=call.player.username, fixture_id=request.fixture_id)
        return stream.responses()

    async def suspend(
        self, request: trading_service_pb2.SuspendRequest, call: Call
    ) -> trading_service_pb2.SuspendResponse:
        """Suspend a market or a fixture."""
        await self._command(request, TradingAction.SUSPEND, call)
        return trading_service_pb2.SuspendResponse()

    async def resume(
        self, request: trading_service_pb2.ResumeRequest, call: Call
    ) -> trading_service_pb2.ResumeResponse:
        """Lift a suspension by the desk."""
        await self._command(request, TradingAction.RESUME, call)
        return trading_service_pb2.ResumeResponse()

    async def suspend_all_in_play(
        self, request: trading_service_pb2.SuspendAllInPlayRequest, call: Call
    ) -> trading_service_pb2.SuspendAllInPlayResponse:
        """Suspend every fixture that is or may be in play; a command's id is made of the request's and fixture's."""
        trader_name = call.player.username
        request_id = parse_uuid(request.request_id, field="request_id")
        now_us = self._sources.clock.now_us()
        fixture_ids = [book.fixture_id for book in self._sources.books.live_books() if book.may_be_on(now_us)]
        await self._within_limit(
            *(
                self._send(uuid5(request_id, fixture_id), (TradingAction.SUSPEND, fixture_id, ""), trader_name)
                for fixture_id in fixture_ids
            )
        )
        log.info("trading.all_in_play_suspended", trader=trader_name, fixtures=len(fixture_ids))
        return trading_service_pb2.SuspendAllInPlayResponse(fixture_ids=fixture_ids)

    async def explain_price(
        self, request: trading_service_pb2.ExplainPriceRequest, _call: Call
    ) -> trading_service_pb2.ExplainPriceResponse:
        """Explain the prices of a version of a book."""
        return await self._explainer.explain(
            fixture_id=request.fixture_id, version=request.version, market_id=request.market_id
        )

    async def _command(
        self,
        request: trading_service_pb2.SuspendRequest | trading_service_pb2.ResumeRequest,
        action: TradingAction,
        call: Call,
    ) -> None:
        trader_name = call.player.username
        request_id = parse_uuid(request.request_id, field="request_id")
        book = self._sources.books.get(request.fixture_id)
        if request.market_id:
            layout_of(book.message).market_index(request.market_id)
        target = (action, request.fixture_id, request.market_id)
        await self._within_limit(self._send(request_id, target, trader_name))
        log.info("trading.command_sent", action=action.name, fixture_id=request.fixture_id, market_id=request.market_id)

    async def _send(self, request_id: UUID, target: Target, trader_name: str) -> None:
        """Tell who asked, then append the command. Pricing heeds an id once; here a repeat is only spared the way."""
        sent = self._sent.get(request_id)
        if sent == target:
            return
        if sent is not None:
            raise RequestIdReused(f"Request {request_id} was for another command")
        action, fixture_id, market_id = target
        value = encode_command(
            request_id=str(request_id),
            fixture_id=fixture_id,
            market_id=market_id,
            action=action,
            trader_name=trader_name,
            time_us=self._sources.clock.now_us(),
        )
        await self._outlet.send_and_wait(AUDIT.name, trader_name, encode_asked(value))
        await self._outlet.send_and_wait(TRADING_COMMANDS.name, fixture_id, value)
        self._sent[request_id] = target
        if len(self._sent) > COMMANDS_REMEMBERED_MAX:
            del self._sent[next(iter(self._sent))]

    async def _within_limit(self, *sending: Any) -> None:
        try:
            async with asyncio.timeout(COMMAND_TIMEOUT_S):
                await asyncio.gather(*sending)
        except TimeoutError:
            message = f"Log must confirm a command within {COMMAND_TIMEOUT_S} s, did not; it may yet take effect"
            raise Unavailable(Part.TRADING, message) from None
