"""Accumulators and systems in the ledger, which no door offers yet: placed, settled leg by leg, and audited."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import combinations, permutations
from math import prod
from uuid import uuid4

import pytest
import pytest_asyncio

from bets.bet import Bet, BetEventKind, BetStatus, Line
from infra.audit import check_ledger
from infra.settings import Settings
from infra.stores.postgres_chain import append_block
from infra.stores.postgres_records import append_records
from markets.results import ResultKind
from pam.player import Player
from tests.ledger_world import LedgerWorld, build_bet, correction, open_world, scratch_database, settlement

ODDS_MILLI = (2_000, 3_001, 1_503)
TREBLE: tuple[Line, ...] = ((0, 1, 2),)
TRIXIE: tuple[Line, ...] = (*combinations(range(3), 2), (0, 1, 2))
WON, LOST = settlement(home_won=True), settlement(home_won=False)
CANCEL, CANCEL_ROLLBACK = correction(ResultKind.CANCEL), correction(ResultKind.CANCEL_ROLLBACK)
ROLLBACK = correction(ResultKind.SETTLEMENT_ROLLBACK)


@pytest_asyncio.fixture
async def world(settings: Settings) -> AsyncIterator[LedgerWorld]:
    async with scratch_database(settings) as scratch, open_world(scratch) as opened:
        yield opened
        await expect_clean(opened)


async def expect_clean(world: LedgerWorld) -> None:
    await world.wait_for_horizon()
    async with world.pool.connection() as connection:
        while await append_block(connection, transfers_max=50):
            pass
        while await append_records(connection, records_max=50):
            pass
        findings = await check_ledger(connection)
    assert {finding.name: finding.violations for finding in findings if finding.violations} == {}


class Coupon:
    """A bet on the home side of three fixtures, and what becomes of it."""

    def __init__(self, world: LedgerWorld, player: Player, bet: Bet) -> None:
        self.world = world
        self.player = player
        self.bet = bet
        self._keys = 0

    async def apply(self, leg: int, *results: object) -> None:
        for result in results:
            self._keys += 1
            fixture_id = self.bet.legs[leg].fixture_id
            await self.world.apply(fixture_id, result, key=f"{fixture_id}/{self._keys}")  # type: ignore[arg-type]

    async def stands(self) -> tuple[BetStatus, int, int]:
        """Return status, return and the cash of its player."""
        bet = await self.world.bets.get_bet(self.player.player_id, self.bet.bet_id)
        assert bet is not None
        return bet.status, bet.return_minor, await self.world.cash_minor(self.player)


async def buy(world: LedgerWorld, lines: tuple[Line, ...], *, line_stake_minor: int = 100) -> Coupon:
    player = await world.open_player(cash_minor=1_000)
    fixture_ids = [uuid4().hex for _ in ODDS_MILLI]
    bet = await build_bet(world, player, fixture_ids, ODDS_MILLI, lines, line_stake_minor=line_stake_minor)
    return Coupon(world, player, bet)


def paid(lines: tuple[Line, ...], *lost: int) -> int:
    return sum(
        100 * prod(ODDS_MILLI[leg] for leg in line) // 1_000 ** len(line) for line in lines if not set(line) & set(lost)
    )


async def test_a_bet_comes_back_as_it_was_placed(world: LedgerWorld) -> None:
    coupon = await buy(world, TRIXIE)
    found = await world.bets.get_bet(coupon.player.player_id, coupon.bet.bet_id)
    assert found == coupon.bet
    assert (found.lines, found.stake.amount_minor, found.potential_return_minor) == (TRIXIE, 400, paid(TRIXIE))


@pytest.mark.parametrize("order", [*permutations(range(3))], ids=str)
async def test_a_treble_is_paid_with_its_last_leg_and_not_before(world: LedgerWorld, order: tuple[int, ...]) -> None:
    coupon = await buy(world, TREBLE)
    for leg in order[:2]:
        await coupon.apply(leg, WON)
        assert await coupon.stands() == (BetStatus.OPEN, 0, 900)
    await coupon.apply(order[2], WON)
    assert await coupon.stands() == (BetStatus.SETTLED, paid(TREBLE), 900 + paid(TREBLE))


async def test_a_leg_that_loses_decides_its_lines_and_what_comes_later_changes_nothing(world: LedgerWorld) -> None:
    treble, trixie = await buy(world, TREBLE), await buy(world, TRIXIE)
    await treble.apply(1, LOST)
    assert await treble.stands() == (BetStatus.SETTLED, 0, 900)
    await treble.apply(0, WON)
    await treble.apply(2, WON, CANCEL)
    assert await treble.stands() == (BetStatus.SETTLED, 0, 900)
    await trixie.apply(1, LOST)
    assert await trixie.stands() == (BetStatus.OPEN, 0, 600)
    await trixie.apply(0, WON)
    await trixie.apply(2, WON)
    assert await trixie.stands() == (BetStatus.SETTLED, paid(TRIXIE, 1), 600 + paid(TRIXIE, 1))


async def test_a_result_that_is_taken_back_takes_the_money_with_it(world: LedgerWorld) -> None:
    coupon = await buy(world, TREBLE)
    for leg in range(3):
        await coupon.apply(leg, WON)
    await coupon.apply(1, ROLLBACK)
    assert await coupon.stands() == (BetStatus.OPEN, 0, 900)
    await coupon.apply(1, LOST)
    assert await coupon.stands() == (BetStatus.SETTLED, 0, 900)
    await coupon.apply(1, CANCEL)
    without_it_minor = 100 * ODDS_MILLI[0] * ODDS_MILLI[2] // 1_000_000
    assert await coupon.stands() == (BetStatus.SETTLED, without_it_minor, 900 + without_it_minor)
    await coupon.apply(1, CANCEL_ROLLBACK)
    assert await coupon.stands() == (BetStatus.SETTLED, 0, 900)


async def test_a_bet_all_of_whose_legs_are_cancelled_gets_its_stake_back(world: LedgerWorld) -> None:
    coupon = await buy(world, TRIXIE)
    for leg in range(3):
        assert await coupon.stands() == (BetStatus.OPEN, 0, 600)
        await coupon.apply(leg, CANCEL)
    assert await coupon.stands() == (BetStatus.VOID, 400, 1_000)
    await coupon.apply(2, CANCEL_ROLLBACK, WON)
    bet = await world.bets.get_bet(coupon.player.player_id, coupon.bet.bet_id)
    assert bet is not None
    kinds = [event.kind for event in bet.events]
    assert kinds == [BetEventKind.ACCEPTED, BetEventKind.VOIDED, BetEventKind.VOID_ROLLED_BACK, BetEventKind.SETTLED]
    line_minor = 100 * ODDS_MILLI[2] // 1_000
    assert bet.return_minor == 100 + 3 * line_minor


async def test_results_that_come_at_once_are_all_counted(world: LedgerWorld) -> None:
    coupons = [await buy(world, TREBLE) for _ in range(4)]
    await asyncio.gather(*(coupon.apply(leg, WON) for coupon in coupons for leg in range(3)))
    assert {(await coupon.stands())[:2] for coupon in coupons} == {(BetStatus.SETTLED, paid(TREBLE))}


async def test_a_bet_with_two_legs_on_one_market_is_settled_by_one_result(world: LedgerWorld) -> None:
    player = await world.open_player(cash_minor=1_000)
    fixture_id = uuid4().hex
    bets = [
        await build_bet(world, player, [fixture_id, fixture_id], (2_000, 3_000), ((0,), (1,)), line_stake_minor=10)
        for _ in range(3)
    ]
    assert await world.apply(fixture_id, WON, key=f"{fixture_id}/1", page_size=1) == 3
    found = [await world.bets.get_bet(player.player_id, bet.bet_id) for bet in bets]
    assert [bet and bet.return_minor for bet in found] == [50, 50, 50]
