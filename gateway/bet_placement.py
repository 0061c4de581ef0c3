"""The path of a bet, from what was asked to the committed answer.

The order is fixed: pricing is alive, book and limits agree, exposure is reserved, the in-play delay passes and all of
that still holds, the ledger commits. What the ledger answered before to this request stands, also against what would
be decided now; a reservation made for nothing is taken back.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import ClassVar, Final, Protocol

from prometheus_client import Counter, Histogram

from bets.acceptance import Bettor, BookView, decide
from bets.answer import BetAnswer, BetRefusal, PlaceCommand
from bets.bet import Leg
from bets.ports import BetLedger
from bets.request import BetRequest
from gateway.in_flight import InFlight
from gateway.reservation_hold import ReservationHold
from kernel.clock import Clock
from kernel.commands import LedgerUnavailable, Overloaded, RequestIdReused
from kernel.errors import DomainError
from pam.player import Player, PlayerStatus
from risk.limits import LimitTable
from risk.ports import ExposureStore, ReservationKey

BETS: Final = Counter("overround_bets_total", "Bets answered, by outcome and reason.", ["outcome", "reason"])
BET_SECONDS: Final = Histogram(
    "overround_bet_answer_seconds",
    "Time to answer a bet, the in-play delay left out.",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.0),
)


class PricingUnavailable(DomainError):
    """Nothing has been heard from pricing lately, so that no price can be trusted. Nothing was decided."""

    reason: ClassVar[str] = "PRICING_UNAVAILABLE"


class BookSource(Protocol):
    """Where the current books are."""

    def find(self, fixture_id: str) -> BookView | None:
        """Return the newest book of a fixture, None if there is none."""
        ...

    def is_pricing_live(self, fixture_id: str) -> bool:
        """Return whether pricing has lately said that it works on this fixture."""
        ...


class BetFigures(Protocol):
    """Who counts answered bets for the desk."""

    def note_bet(self, latency_ms: float, *, is_accepted: bool) -> None:
        """Note a bet that was answered, and how long that took without the in-play delay."""
        ...


@dataclass(frozen=True, slots=True)
class BettingRules:
    """What the house decided about bets.

    Attributes:
        table: Limits.
        in_play_delay_ms: How long a bet in play waits before it is looked at again.
        answer_timeout_ms: How long the ledger's answer may take to come, counted from the beginning without the delay.
        in_flight_max: How many bets may be under way at once.
    """

    table: LimitTable
    in_play_delay_ms: int
    answer_timeout_ms: int
    in_flight_max: int


class _Stopwatch:
    """Time spent on a bet, the in-play delay left out."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._started_s = clock.monotonic_s()

    def leave_out(self, seconds: float) -> None:
        self._started_s += seconds

    def seconds(self) -> float:
        return max(0.0, self._clock.monotonic_s() - self._started_s)


class BetPlacement:
    """Places bets: each request once, however often it comes."""

    def __init__(
        self,
        *,
        books: BookSource,
        exposure: ExposureStore,
        ledger: BetLedger,
        figures: BetFigures,
        clock: Clock,
        rules: BettingRules,
    ) -> None:
        self._books = books
        self._exposure = exposure
        self._ledger = ledger
        self._figures = figures
        self._clock = clock
        self._rules = rules
        self._in_flight: InFlight[ReservationKey, BetAnswer] = InFlight(requests_max=rules.in_flight_max)

    async def place(self, player: Player, request: BetRequest) -> BetAnswer:
        """Return the answer to a request, the same at every repeat; a refusal by rule is an answer too.

        Raises:
            PricingUnavailable: If pricing is not heard of; nothing was decided.
            RiskUnavailable: If exposure cannot be reserved now; nothing was decided.
            LedgerUnavailable: If the ledger did not answer in time; the same request may be sent again.
            RequestIdReused: If the request id came before with another content.
            Overloaded: If too many bets are under way; nothing was decided.
        """
        key = ReservationKey(player.player_id, request.request_id)
        return await self._in_flight.run(key, request.fingerprint(), lambda: self._place_counted(player, request, key))

    async def wait_for(self, key: ReservationKey) -> None:
        """Wait while this request is under way here, so that its answer can be found after."""
        await self._in_flight.wait(key)

    async def _place_counted(self, player: Player, request: BetRequest, key: ReservationKey) -> BetAnswer:
        stopwatch = _Stopwatch(self._clock)
        try:
            answer = await self._place_held(player, request, key, stopwatch)
        except DomainError as error:
            BETS.labels("failed", error.reason).inc()
            raise
        seconds = stopwatch.seconds()
        BET_SECONDS.observe(seconds)
        self._figures.note_bet(seconds * 1_000, is_accepted=answer.bet is not None)
        if answer.refusal is None:
            BETS.labels("accepted", "").inc()
        else:
            BETS.labels("refused", answer.refusal.reason).inc()
        return answer

    async def _place_held(
        self, player: Player, request: BetRequest, key: ReservationKey, stopwatch: _Stopwatch
    ) -> BetAnswer:
        hold = ReservationHold(self._exposure, key)
        try:
            decision = await self._decide(player, request, hold, stopwatch)
        except BaseException:
            await hold.drop()
            raise
        try:
            answer = await self._ask_ledger(_command(player, request, decision), stopwatch)
        except (RequestIdReused, Overloaded):
            await hold.drop()
            raise
        except BaseException:
            hold.leave()
            raise
        await hold.end(answer)
        return answer

    async def _decide(
        self, player: Player, request: BetRequest, hold: ReservationHold, stopwatch: _Stopwatch
    ) -> Leg | BetRefusal:
        decision = await self._look(player, request, hold)
        if isinstance(decision, BetRefusal) or not decision.is_in_play:
            return decision
        delay_s = self._rules.in_play_delay_ms / 1_000
        stopwatch.leave_out(delay_s)
        await asyncio.sleep(delay_s)
        return await self._look(player, request, hold)

    async def _look(self, player: Player, request: BetRequest, hold: ReservationHold) -> Leg | BetRefusal:
        """Look at the book of the moment and hold what the bet would cost."""
        fixture_id = request.legs[0].fixture_id if request.legs else ""
        if fixture_id and not self._books.is_pricing_live(fixture_id):
            raise PricingUnavailable("Pricing must have been heard of lately, it was not")
        bettor = Bettor(is_blocked=player.status == PlayerStatus.BLOCKED, currency=player.currency)
        book = self._books.find(fixture_id)
        decision = decide(request, bettor=bettor, book=book, table=self._rules.table)
        if isinstance(decision, BetRefusal):
            return decision
        stake_minor = request.stake.amount_minor
        return await hold.take(decision, stake_minor=stake_minor, table=self._rules.table) or decision

    async def _ask_ledger(self, command: PlaceCommand, stopwatch: _Stopwatch) -> BetAnswer:
        left_s = self._rules.answer_timeout_ms / 1_000 - stopwatch.seconds()
        try:
            async with asyncio.timeout(left_s):
                return await self._ledger.place(command)
        except TimeoutError:
            raise LedgerUnavailable("Ledger must answer in time, did not; ask again by the request id") from None


def _command(player: Player, request: BetRequest, decision: Leg | BetRefusal) -> PlaceCommand:
    return PlaceCommand(
        request_id=request.request_id,
        player_id=player.player_id,
        cash_account_id=player.cash_account_id,
        fingerprint=request.fingerprint(),
        legs=() if isinstance(decision, BetRefusal) else (decision,),
        stake=request.stake,
        refusal=decision if isinstance(decision, BetRefusal) else None,
    )
