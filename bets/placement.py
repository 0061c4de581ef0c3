"""The path of a bet, from what was asked to the committed answer.

The order is fixed: pricing is alive, book and limits agree, the player has the money, exposure is reserved, the ledger
commits. A bet in play has its stake claimed in the ledger before exposure, so that nothing spends it meanwhile at
whatever gateway, and is looked at again after the delay. What the ledger answered before to this request stands, also
against what would be decided now: whatever the ledger is asked, it says that first, and it is asked before anything but
itself answers. A reservation made for nothing is taken back, and a claim for nothing ends with the refusal or by its
time.

Most bets ask the ledger once, to be placed: that the player has the means is known from its last answers. They are
looked up where they are not known, or would not do.

A bet that is under way binds both sides, so it belongs to no caller: whoever cancels, runs into a deadline or drops the
connection, at whatever moment, leaves it as it would have been.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar
from uuid import UUID

from bets.acceptance import BookView, Plan, Terms, decide, refuse_liability, refuse_means
from bets.answer import BetAnswer, BetRefusal, Claim, Inquiry, Means, PlaceCommand, Standing, TooManyRefusals
from bets.in_flight import InFlight, TooManyUnderWay
from bets.last_word import LastWord
from bets.ports import BetLedger
from bets.promises import Promises
from bets.request import BetRequest, PricePolicy, SlipRequest, SlipUnsupported
from compliance.jurisdiction import Product
from compliance.permit import Permit, Permits
from kernel.clock import Clock
from kernel.commands import UNDECIDED, Overloaded, RequestIdReused
from kernel.errors import DomainError, Part, Unavailable
from pam.player import Player
from risk.limits import limits_for
from risk.ports import ExposureStore, ReservationKey
from risk.reservation import BetReservation

Found = TypeVar("Found")


class BookSource(Protocol):
    """Where the current books are."""

    def find(self, fixture_id: str) -> BookView | None:
        """Return the newest book of a fixture, None if there is none."""
        ...

    def is_pricing_live(self, fixture_id: str) -> bool:
        """Return whether pricing has lately said that it works on this fixture."""
        ...


class PlacementObserver(Protocol):
    """Who counts what becomes of bets."""

    def note_answer(self, answer: BetAnswer, *, seconds: float) -> None:
        """Note a bet that was answered, and how long that took without the in-play delay."""
        ...

    def note_error(self, error: DomainError) -> None:
        """Note a bet that was not answered."""
        ...

    def note_left(self, key: ReservationKey) -> None:
        """Note a reservation that was left for the keeper of exposure to resolve."""
        ...

    def note_broken(self, error: BaseException) -> None:
        """Note an error that should not be, of which perhaps no caller hears any more."""
        ...


@dataclass(frozen=True, slots=True)
class BettingRules:
    """What the house decided about bets.

    Attributes:
        terms: By the currency of the stake.
        in_play_delay_ms: How long a bet in play waits before it is looked at again.
        answer_timeout_ms: How long the ledger's answer may take to come, counted from the beginning without the delay.
        in_flight_max: How many bets may be under way at once.
        in_flight_of_player_max: How many of them may be one player's.
    """

    terms: Mapping[str, Terms]
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


@dataclass(frozen=True, slots=True)
class _Asked:
    """A bet under way, with what was worked out of its slip once."""

    bet: BetRequest
    policy: PricePolicy
    permitted: Permit | DomainError
    terms: Terms | None
    inquiry: Inquiry
    key: ReservationKey
    stopwatch: _Stopwatch


@dataclass(frozen=True, slots=True)
class _Decided:
    """What is to be done, unless it comes to the ledger after a time by its clock."""

    what: Plan | BetRefusal
    not_after_us: int


class BetPlacement:
    """Places bets: each request once, however often it comes."""

    def __init__(
        self,
        *,
        permits: Permits,
        books: BookSource,
        exposure: ExposureStore,
        ledger: BetLedger,
        observer: PlacementObserver,
        clock: Clock,
        rules: BettingRules,
    ) -> None:
        self._permits = permits
        self._books = books
        self._exposure = exposure
        self._ledger = ledger
        self._observer = observer
        self._clock = clock
        self._rules = rules
        self._promises = Promises()
        self._last_word = LastWord(clock)
        self._in_flight: InFlight[ReservationKey, BetAnswer] = InFlight(
            requests_max=rules.in_flight_max,
            requests_of_owner_max=rules.in_flight_of_player_max,
            on_broken=observer.note_broken,
        )

    async def place(self, player: Player, slip: SlipRequest) -> tuple[BetAnswer, ...]:
        """Return the answer to each bet of a slip, the same at every repeat; a refusal by rule is an answer too.

        A caller that leaves meanwhile changes nothing: the bet's fate is the same.

        Raises:
            SlipUnsupported: If it has not one bet; this call decided nothing.
            Unavailable: If pricing is not heard of; this call decided nothing.
            Unavailable: If exposure cannot be reserved now; this call decided nothing.
            Unavailable: If the ledger did not answer in time; the same request may be sent again.
            RequestIdReused: If the request id came before with another content.
            Overloaded: If too many bets are under way; this call decided nothing.
            TooManyUnderWay: If too many of the player's are; this call decided nothing.
            TooManyRefusals: If it would be one refusal too many of the player; this call decided nothing.
        """
        if len(slip.bets) != 1:
            raise SlipUnsupported(
                f"Slip must have one bet, had {len(slip.bets)}; send each on one of its own, this call decided nothing"
            )
        (bet,) = slip.bets
        inquiry = _inquiry(player, slip, bet)
        key = ReservationKey(player.player_id, slip.request_id)
        permitted = self._permits.ask(player, Product.SPORTS_BET, amount=bet.stake)
        terms = self._rules.terms.get(bet.stake.currency)

        def asked() -> _Asked:
            return _Asked(bet, slip.price_policy, permitted, terms, inquiry, key, _Stopwatch(self._clock))

        try:
            answer = await self._in_flight.run(
                key, inquiry.fingerprint, lambda: self._place_noted(asked()), owner=player.player_id
            )
        except (Overloaded, TooManyUnderWay) as refusal:
            answer = await self._find_answer(asked(), refusal)
        return (answer,)

    async def close(self, *, timeout_s: float) -> None:
        """Take no more bets, and let those under way be decided in their time; what is not by then was not taken."""
        await self._in_flight.close(timeout_s=timeout_s)

    async def wait_for(self, key: ReservationKey) -> None:
        """Wait while this request is under way here, so that its answer can be found after."""
        await self._in_flight.wait(key)

    async def _place_noted(self, asked: _Asked) -> BetAnswer:
        try:
            answer = await self._place(asked)
        except DomainError as error:
            self._observer.note_error(error)
            raise
        self._observer.note_answer(answer, seconds=asked.stopwatch.seconds())
        return answer

    async def _place(self, asked: _Asked) -> BetAnswer:
        reservation = BetReservation(self._exposure, asked.key, on_left=self._observer.note_left)
        try:
            try:
                decided = await self._decide(asked, reservation)
            except BaseException as error:
                await reservation.end(bet_id=None)
                if isinstance(error, Unavailable) and error.what is not Part.LEDGER:
                    return await self._find_answer(asked, error)
                raise
            if isinstance(decided, BetAnswer):
                return decided
            answer = await self._commit(asked, decided, reservation)
        finally:
            self._promises.end(asked.inquiry)
        await reservation.end(bet_id=_new_bet_id(answer))
        return answer

    async def _decide(self, asked: _Asked, reservation: BetReservation) -> _Decided | BetAnswer:
        """Decide without a look at the ledger where that may be; a refusal is not the first word on a request."""
        first = self._look(asked)
        time_us = self._last_word.time_us()
        if isinstance(first, Plan) and time_us is not None:
            until_us = self._until_us(time_us)
            if self._is_delayed(first):
                return await self._decide_late(asked, first, reservation, until_us=until_us)
            if first.is_afforded:
                first = await self._reserve_at_once(asked, first, reservation)
                if isinstance(first, Plan):
                    return _Decided(first, until_us)
        standing = await self._in_time(self._ledger.look(asked.inquiry), asked)
        self._last_word.note_time(standing.time_us)
        if standing.answer is not None:
            return standing.answer
        return await self._decide_by(standing, asked, first, reservation, until_us=self._until_us(standing.time_us))

    async def _decide_by(
        self, standing: Standing, asked: _Asked, first: Plan | BetRefusal, reservation: BetReservation, *, until_us: int
    ) -> _Decided | BetAnswer:
        """Decide by how it stands in the ledger.

        A request that is claimed already, by a gateway that may be gone, is decided after a delay and not before it.
        """
        if standing.is_claimed:
            return await self._decide_late(asked, None, reservation, until_us=until_us)
        self._last_word.note_means(asked.inquiry, standing.means)
        if isinstance(first, BetRefusal):
            return _Decided(first, until_us)
        refusal = refuse_means(first, self._promises.left_of(standing.means, asked.inquiry))
        if refusal is not None:
            return _Decided(refusal, until_us)
        if self._is_delayed(first):
            return await self._decide_late(asked, first, reservation, until_us=until_us)
        return _Decided(await self._reserve_at_once(asked, first, reservation), until_us)

    async def _decide_late(
        self, asked: _Asked, plan: Plan | None, reservation: BetReservation, *, until_us: int
    ) -> _Decided | BetAnswer:
        """Decide after the delay: the first word on the request is a claim, and the last one counts."""
        claimed = await self._claim(asked, plan, until_us=until_us)
        if claimed.answer is not None:
            return claimed.answer
        if plan is not None:
            refusal = None if claimed.is_claimed else refuse_means(plan, claimed.means)
            held = refusal or await self._reserve(plan, reservation)
            if isinstance(held, BetRefusal):
                return _Decided(held, until_us)
        delay_s = self._rules.in_play_delay_ms / 1_000
        asked.stopwatch.leave_out(delay_s)
        await asyncio.sleep(delay_s)
        last = self._look(asked)
        return _Decided(last if isinstance(last, BetRefusal) else await self._reserve(last, reservation), until_us)

    def _look(self, asked: _Asked) -> Plan | BetRefusal:
        """Decide by the book of the moment."""
        if not all(self._books.is_pricing_live(leg.fixture_id) for leg in asked.bet.legs):
            raise Unavailable(Part.PRICING, f"Pricing must have been heard of lately, it was not; {UNDECIDED}")
        return decide(
            asked.bet,
            policy=asked.policy,
            permitted=asked.permitted,
            find_book=self._books.find,
            terms=asked.terms,
            means=self._means_left(asked),
        )

    def _is_delayed(self, plan: Plan) -> bool:
        return plan.is_in_play and self._rules.in_play_delay_ms > 0

    def _means_left(self, asked: _Asked) -> Means | None:
        """Return what the player had when the ledger last said so, without what other bets have promised of it."""
        means = self._last_word.means(asked.inquiry)
        return None if means is None else self._promises.left_of(means, asked.inquiry)

    def _until_us(self, begun_us: int) -> int:
        return begun_us + (self._rules.in_play_delay_ms + self._rules.answer_timeout_ms) * 1_000

    async def _claim(self, asked: _Asked, plan: Plan | None, *, until_us: int) -> Standing:
        stake_minor = asked.bet.stake.amount_minor
        claim = Claim(asked.inquiry, stake_minor, _market_stake_max(asked, plan), until_us)
        claimed = await self._in_time(self._ledger.claim(claim), asked)
        self._last_word.note_time(claimed.time_us)
        return claimed

    async def _reserve_at_once(self, asked: _Asked, plan: Plan, reservation: BetReservation) -> Plan | BetRefusal:
        """Reserve for a bet that claims nothing in the ledger; what it takes is promised here till then."""
        self._promises.make(asked.inquiry, stake_minor=plan.stake.amount_minor)
        return await self._reserve(plan, reservation)

    async def _reserve(self, plan: Plan, reservation: BetReservation) -> Plan | BetRefusal:
        """Reserve what the bet would cost."""
        full = await reservation.take(plan.entries)
        return plan if full is None else refuse_liability(plan, full)

    async def _commit(self, asked: _Asked, decided: _Decided, reservation: BetReservation) -> BetAnswer:
        command = _command(asked, decided)
        try:
            answer = await self._in_time(self._ledger.place(command), asked)
        except (RequestIdReused, Overloaded, TooManyRefusals):
            await reservation.end(bet_id=None)
            raise
        except BaseException:
            reservation.leave()
            raise
        if not answer.is_replay:
            self._note(asked, decided, answer)
        return answer

    def _note(self, asked: _Asked, decided: _Decided, answer: BetAnswer) -> None:
        if answer.bet is not None and answer.balance is not None:
            self._last_word.note_time(answer.bet.placed_time_us)
            stake_minor, available_minor = asked.bet.stake.amount_minor, answer.balance.available_minor
            self._last_word.note_bet(asked.inquiry, stake_minor=stake_minor, available_minor=available_minor)
        elif isinstance(decided.what, Plan):
            self._last_word.forget_means(asked.inquiry.player_id)

    async def _find_answer(self, asked: _Asked, refusal: DomainError) -> BetAnswer:
        """Return what the ledger answered before; without that, or word from it, the refusal stands, which says so."""
        try:
            standing = await self._in_time(self._ledger.look(asked.inquiry), asked)
        except (Unavailable, Overloaded):
            raise refusal from None
        if standing.answer is None:
            raise refusal
        return standing.answer

    async def _in_time(self, awaited: Coroutine[Any, Any, Found], asked: _Asked) -> Found:
        left_s = self._rules.answer_timeout_ms / 1_000 - asked.stopwatch.seconds()
        try:
            async with asyncio.timeout(left_s):
                return await awaited
        except TimeoutError:
            self._last_word.forget_time()
            raise Unavailable(Part.LEDGER, "Ledger must answer in time, did not; ask again by the request id") from None
        except Unavailable:
            self._last_word.forget_time()  # whichever server answers next may have another clock
            raise


def _inquiry(player: Player, slip: SlipRequest, bet: BetRequest) -> Inquiry:
    return Inquiry(
        request_id=slip.request_id,
        player_id=player.player_id,
        cash_account_id=player.cash_account_id,
        fingerprint=slip.fingerprint(),
        fixture_id=bet.legs[0].fixture_id,
        market_id=bet.legs[0].market_id,
    )


def _market_stake_max(asked: _Asked, plan: Plan | None) -> int:
    """Return the most that the player may have open on the market; of a bet not planned yet as it would be in play."""
    if plan is not None:
        return plan.limits.player_stake_minor_max
    if asked.terms is None:
        return 0
    limits = limits_for(asked.terms.table, market_id=asked.inquiry.market_id, is_in_play=True)
    return limits.player_stake_minor_max


def _command(asked: _Asked, decided: _Decided) -> PlaceCommand:
    what = decided.what
    plan, refusal = (None, what) if isinstance(what, BetRefusal) else (what, None)
    return PlaceCommand(
        request_id=asked.inquiry.request_id,
        player_id=asked.inquiry.player_id,
        cash_account_id=asked.inquiry.cash_account_id,
        fingerprint=asked.inquiry.fingerprint,
        legs=plan.legs if plan else (),
        lines=plan.lines if plan else (),
        stake=asked.bet.stake,
        potential_return_minor=plan.potential_return_minor if plan else 0,
        refusal=refusal,
        bounds=plan.bounds if plan else None,
        not_after_us=decided.not_after_us,
        rate=plan.rate if plan else None,
    )


def _new_bet_id(answer: BetAnswer) -> UUID | None:
    """Return the bet that this very call made; what was answered before has been counted before."""
    return None if answer.bet is None or answer.is_replay else answer.bet.bet_id
