"""Accumulators and systems in the ledger, which no door offers yet: placed, settled leg by leg, and audited."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import combinations, permutations
from math import prod
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from bets.bet import Bet, BetEventKind, BetStatus, Line
from infra.audit import check_ledger, run_check
from infra.audit_checks import CHECKS
from infra.audit_recomputed import RECOMPUTED
from infra.settings import Settings
from infra.stores.postgres import Connection
from infra.stores.postgres_chain import append_block
from infra.stores.postgres_records import append_records
from markets.results import OutcomeResult, ResultKind
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


async def test_a_leg_of_whose_outcome_a_result_says_nothing_stands_as_it_did(world: LedgerWorld) -> None:
    player = await world.open_player(cash_minor=1_000)
    fixture_id = uuid4().hex
    bet = await build_bet(
        world,
        player,
        [fixture_id] * 2,
        (2_000, 3_000),
        ((0,), (1,)),
        line_stake_minor=10,
        outcome_ids=("home", "away"),
    )
    await world.apply(fixture_id, LOST, key=f"{fixture_id}/1")
    home_is_void = replace(WON, outcomes=(OutcomeResult("home", 0, 1_000_000, 1_000_000),))
    await world.apply(fixture_id, home_is_void, key=f"{fixture_id}/2")
    found = await world.bets.get_bet(player.player_id, bet.bet_id)
    assert found is not None
    assert (found.status, found.return_minor) == (BetStatus.SETTLED, 10 + 30)


async def test_a_bet_has_none_of_the_results_that_were_taken_back_before_it_was_placed(world: LedgerWorld) -> None:
    earlier = await buy(world, TREBLE)
    await earlier.apply(1, WON, ROLLBACK, CANCEL, CANCEL_ROLLBACK)
    player = await world.open_player(cash_minor=1_000)
    fixture_ids = [leg.fixture_id for leg in earlier.bet.legs]
    bet = await build_bet(world, player, fixture_ids, ODDS_MILLI, TREBLE, line_stake_minor=100)
    await earlier.apply(1, LOST)
    kept = await world.fetch("SELECT leg, sequence, result_key FROM bets.leg_result WHERE bet_id = $1", bet.bet_id)
    assert [tuple(row) for row in kept] == [(1, 0, f"{fixture_ids[1]}/5")]
    await expect_clean(world)


async def test_what_could_not_be_paid_waits_for_its_own_market_and_no_other(world: LedgerWorld) -> None:
    coupon = await buy(world, TREBLE)
    await coupon.apply(0, WON)
    await coupon.apply(1, WON)
    await world.set_posted(coupon.player, 2**63 - 101)
    await coupon.apply(2, WON)
    await world.set_posted(coupon.player, 900)
    assert await coupon.stands() == (BetStatus.OPEN, 0, 900)
    await coupon.apply(0, LOST)
    assert await coupon.stands() == (BetStatus.SETTLED, 0, 900)
    assert await world.parked.decide_bet(coupon.bet.bet_id, "redo", reason="mended", decided_by="somebody") == 1
    await coupon.apply(0, WON)
    assert await coupon.stands() == (BetStatus.SETTLED, paid(TREBLE), 900 + paid(TREBLE))


FALSIFICATIONS = {
    "bets.bet": {
        "lines": "lines || 1::bigint",
        "stake_minor": "stake_minor + cardinality(lines)",
        "return_minor": "return_minor + 1",
        "status": "status % 3 + 1",
        "is_cancelled": "NOT is_cancelled",
    },
    "bets.leg": {
        "leg": "leg + 3",
        "fixture_id": "fixture_id || 'x'",
        "market_id": "market_id || 'x'",
        # How a leg that is cancelled would have come out decides nothing, but who told of it is kept.
        "outcome_id": (
            "CASE WHEN bet_id IN (SELECT bet_id FROM bets.leg_result WHERE kind = 3) THEN 'nobody' ELSE 'away' END"
        ),
        "decimal_odds_milli": "decimal_odds_milli * 2",
    },
    "bets.leg_result": {
        "bet_id": "gen_random_uuid()",
        "leg": "(leg + 1) % 3",
        "sequence": "sequence + 10",
        "kind": "kind % 4 + 1",
        "result_key": "result_key || 'x'",
    },
}
SETTLED_CHECKS = tuple(
    check
    for check in CHECKS
    if check in RECOMPUTED or check.name == "A bet has its legs, each in a line, and its return follows from their odds"
)
"""Those that work legs and lines out anew: the chains, and what is held against events, are not asked."""


async def test_each_falsified_column_of_each_leg_and_line_is_noticed_by_what_works_them_out_anew(
    world: LedgerWorld,
) -> None:
    won, part, void = await buy(world, TREBLE), await buy(world, TRIXIE), await buy(world, TRIXIE)
    for leg in range(3):
        await won.apply(leg, WON)
        await part.apply(leg, WON, *([CANCEL] if leg == 1 else []))
        await void.apply(leg, WON, CANCEL)
    async with world.pool.connection() as connection:
        assert not await complaints(connection)
        for table, columns in FALSIFICATIONS.items():
            places = [row[0] for row in await connection.fetch(f"SELECT ctid FROM {table} ORDER BY bet_id")]
            assert len(places) == {"bets.bet": 3, "bets.leg": 9, "bets.leg_result": 3 + 4 + 6}[table]
            unnoticed = [
                f"{table}.{column} of row {place}"
                for column, falsified in columns.items()
                for place in places
                if not await complaints(connection, f"UPDATE {table} SET {column} = {falsified} WHERE ctid = $1", place)
            ]
            assert not unnoticed


async def test_results_of_a_leg_that_are_lost_added_or_in_another_order_are_noticed(world: LedgerWorld) -> None:
    coupon = await buy(world, TREBLE)
    await coupon.apply(0, WON, ROLLBACK, LOST, CANCEL, CANCEL_ROLLBACK)
    await coupon.apply(1, WON)
    async with world.pool.connection() as connection:
        assert not await complaints(connection)
        assert await complaints(connection, "DELETE FROM bets.leg_result WHERE leg = 1")
        for first, second in ((0, 1), (1, 2), (3, 4)):
            swapped = f"UPDATE bets.leg_result SET sequence = {first} + {second} - sequence WHERE leg = 0 AND sequence "
            assert await complaints(connection, f"{swapped} IN ({first}, {second})"), (first, second)
        added = "INSERT INTO bets.leg_result SELECT bet_id, leg, sequence + 1, kind, 'made up' FROM bets.leg_result"
        assert await complaints(connection, f"{added} WHERE leg = 1")


async def complaints(connection: Connection, falsification: str = "SELECT", *arguments: object) -> list[str]:
    """Return what is wrong with legs and lines once that has been done, and undo it."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute("SET LOCAL session_replication_role = replica")
        try:
            await connection.execute(falsification, *arguments)
        except asyncpg.IntegrityConstraintViolationError as error:
            return [str(error)]
        return [violation for check in SETTLED_CHECKS for violation in (await run_check(connection, check)).violations]
    finally:
        await transaction.rollback()
