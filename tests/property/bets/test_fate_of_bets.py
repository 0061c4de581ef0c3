"""Whatever callers do and whichever part is away at whatever moment, a bet has one fate and exposure agrees with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from bets.answer import BetAnswer
from bets.placement import BetPlacement, BettingRules
from kernel.errors import DomainError, Part, Unavailable
from risk.exposure import MarketExposure
from risk.limits import LimitTable
from risk.ports import ReservationKey
from tests.currencies import terms
from tests.fakes.fake_betting import (
    PLAYER,
    FakeBook,
    FakeBooks,
    FakeExposure,
    FakeLedger,
    FakeObserver,
    PlacementOfSingles,
    ask,
    one_turn,
    permits,
)
from tests.fakes.fake_clock import FakeClock

TABLE = LimitTable(
    stake_minor_min=10,
    stake_minor_max=1_000,
    payout_minor_max=1_000_000,
    market_loss_minor_max=4_000,
    side_market_factor_milli=500,
    in_play_factor_milli=1_000,
    player_stakes_max=3,
)
RULES = BettingRules(
    terms=terms(TABLE), in_play_delay_ms=1, answer_timeout_ms=5_000, in_flight_max=6, in_flight_of_player_max=4
)
REQUESTS = [UUID(int=number) for number in range(1, 5)]
STAKES_MINOR = {request_id: 400 + 300 * place for place, request_id in enumerate(REQUESTS)}


class House:
    """Every part of the path, each step of which lets all others run."""

    def __init__(self) -> None:
        self.books = FakeBooks(FakeBook(is_in_play=True))
        self.exposure = FakeExposure()
        self.ledger = FakeLedger()
        self.ledger.funds_minor = 2_000
        self.exposure.pause = self.ledger.pause = one_turn
        self.gateways = [
            PlacementOfSingles(
                BetPlacement(
                    permits=permits(),
                    books=self.books,
                    exposure=self.exposure,
                    ledger=self.ledger,
                    observer=FakeObserver(),
                    clock=FakeClock(),
                    rules=RULES,
                )
            )
            for _ in range(2)
        ]

    async def place(self, request_id: UUID, gateway: int) -> BetAnswer | None:
        """Place once; None where an error said that this call decided nothing."""
        request = ask(request_id=request_id, stake_minor=STAKES_MINOR[request_id])
        try:
            return await self.gateways[gateway].place(PLAYER, request)
        except DomainError:
            return None


def _toggle_pricing(house: House) -> None:
    house.books.is_live = not house.books.is_live


def _toggle_exposure(house: House) -> None:
    house.exposure.is_down = not house.exposure.is_down


def _toggle_ledger(house: House) -> None:
    house.ledger.is_deaf = not house.ledger.is_deaf
    house.ledger.failure = Unavailable(Part.LEDGER, "Away") if house.ledger.failure is None else None


def _toggle_play(house: House) -> None:
    assert house.books.book is not None
    house.books.book.is_in_play = not house.books.book.is_in_play


@dataclass(frozen=True)
class Step:
    """A caller comes, and leaves after so many turns if it has no answer by then; or a part goes or comes back."""

    request_id: UUID | None
    gateway: int
    turns: int
    happening: Callable[[House], None] | None


CALLS = st.builds(Step, st.sampled_from(REQUESTS), st.integers(0, 1), st.integers(0, 25), st.none())
HAPPENINGS = st.builds(
    Step,
    st.none(),
    st.just(0),
    st.integers(0, 5),
    st.sampled_from([_toggle_pricing, _toggle_exposure, _toggle_ledger, _toggle_play]),
)


async def _live_through(house: House, steps: list[Step], *, callers_leave: bool) -> list[tuple[UUID, BetAnswer]]:
    calls: list[tuple[UUID, asyncio.Task[BetAnswer | None]]] = []
    for step in steps:
        if step.happening is not None:
            step.happening(house)
        if step.request_id is not None:
            calls.append((step.request_id, asyncio.create_task(house.place(step.request_id, step.gateway))))
        for _ in range(step.turns):
            await asyncio.sleep(0)
        if step.request_id is not None and callers_leave and step.turns:
            calls[-1][1].cancel()
    answers: list[tuple[UUID, BetAnswer]] = []
    for request_id, call in calls:
        with suppress(asyncio.CancelledError):
            answer = await call
            if answer is not None:
                answers.append((request_id, answer))
    for gateway in house.gateways:
        await gateway.close(timeout_s=5)
    return answers


def _decided(house: House) -> dict[UUID, BetAnswer]:
    return {request_id: answer for (_, request_id), (_, answer) in house.ledger.answers.items()}


@settings(deadline=None)
@given(st.lists(st.one_of(CALLS, HAPPENINGS), max_size=14))
def test_every_call_hears_the_one_answer_and_exposure_counts_what_was_taken(steps: list[Step]) -> None:
    house = House()
    answers = asyncio.run(_live_through(house, steps, callers_leave=True))
    decided = _decided(house)
    for request_id, answer in answers:
        assert (answer.bet, answer.refusal) == (decided[request_id].bet, decided[request_id].refusal)
    taken = [answer.bet for answer in decided.values() if answer.bet is not None]
    counted_minor = sum(entry.stake_minor for entry in house.exposure.bets.values())
    held_minor = sum(entry.stake_minor for entry in house.exposure.reservations.values())
    staked_minor = sum(bet.stake.amount_minor for bet in taken)
    # What a part that was away could not be told is held until the keeper resolves it; nothing taken is uncounted.
    assert set(house.exposure.bets) <= {bet.bet_id for bet in taken}
    held = {key.request_id for key in house.exposure.reservations}
    assert {bet.request_id for bet in taken if bet.bet_id not in house.exposure.bets} <= held
    assert house.exposure.market.stake_total_minor == counted_minor + held_minor
    assert house.exposure.market.worst_loss_minor() <= TABLE.market_loss_minor_max
    assert staked_minor <= TABLE.stake_minor_max * TABLE.player_stakes_max
    assert house.ledger.funds_minor == 2_000 - staked_minor
    # A call that decided nothing may leave a claim to its time; no decision does, and none claims what is not there.
    assert not house.ledger.claims.keys() & house.ledger.answers.keys()
    assert sum(claim.stake_minor for claim in house.ledger.claims.values()) <= house.ledger.funds_minor


@settings(deadline=None)
@given(st.lists(CALLS, max_size=10))
def test_callers_that_leave_and_callers_that_stay_make_the_same_bets(steps: list[Step]) -> None:
    leaving, staying = House(), House()
    asyncio.run(_live_through(leaving, steps, callers_leave=True))
    asyncio.run(_live_through(staying, steps, callers_leave=False))
    fates = [
        {request_id: answer.bet is not None for request_id, answer in _decided(house).items()}
        for house in (leaving, staying)
    ]
    assert fates[0] == fates[1]
    for house in (leaving, staying):
        taken_minor = sum(answer.bet.stake.amount_minor for answer in _decided(house).values() if answer.bet)
        assert house.exposure.reservations == {}
        assert house.exposure.market.stake_total_minor == taken_minor


@given(st.lists(st.tuples(st.sampled_from(REQUESTS), st.integers(1, 25)), min_size=1, max_size=6))
def test_a_wait_for_a_request_ends_when_its_fate_is_known(calls: list[tuple[UUID, int]]) -> None:
    async def run() -> None:
        house = House()
        for request_id, turns in calls:
            call = asyncio.create_task(house.place(request_id, 0))
            for _ in range(turns):
                await asyncio.sleep(0)
            call.cancel()
            await house.gateways[0].wait_for(ReservationKey(PLAYER.player_id, request_id))
            assert await house.ledger.find_answer(PLAYER.player_id, request_id) is not None
        assert house.exposure.reservations == {}
        assert house.exposure.market != MarketExposure() or not house.exposure.bets

    asyncio.run(run())
