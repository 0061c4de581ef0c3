"""The path of a bet, from what was asked to the committed answer.

The order is fixed: the ledger is asked for an answer it gave before, pricing is alive, book and limits agree, the
player has the money, exposure is reserved, the ledger commits. A bet in play has its stake claimed in the ledger before
exposure, so that nothing spends it meanwhile at whatever gateway, and is looked at again after the delay. What the
ledger answered before to this request stands, also against what would be decided now; a reservation made for nothing is
taken back, and a claim for nothing ends with the refusal or by its time.

A bet that is under way binds both sides, so it belongs to no caller: whoever cancels, runs into a deadline or drops the
connection, at whatever moment, leaves it as it would have been.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from prometheus_client import Counter, Histogram

from bets.acceptance import Bettor, BookView, Means, bounds_of, decide, refuse_means
from bets.answer import BetAnswer, BetRefusal, Claim, Inquiry, PlaceCommand, Standing, TooManyRefusals
from bets.bet import Leg
from bets.ports import BetLedger
from bets.request import BetRequest
from gateway.in_flight import InFlight, TooManyUnderWay
from gateway.promises import Promise, Promises
from gateway.reservation_hold import ReservationHold
from kernel.clock import Clock
from kernel.commands import UNDECIDED, LedgerUnavailable, Overloaded, RequestIdReused
from kernel.errors import Category, DomainError
from pam.player import Player, PlayerStatus
from risk.limits import BetLimits, LimitTable, limits_for
from risk.ports import ExposureStore, ReservationKey

BETS: Final = Counter("overround_bets_total", "Bets answered, by outcome and reason.", ["outcome", "reason"])
BET_SECONDS: Final = Histogram(
    "overround_bet_answer_seconds",
    "Time to answer a bet, the in-play delay left out.",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.0),
)

Found = TypeVar("Found")


class PricingUnavailable(DomainError):
    """Nothing has been heard from pricing lately, so that no price can be trusted. This call decided nothing."""

    reason = "PRICING_UNAVAILABLE"
    category = Category.UNAVAILABLE


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
        in_flight_of_player_max: How many of them may be one player's.
    """

    table: LimitTable
    in_play_delay_ms: int
    answer_timeout_ms: int
    in_flight_max: int
    in_flight_of_player_max: int = 32


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
        self._promises = Promises()
        self._in_flight: InFlight[ReservationKey, BetAnswer] = InFlight(
            requests_max=rules.in_flight_max, requests_of_owner_max=rules.in_flight_of_player_max
        )

    async def place(self, player: Player, request: BetRequest) -> BetAnswer:
        """Return the answer to a request, the same at every repeat; a refusal by rule is an answer too.

        A caller that leaves meanwhile changes nothing: the bet's fate is the same.

        Raises:
            PricingUnavailable: If pricing is not heard of; this call decided nothing.
            RiskUnavailable: If exposure cannot be reserved now; this call decided nothing.
            LedgerUnavailable: If the ledger did not answer in time; the same request may be sent again.
            RequestIdReused: If the request id came before with another content.
            Overloaded: If too many bets are under way; this call decided nothing.
            TooManyUnderWay: If too many of the player's are; this call decided nothing.
            TooManyRefusals: If it would be one refusal too many of the player; this call decided nothing.
        """
        key = ReservationKey(player.player_id, request.request_id)
        try:
            return await self._in_flight.run(
                key,
                request.fingerprint(),
                lambda: self._place_counted(player, request, key),
                owner=player.player_id,
            )
        except (Overloaded, TooManyUnderWay) as refusal:
            answer = await self._find_answer(player, request, refusal)
            if answer is None:
                raise
            return answer

    async def close(self, *, timeout_s: float) -> None:
        """Take no more bets, and let those under way be decided in their time; what is not by then was not taken."""
        await self._in_flight.close(timeout_s=timeout_s)

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
        standing = await self._look_up(player, request, stopwatch)
        if standing.answer is not None:
            return standing.answer
        hold = ReservationHold(self._exposure, key)
        not_after_us = standing.time_us + (self._rules.in_play_delay_ms + self._rules.answer_timeout_ms) * 1_000
        try:
            try:
                decision = await self._decide(player, request, standing, hold, stopwatch, not_after_us=not_after_us)
            except BaseException:
                await hold.drop()
                raise
            if isinstance(decision, BetAnswer):
                return decision
            answer = await self._commit(self._command(player, request, not_after_us, decision), hold, stopwatch)
        finally:
            self._promises.end(key)
        await hold.end(answer)
        return answer

    async def _decide(
        self,
        player: Player,
        request: BetRequest,
        standing: Standing,
        hold: ReservationHold,
        stopwatch: _Stopwatch,
        *,
        not_after_us: int,
    ) -> Leg | BetRefusal | BetAnswer:
        """Decide at once, or after the delay: then the first word on the request is a claim, and the last one counts.

        A request that is claimed already, by a gateway that may be gone, is decided after a delay and not before it.
        """
        leg: Leg | None = None
        if not standing.is_claimed:
            decision = self._look(player, request)
            if isinstance(decision, BetRefusal):
                return decision
            leg = decision
            refusal = self._promise(request, leg, standing, hold.key)
            if refusal is not None or not self._is_delayed(leg):
                return refusal or await self._reserve(request, leg, hold)
        claimed = await self._claim(player, request, not_after_us, stopwatch)
        self._promises.end(hold.key)
        if claimed.answer is not None:
            return claimed.answer
        if leg is not None:
            refusal = None if claimed.is_claimed else self._refuse_means(request, leg, claimed)
            decision = refusal or await self._reserve(request, leg, hold)
            if isinstance(decision, BetRefusal):
                return decision
        delay_s = self._rules.in_play_delay_ms / 1_000
        stopwatch.leave_out(delay_s)
        await asyncio.sleep(delay_s)
        decision = self._look(player, request)
        return decision if isinstance(decision, BetRefusal) else await self._reserve(request, decision, hold)

    def _is_delayed(self, leg: Leg) -> bool:
        return leg.is_in_play and self._rules.in_play_delay_ms > 0

    def _look(self, player: Player, request: BetRequest) -> Leg | BetRefusal:
        """Look at the book of the moment."""
        fixture_id = request.legs[0].fixture_id if request.legs else ""
        if fixture_id and not self._books.is_pricing_live(fixture_id):
            raise PricingUnavailable(f"Pricing must have been heard of lately, it was not; {UNDECIDED}")
        bettor = Bettor(is_blocked=player.status == PlayerStatus.BLOCKED, currency=player.currency)
        return decide(request, bettor=bettor, book=self._books.find(fixture_id), table=self._rules.table)

    async def _reserve(self, request: BetRequest, leg: Leg, hold: ReservationHold) -> Leg | BetRefusal:
        """Hold what the bet would cost."""
        refusal = await hold.take(leg, stake=request.stake, table=self._rules.table)
        return refusal or leg

    async def _claim(self, player: Player, request: BetRequest, not_after_us: int, stopwatch: _Stopwatch) -> Standing:
        inquiry = _inquiry(player, request)
        limits = limits_for(self._rules.table, market_id=inquiry.market_id, is_in_play=True)
        claim = Claim(inquiry, request.stake.amount_minor, limits.player_stake_minor_max, not_after_us)
        return await self._in_time(self._ledger.claim(claim), stopwatch)

    def _promise(self, request: BetRequest, leg: Leg, standing: Standing, key: ReservationKey) -> BetRefusal | None:
        """Set aside what the bet takes of the player's means, beside what others under way take; say why not."""
        promise = Promise(leg.fixture_id, leg.market_id, request.stake.amount_minor)
        means = self._promises.left_of(standing, key, promise)
        refusal = refuse_means(request.stake, leg, self._limits(leg), means)
        if refusal is None:
            self._promises.make(key, promise)
        return refusal

    def _refuse_means(self, request: BetRequest, leg: Leg, standing: Standing) -> BetRefusal | None:
        means = Means(standing.available_minor, standing.market_stake_minor)
        return refuse_means(request.stake, leg, self._limits(leg), means)

    def _limits(self, leg: Leg) -> BetLimits:
        return limits_for(self._rules.table, market_id=leg.market_id, is_in_play=leg.is_in_play)

    async def _find_answer(self, player: Player, request: BetRequest, refusal: DomainError) -> BetAnswer | None:
        """Return what the ledger answered before; without word from it the refusal stands, which says so itself."""
        try:
            return (await self._look_up(player, request, _Stopwatch(self._clock))).answer
        except (LedgerUnavailable, Overloaded):
            raise refusal from None

    async def _look_up(self, player: Player, request: BetRequest, stopwatch: _Stopwatch) -> Standing:
        return await self._in_time(self._ledger.look(_inquiry(player, request)), stopwatch)

    async def _commit(self, command: PlaceCommand, hold: ReservationHold, stopwatch: _Stopwatch) -> BetAnswer:
        try:
            return await self._in_time(self._ledger.place(command), stopwatch)
        except (RequestIdReused, Overloaded, TooManyRefusals):
            await hold.drop()
            raise
        except BaseException:
            hold.leave()
            raise

    async def _in_time(self, asked: Coroutine[Any, Any, Found], stopwatch: _Stopwatch) -> Found:
        left_s = self._rules.answer_timeout_ms / 1_000 - stopwatch.seconds()
        try:
            async with asyncio.timeout(left_s):
                return await asked
        except TimeoutError:
            raise LedgerUnavailable("Ledger must answer in time, did not; ask again by the request id") from None

    def _command(
        self, player: Player, request: BetRequest, not_after_us: int, decision: Leg | BetRefusal
    ) -> PlaceCommand:
        return PlaceCommand(
            request_id=request.request_id,
            player_id=player.player_id,
            cash_account_id=player.cash_account_id,
            fingerprint=request.fingerprint(),
            legs=() if isinstance(decision, BetRefusal) else (decision,),
            stake=request.stake,
            refusal=decision if isinstance(decision, BetRefusal) else None,
            bounds=None if isinstance(decision, BetRefusal) else bounds_of(decision, self._limits(decision)),
            not_after_us=not_after_us,
        )


def _inquiry(player: Player, request: BetRequest) -> Inquiry:
    leg = request.legs[0] if request.legs else None
    return Inquiry(
        request_id=request.request_id,
        player_id=player.player_id,
        cash_account_id=player.cash_account_id,
        fingerprint=request.fingerprint(),
        fixture_id=leg.fixture_id if leg else "",
        market_id=leg.market_id if leg else "",
    )
