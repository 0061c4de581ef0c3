"""Results into money against a real PostgreSQL."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import uuid4

import asyncpg
import pytest

from bets.bet import Bet, BetEventKind, BetStatus
from bets.ports import ResultContradicts, ResultMessage, ResultReferred
from infra.settings import Settings
from infra.stores.postgres_settlement import SET_ASIDE_MAX
from kernel.errors import InvariantBroken
from markets.fixture import MarketStatus
from markets.results import MarketResult, Reduction, ResultKind
from odds.fixture.updates import ResultMark
from odds.folding.provider_rights import FIXTURE_NOT_QUOTED
from tests.builders.pricing_world import folded, in_play, priced, quotes, statuses, update
from tests.ledger_world import (
    LedgerWorld,
    build_command,
    correction,
    open_world,
    refusal_of,
    settlement,
)

ROLLBACK = correction(ResultKind.SETTLEMENT_ROLLBACK)
CANCEL = correction(ResultKind.CANCEL)
CANCEL_ROLLBACK = correction(ResultKind.CANCEL_ROLLBACK)
WON, LOST = settlement(home_won=True), settlement(home_won=False)


@pytest.fixture
async def world(settings: Settings) -> AsyncIterator[LedgerWorld]:
    async with open_world(settings) as opened:
        yield opened


@pytest.fixture
def fixture_id() -> str:
    return f"sim:test:{uuid4().hex}"


async def now(world: LedgerWorld, bet: Bet) -> Bet:
    found = await world.bets.get_bet(bet.player_id, bet.bet_id)
    assert found is not None
    return found


async def test_winners_are_paid_and_losers_are_not(world: LedgerWorld, fixture_id: str) -> None:
    winner, loser = [await world.open_player(cash_minor=1_000) for _ in range(2)]
    won = await world.bet(winner, stake_minor=300, fixture_id=fixture_id, odds_milli=2_333)
    other_id = f"{fixture_id}-other"
    lost = await world.bet(loser, stake_minor=300, fixture_id=other_id)
    assert await world.apply(fixture_id, WON, key=f"{fixture_id}/1") == 1
    assert await world.apply(other_id, LOST, key=f"{other_id}/1") == 1
    settled, unpaid = await now(world, won), await now(world, lost)
    assert (settled.status, settled.return_minor) == (BetStatus.SETTLED, 699)
    assert [event.amount_minor for event in settled.events] == [-300, 699]
    assert (unpaid.status, unpaid.return_minor) == (BetStatus.SETTLED, 0)
    assert (await world.cash_minor(winner), await world.cash_minor(loser)) == (1_399, 700)


async def test_a_result_delivered_again_changes_nothing(world: LedgerWorld, fixture_id: str) -> None:
    player = await world.open_player(cash_minor=1_000)
    bet = await world.bet(player, stake_minor=100, fixture_id=fixture_id)
    keys = [f"{fixture_id}/{number}" for number in range(2)]
    for _ in range(2):
        for key, result in zip(keys, (WON, ROLLBACK), strict=True):
            await world.apply(fixture_id, result, key=key)
    assert (await now(world, bet)).status is BetStatus.OPEN
    assert len((await now(world, bet)).events) == 3
    assert await world.cash_minor(player) == 900


async def test_the_same_result_under_another_key_leaves_settled_bets_untouched(
    world: LedgerWorld, fixture_id: str
) -> None:
    player = await world.open_player(cash_minor=1_000)
    bet = await world.bet(player, stake_minor=100, fixture_id=fixture_id)
    assert await world.apply(fixture_id, WON, key=f"{fixture_id}/1") == 1
    assert await world.apply(fixture_id, WON, key=f"{fixture_id}/2") == 0
    assert len((await now(world, bet)).events) == 2


async def test_another_result_under_the_same_key_is_no_result(world: LedgerWorld, fixture_id: str) -> None:
    await world.apply(fixture_id, WON, key=f"{fixture_id}/1")
    with pytest.raises(InvariantBroken):
        await world.apply(fixture_id, LOST, key=f"{fixture_id}/1")


async def test_a_result_from_before_digests_were_kept_is_the_same_when_it_comes_again(
    world: LedgerWorld, fixture_id: str
) -> None:
    player = await world.open_player(cash_minor=1_000)
    await world.bet(player, stake_minor=100, fixture_id=fixture_id)
    await world.apply(fixture_id, WON, key=f"{fixture_id}/1")
    await world.fetch(
        """UPDATE bets.settlement SET digest = NULL, result = '{"market_id": "1x2"}' WHERE fixture_id = $1""",
        fixture_id,
    )
    assert await world.apply(fixture_id, WON, key=f"{fixture_id}/1") == 0
    assert await world.cash_minor(player) == 1_100


async def test_a_result_that_is_applied_is_not_parked_when_it_comes_again_to_be_looked_at(
    world: LedgerWorld, fixture_id: str
) -> None:
    key = f"{fixture_id}/1"
    await world.apply(fixture_id, WON, key=key)
    assert await world.apply(fixture_id, replace(WON, referral_reason="LOOK"), key=key) == 0
    message = ResultMessage(key, "uof:1", fixture_id, "1x2", 1, b"", is_whole=False)
    await world.parked.park(message, reason="RESULT_REFERRED", detail="LOOK", holds_queue=False, is_held=True)
    assert fixture_id not in {row["fixture_id"] for row in await world.parked.list_waiting(1_000)}


OTHER = "betfair"
AWAY_UNKNOWN = replace(WON, outcomes=WON.outcomes[:1])
LOSER_WITHOUT_DEAD_HEAT = replace(WON, outcomes=(WON.outcomes[0], replace(WON.outcomes[1], dead_heat_factor_micro=0)))


@pytest.mark.parametrize(
    ("standing", "said"),
    [
        ((WON,), WON),
        ((WON,), AWAY_UNKNOWN),
        ((WON,), LOSER_WITHOUT_DEAD_HEAT),
        ((WON,), replace(WON, certainty=1)),
        ((CANCEL,), CANCEL),
        ((CANCEL,), correction(ResultKind.CANCEL, start_ms=1_000, end_ms=2_000)),
    ],
)
async def test_another_provider_that_says_the_same_changes_nothing(
    world: LedgerWorld, fixture_id: str, standing: tuple[MarketResult, ...], said: MarketResult
) -> None:
    player = await world.open_player(cash_minor=1_000)
    bet = await world.bet(player, stake_minor=100, fixture_id=fixture_id)
    for number, result in enumerate(standing):
        await world.apply(fixture_id, result, key=f"{fixture_id}/{number}")
    before = await now(world, bet)
    assert await world.apply(fixture_id, said, key=f"{fixture_id}/other", provider_id=OTHER) == 0
    assert await now(world, bet) == before
    # It is still the first provider's to take back, and nothing of the other's stands in the way.
    undo = ROLLBACK if standing[0].kind is ResultKind.SETTLEMENT else CANCEL_ROLLBACK
    assert await world.apply(fixture_id, undo, key=f"{fixture_id}/undo") == 1
    assert (await now(world, bet)).status is BetStatus.OPEN


async def test_a_referred_result_moves_no_money_until_a_person_wants_it_and_an_echo_needs_none(
    world: LedgerWorld, fixture_id: str
) -> None:
    player = await world.open_player(cash_minor=1_000)
    await world.bet(player, stake_minor=100, fixture_id=fixture_id)
    referred = replace(WON, referral_reason="LOOK")
    with pytest.raises(ResultReferred, match="LOOK"):
        await world.apply(fixture_id, referred, key=f"{fixture_id}/1")
    assert await world.cash_minor(player) == 900
    assert await world.apply(fixture_id, referred, key=f"{fixture_id}/1", is_decided=True) == 1
    assert await world.apply(fixture_id, referred, key=f"{fixture_id}/2", provider_id=OTHER) == 0


@pytest.mark.parametrize(
    ("standing", "said"),
    [
        ((WON,), LOST),
        ((AWAY_UNKNOWN,), WON),
        ((WON,), replace(WON, reductions=(Reduction(2**42, 100_000, False),))),
        ((WON,), ROLLBACK),
        ((WON,), CANCEL),
        ((WON,), correction(ResultKind.CANCEL, start_ms=1_000, end_ms=2_000)),
        ((CANCEL,), WON),
        ((CANCEL,), CANCEL_ROLLBACK),
        ((correction(ResultKind.CANCEL, start_ms=1_000, end_ms=2_000),), CANCEL),
        ((correction(ResultKind.CANCEL, start_ms=1_000),), correction(ResultKind.CANCEL_ROLLBACK, end_ms=1_001)),
        ((LOST, CANCEL), CANCEL_ROLLBACK),
    ],
)
async def test_another_provider_that_says_something_else_moves_no_money_until_a_person_wants_it(
    world: LedgerWorld, fixture_id: str, standing: tuple[MarketResult, ...], said: MarketResult
) -> None:
    player = await world.open_player(cash_minor=1_000)
    bet = await world.bet(player, stake_minor=100, fixture_id=fixture_id)
    for number, result in enumerate(standing):
        await world.apply(fixture_id, result, key=f"{fixture_id}/{number}")
    before, cash_minor = await now(world, bet), await world.cash_minor(player)
    key = f"{fixture_id}/other"
    for _ in range(2):
        with pytest.raises(ResultContradicts):
            await world.apply(fixture_id, said, key=key, provider_id=OTHER)
    assert (await now(world, bet), await world.cash_minor(player)) == (before, cash_minor)
    await world.apply(fixture_id, said, key=key, provider_id=OTHER, is_decided=True)
    assert await world.apply(fixture_id, said, key=key, provider_id=OTHER) == 0
    (row,) = await world.fetch("SELECT count(*) FROM bets.settlement WHERE fixture_id = $1", fixture_id)
    assert row["count"] == len(standing) + 1


@pytest.mark.parametrize(
    ("before", "said"),
    [
        ((WON, ROLLBACK), LOST),
        ((CANCEL, CANCEL_ROLLBACK), WON),
        ((correction(ResultKind.CANCEL, start_ms=1_000, end_ms=2_000),), WON),
        ((correction(ResultKind.CANCEL, start_ms=1_000, end_ms=2_000),), correction(ResultKind.CANCEL_ROLLBACK)),
        ((), ROLLBACK),
    ],
)
async def test_another_providers_word_counts_where_none_stands(
    world: LedgerWorld, fixture_id: str, before: tuple[MarketResult, ...], said: MarketResult
) -> None:
    for number, result in enumerate(before):
        await world.apply(fixture_id, result, key=f"{fixture_id}/{number}")
    if said == correction(ResultKind.CANCEL_ROLLBACK):
        with pytest.raises(ResultContradicts):
            await world.apply(fixture_id, said, key=f"{fixture_id}/other", provider_id=OTHER)
    else:
        await world.apply(fixture_id, said, key=f"{fixture_id}/other", provider_id=OTHER)


async def test_a_bet_that_cannot_be_paid_is_set_aside_and_its_market_goes_on(
    world: LedgerWorld, fixture_id: str
) -> None:
    players = [await world.open_player(cash_minor=1_000) for _ in range(5)]
    bets = [await world.bet(player, stake_minor=100, fixture_id=fixture_id) for player in players]
    rich = players[2]
    await world.set_posted(rich, 2**63 - 101)
    assert await world.apply(fixture_id, WON, key=f"{fixture_id}/1") == 4
    assert [(await now(world, bet)).status for bet in bets].count(BetStatus.SETTLED) == 4
    (aside,) = await world.fetch(
        "SELECT u.* FROM bets.unsettled u JOIN bets.leg USING (bet_id) WHERE fixture_id = $1", fixture_id
    )
    assert (aside["bet_id"], aside["return_minor"], aside["state"]) == (bets[2].bet_id, 200, "held")
    assert aside["reason"] == "AMOUNT_OUT_OF_RANGE"
    assert aside["detail"].startswith("an amount would be more than an account can hold")
    assert await world.apply(fixture_id, WON, key=f"{fixture_id}/1") == 0
    with pytest.raises(asyncpg.DataError):
        await world.parked.decide_bet(bets[2].bet_id, "redo", reason="again", decided_by="somebody")
    await world.set_posted(rich, 900)
    assert await world.parked.decide_bet(bets[2].bet_id, "redo", reason="balance mended", decided_by="somebody") == 1
    assert await world.parked.decide_bet(bets[2].bet_id, "redo", reason="once more", decided_by="somebody") == 0
    assert (await now(world, bets[2])).return_minor == 200
    assert await world.cash_minor(rich) == 1_100
    decisions = await world.fetch("SELECT decision, reason FROM bets.result_decision WHERE bet_id = $1", bets[2].bet_id)
    assert [tuple(row) for row in decisions] == [("redo", "balance mended")]


async def test_a_later_result_of_its_kind_overtakes_what_was_set_aside(world: LedgerWorld, fixture_id: str) -> None:
    player = await world.open_player(cash_minor=1_000)
    bet = await world.bet(player, stake_minor=100, fixture_id=fixture_id)
    await world.set_posted(player, 2**63 - 101)
    await world.apply(fixture_id, WON, key=f"{fixture_id}/1")
    await world.set_posted(player, 900)
    await world.apply(fixture_id, CANCEL, key=f"{fixture_id}/2")
    await world.apply(fixture_id, CANCEL_ROLLBACK, key=f"{fixture_id}/3")
    assert await world.parked.decide_bet(bet.bet_id, "redo", reason="mended", decided_by="somebody") == 1
    assert await world.cash_minor(player) == 1_100
    await world.apply(fixture_id, ROLLBACK, key=f"{fixture_id}/4")
    await world.set_posted(player, 2**63 - 101)
    await world.apply(fixture_id, WON, key=f"{fixture_id}/5")
    await world.set_posted(player, 900)
    await world.apply(fixture_id, LOST, key=f"{fixture_id}/6")
    assert await world.parked.decide_bet(bet.bet_id, "redo", reason="mended", decided_by="somebody") == 0
    assert (await now(world, bet)).return_minor == 0


async def test_where_most_bets_cannot_be_paid_it_is_the_result_that_cannot_be_applied(
    world: LedgerWorld, fixture_id: str
) -> None:
    player = await world.open_player(cash_minor=1_000)
    for _ in range(SET_ASIDE_MAX + 1):
        await world.bet(player, stake_minor=10, fixture_id=fixture_id)
    await world.set_posted(player, 2**63 - 1)
    with pytest.raises(asyncpg.DataError):
        await world.apply(fixture_id, WON, key=f"{fixture_id}/1")


async def test_a_correction_without_rollback_takes_back_and_settles_anew(world: LedgerWorld, fixture_id: str) -> None:
    player = await world.open_player(cash_minor=1_000)
    bet = await world.bet(player, stake_minor=100, fixture_id=fixture_id)
    await world.apply(fixture_id, WON, key=f"{fixture_id}/1")
    await world.apply(fixture_id, LOST, key=f"{fixture_id}/2")
    corrected = await now(world, bet)
    assert [event.kind for event in corrected.events][1:] == [
        BetEventKind.SETTLED,
        BetEventKind.SETTLEMENT_ROLLED_BACK,
        BetEventKind.SETTLED,
    ]
    assert corrected.return_minor == 0
    assert await world.cash_minor(player) == 900


async def test_a_settlement_after_a_rollback_settles_anew(world: LedgerWorld, fixture_id: str) -> None:
    player = await world.open_player(cash_minor=1_000)
    bet = await world.bet(player, stake_minor=100, fixture_id=fixture_id)
    for number, result in enumerate((LOST, ROLLBACK, WON)):
        await world.apply(fixture_id, result, key=f"{fixture_id}/{number}")
    assert (await now(world, bet)).return_minor == 200
    assert await world.cash_minor(player) == 1_100


async def test_a_rollback_that_cash_cannot_cover_leaves_a_debt_that_the_next_payout_repays(
    world: LedgerWorld, fixture_id: str
) -> None:
    player = await world.open_player(cash_minor=100)
    await world.bet(player, stake_minor=100, fixture_id=fixture_id)
    await world.apply(fixture_id, WON, key=f"{fixture_id}/1")
    await world.bet(player, stake_minor=150, fixture_id=f"{fixture_id}-other")
    await world.apply(fixture_id, ROLLBACK, key=f"{fixture_id}/2")
    assert (await world.cash_minor(player), await world.receivable_minor(player)) == (0, -150)
    await world.apply(fixture_id, WON, key=f"{fixture_id}/3")
    assert (await world.cash_minor(player), await world.receivable_minor(player)) == (50, 0)


async def test_pages_of_one_settle_everything_once(world: LedgerWorld, fixture_id: str) -> None:
    players = [await world.open_player(cash_minor=1_000) for _ in range(3)]
    bets = [await world.bet(players[n % 3], stake_minor=10, fixture_id=fixture_id) for n in range(7)]
    assert await world.apply(fixture_id, WON, key=f"{fixture_id}/1", page_size=1) == 7
    assert {(await now(world, bet)).return_minor for bet in bets} == {20}


async def test_two_agents_applying_one_result_pay_once(world: LedgerWorld, fixture_id: str, settings: Settings) -> None:
    player = await world.open_player(cash_minor=1_000)
    for _ in range(10):
        await world.bet(player, stake_minor=10, fixture_id=fixture_id)
    async with open_world(settings) as other:
        applied = await asyncio.gather(
            *(side.apply(fixture_id, WON, key=f"{fixture_id}/1", page_size=2) for side in (world, other))
        )
    assert sum(applied) == 10
    assert await world.cash_minor(player) == 1_100


async def test_bets_arriving_while_their_market_settles_are_settled_or_refused(
    world: LedgerWorld, fixture_id: str
) -> None:
    player = await world.open_player(cash_minor=100_000)

    async def bet_on() -> None:
        await asyncio.gather(*(world.bets.place(build_command(player, 10, fixture_id)) for _ in range(300)))

    await asyncio.gather(bet_on(), world.apply(fixture_id, WON, key=f"{fixture_id}/1", page_size=10))
    still_open = await world.fetch(
        "SELECT bet_id FROM bets.bet JOIN bets.leg USING (bet_id) WHERE fixture_id = $1 AND status = 1", fixture_id
    )
    assert still_open == []


async def test_a_cancellation_voids_only_its_window(world: LedgerWorld, fixture_id: str) -> None:
    player = await world.open_player(cash_minor=1_000)
    bets = []
    for _ in range(3):
        bets.append(await world.bet(player, stake_minor=100, fixture_id=fixture_id))
        await asyncio.sleep(0.005)
    window = (bets[1].placed_time_us // 1_000, bets[2].placed_time_us // 1_000)
    cancel = correction(ResultKind.CANCEL, start_ms=window[0], end_ms=window[1])
    assert await world.apply(fixture_id, cancel, key=f"{fixture_id}/1") == 1
    assert [(await now(world, bet)).status for bet in bets] == [BetStatus.OPEN, BetStatus.VOID, BetStatus.OPEN]
    assert await world.cash_minor(player) == 800
    undo = correction(ResultKind.CANCEL_ROLLBACK, start_ms=window[0], end_ms=window[1])
    assert await world.apply(fixture_id, undo, key=f"{fixture_id}/2") == 1
    assert (await now(world, bets[1])).status is BetStatus.OPEN
    assert await world.cash_minor(player) == 700


async def test_a_reduction_lowers_what_bets_placed_before_it_win(world: LedgerWorld, fixture_id: str) -> None:
    player = await world.open_player(cash_minor=1_000)
    before = await world.bet(player, stake_minor=100, fixture_id=fixture_id, odds_milli=5_000)
    await asyncio.sleep(0.005)
    after = await world.bet(player, stake_minor=100, fixture_id=fixture_id, odds_milli=5_000)
    withdrawn_ms = after.placed_time_us // 1_000
    reduced = replace(WON, reductions=(Reduction(withdrawn_ms, 200_000, False),))
    await world.apply(fixture_id, reduced, key=f"{fixture_id}/1")
    assert [(await now(world, bet)).return_minor for bet in (before, after)] == [400, 500]


async def is_closed(world: LedgerWorld, fixture_id: str, *, at_ms: int) -> bool:
    (row,) = await world.fetch("SELECT bets.market_is_closed($1, '1x2', $2)", fixture_id, at_ms * 1_000)
    closed: bool = row[0]
    return closed


async def test_a_market_is_closed_to_bets_that_a_cancellation_would_void(world: LedgerWorld, fixture_id: str) -> None:
    assert not await is_closed(world, fixture_id, at_ms=1_500)
    cancel = correction(ResultKind.CANCEL, start_ms=1_000, end_ms=2_000)
    await world.apply(fixture_id, cancel, key=f"{fixture_id}/1")
    closed = [at_ms for at_ms in (999, 1_000, 1_999, 2_000) if await is_closed(world, fixture_id, at_ms=at_ms)]
    assert closed == [1_000, 1_999]
    undo = correction(ResultKind.CANCEL_ROLLBACK, start_ms=1_500, end_ms=0)
    await world.apply(fixture_id, undo, key=f"{fixture_id}/2")
    closed = [at_ms for at_ms in (1_000, 1_499, 1_500) if await is_closed(world, fixture_id, at_ms=at_ms)]
    assert closed == [1_000, 1_499]


async def test_bets_are_refused_within_a_window_that_ends_later_and_taken_behind_it(
    world: LedgerWorld, fixture_id: str
) -> None:
    player = await world.open_player(cash_minor=1_000)
    before = await world.bet(player, stake_minor=100, fixture_id=fixture_id)
    start_ms = before.placed_time_us // 1_000 + 1
    await asyncio.sleep(0.005)
    within = await world.bet(player, stake_minor=100, fixture_id=fixture_id)
    end_ms = within.placed_time_us // 1_000 + 3_000
    cancel = correction(ResultKind.CANCEL, start_ms=start_ms, end_ms=end_ms)
    assert await world.apply(fixture_id, cancel, key=f"{fixture_id}/1") == 1
    refused = await world.bets.place(build_command(player, 100, fixture_id))
    assert refusal_of(refused).reason == "MARKET_CLOSED"
    await asyncio.sleep(end_ms / 1_000 - time.time() + 0.01)
    after = await world.bet(player, stake_minor=100, fixture_id=fixture_id)
    statuses = [(await now(world, bet)).status for bet in (before, within, after)]
    assert statuses == [BetStatus.OPEN, BetStatus.VOID, BetStatus.OPEN]


@pytest.mark.parametrize(("kind", "is_refused"), [(1, True), (2, False), (3, True), (4, False)])
async def test_while_a_result_is_parked_that_may_close_a_market_no_bet_is_taken(
    world: LedgerWorld, fixture_id: str, kind: int, *, is_refused: bool
) -> None:
    player = await world.open_player(cash_minor=1_000)
    message = ResultMessage(f"{fixture_id}/1", "uof:1", fixture_id, "1x2", kind, b"", is_whole=False)
    await world.parked.park(message, reason="RESULT_REFERRED", detail="look", holds_queue=False, is_held=True)
    answer = await world.bets.place(build_command(player, 100, fixture_id))
    assert (answer.refusal is not None) is is_refused
    (row,) = [row for row in await world.parked.list_waiting(1_000) if row["fixture_id"] == fixture_id]
    assert await world.parked.decide(row["parked_id"], "drop", reason="seen", decided_by="somebody") is None
    await world.bet(player, stake_minor=100, fixture_id=fixture_id)


@pytest.mark.parametrize(
    ("reason", "is_decided"),
    [("RESULT_CONTRADICTS", True), ("RESULT_REFERRED", True), ("RESULT_FAILED", False), ("RESULT_MALFORMED", False)],
)
async def test_redoing_what_failed_decides_nothing_about_what_other_providers_say(
    world: LedgerWorld, fixture_id: str, reason: str, *, is_decided: bool
) -> None:
    message = ResultMessage(f"{fixture_id}/1", "uof:1", fixture_id, "1x2", 1, b"", is_whole=False)
    await world.parked.park(message, reason=reason, detail="look", holds_queue=True, is_held=True)
    (row,) = [row for row in await world.parked.list_waiting(1_000) if row["fixture_id"] == fixture_id]
    assert await world.parked.decide(row["parked_id"], "redo", reason="seen", decided_by="somebody") is None
    (due,) = [due for due in await world.parked.list_due(1_000) if due.message.fixture_id == fixture_id]
    assert due.is_decided is is_decided
    assert await world.parked.decide(row["parked_id"], "drop", reason="seen", decided_by="somebody") is None


async def test_a_strangers_result_that_is_parked_closes_no_market(world: LedgerWorld, fixture_id: str) -> None:
    player = await world.open_player(cash_minor=1_000)
    message = ResultMessage(f"{fixture_id}/1", "stranger", fixture_id, "1x2", 1, b"", is_whole=False)
    await world.parked.park(
        message, reason="RESULT_REFERRED", detail=FIXTURE_NOT_QUOTED, holds_queue=False, is_held=True
    )
    await world.bet(player, stake_minor=100, fixture_id=fixture_id)


async def test_what_cannot_be_stored_as_it_came_is_parked_all_the_same(world: LedgerWorld, fixture_id: str) -> None:
    message = ResultMessage(f"{fixture_id}/\0", "uof\0", fixture_id, "1x2\0", 2**31 - 1, b"\0", is_whole=False)
    await world.parked.park(message, reason="RESULT_FAILED", detail="\0", holds_queue=True, is_held=True)
    (row,) = [row for row in await world.parked.list_waiting(1_000) if row["fixture_id"] == fixture_id]
    assert row["kind"] == 2**31 - 1


async def test_a_market_that_is_settled_or_cancelled_without_an_end_is_closed_until_that_is_undone(
    world: LedgerWorld, fixture_id: str
) -> None:
    for number, (result, closed) in enumerate(
        ((CANCEL, True), (WON, True), (CANCEL_ROLLBACK, True), (ROLLBACK, False), (CANCEL, True))
    ):
        await world.apply(fixture_id, result, key=f"{fixture_id}/{number}")
        assert await is_closed(world, fixture_id, at_ms=2**43) is closed


async def test_a_settled_bet_that_is_cancelled_and_reinstated_ends_settled(world: LedgerWorld, fixture_id: str) -> None:
    player = await world.open_player(cash_minor=1_000)
    bet = await world.bet(player, stake_minor=100, fixture_id=fixture_id)
    await world.apply(fixture_id, WON, key=f"{fixture_id}/1")
    await world.apply(fixture_id, CANCEL, key=f"{fixture_id}/2")
    assert (await now(world, bet)).status is BetStatus.VOID
    assert await world.cash_minor(player) == 1_000
    await world.apply(fixture_id, CANCEL_ROLLBACK, key=f"{fixture_id}/3")
    assert [event.kind for event in (await now(world, bet)).events] == [
        BetEventKind.ACCEPTED,
        BetEventKind.SETTLED,
        BetEventKind.SETTLEMENT_ROLLED_BACK,
        BetEventKind.VOIDED,
        BetEventKind.VOID_ROLLED_BACK,
        BetEventKind.SETTLED,
    ]
    assert await world.cash_minor(player) == 1_100


async def test_a_result_for_a_void_bet_counts_once_the_void_is_undone(world: LedgerWorld, fixture_id: str) -> None:
    player = await world.open_player(cash_minor=1_000)
    bet = await world.bet(player, stake_minor=100, fixture_id=fixture_id)
    await world.apply(fixture_id, CANCEL, key=f"{fixture_id}/1")
    await world.apply(fixture_id, WON, key=f"{fixture_id}/2")
    assert await world.cash_minor(player) == 1_000
    await world.apply(fixture_id, CANCEL_ROLLBACK, key=f"{fixture_id}/3")
    assert (await now(world, bet)).return_minor == 200
    assert await world.cash_minor(player) == 1_100


async def test_a_wholly_void_outcome_gives_the_stake_back_and_half_a_void_half(
    world: LedgerWorld, fixture_id: str
) -> None:
    player = await world.open_player(cash_minor=1_000)
    void = await world.bet(player, stake_minor=101, fixture_id=fixture_id)
    half = await world.bet(player, stake_minor=101, fixture_id=f"{fixture_id}-half")
    await world.apply(fixture_id, settlement(home_won=False, home_void_micro=1_000_000), key=f"{fixture_id}/1")
    await world.apply(f"{fixture_id}-half", settlement(home_won=False, home_void_micro=500_000), key=f"{fixture_id}/2")
    assert ((await now(world, void)).status, (await now(world, void)).return_minor) == (BetStatus.VOID, 101)
    assert ((await now(world, half)).status, (await now(world, half)).return_minor) == (BetStatus.SETTLED, 50)


async def test_while_providers_contradict_each_other_nothing_else_changes_their_market(
    world: LedgerWorld, fixture_id: str
) -> None:
    player = await world.open_player(cash_minor=1_000)
    bet = await world.bet(player, stake_minor=100, fixture_id=fixture_id)
    await world.apply(fixture_id, WON, key=f"{fixture_id}/1")
    before = await now(world, bet)
    await world.fetch(
        "INSERT INTO bets.parked_result (result_key, provider_id, fixture_id, market_id, kind, message, is_whole, "
        "holds_queue, state, reason, detail) "
        "VALUES ($1, 'other', $2, '1x2', 1, '', false, false, 'held', 'RESULT_CONTRADICTS', '')",
        f"{fixture_id}/case",
        fixture_id,
    )
    for number, said in enumerate((ROLLBACK, CANCEL, LOST)):
        with pytest.raises(ResultContradicts):
            await world.apply(fixture_id, said, key=f"{fixture_id}/more/{number}")
    assert await world.apply(fixture_id, WON, key=f"{fixture_id}/again", provider_id=OTHER) == 0
    assert await now(world, bet) == before
    await world.fetch(
        "UPDATE bets.parked_result SET state = 'dropped', ended_time_us = ledger.now_us() WHERE fixture_id = $1",
        fixture_id,
    )
    assert await world.apply(fixture_id, ROLLBACK, key=f"{fixture_id}/back") == 1


async def test_products_of_a_feed_correct_each_other(world: LedgerWorld, fixture_id: str) -> None:
    player = await world.open_player(cash_minor=1_000)
    await world.bet(player, stake_minor=100, fixture_id=fixture_id)
    await world.apply(fixture_id, WON, key=f"{fixture_id}/1", provider_id="uof:1")
    await world.apply(fixture_id, LOST, key=f"{fixture_id}/2", provider_id="uof:3")
    assert await world.cash_minor(player) == 900
    await world.apply(fixture_id, ROLLBACK, key=f"{fixture_id}/3", provider_id="uof:1")
    assert await world.cash_minor(player) == 900
    await world.apply(fixture_id, WON, key=f"{fixture_id}/4", provider_id="uof")
    with pytest.raises(ResultContradicts):
        await world.apply(fixture_id, LOST, key=f"{fixture_id}/5", provider_id="uofx")


@pytest.mark.parametrize(
    ("standing", "said", "words"),
    [
        (WON, LOST, "betfair says settled: away wins; by uof:1 it stands settled: home wins"),
        (WON, CANCEL, "betfair says cancelled; by uof:1 it stands settled: home wins"),
        (CANCEL, WON, "betfair says settled: home wins; by uof:1 it stands cancelled"),
        (WON, ROLLBACK, "betfair says the settlement taken back; by uof:1 it stands settled: home wins"),
    ],
)
async def test_a_contradiction_says_what_stands_by_whom_and_what_the_other_says(
    world: LedgerWorld, fixture_id: str, standing: MarketResult, said: MarketResult, words: str
) -> None:
    await world.apply(fixture_id, standing, key=f"{fixture_id}/1")
    with pytest.raises(ResultContradicts) as refused:
        await world.apply(fixture_id, said, key=f"{fixture_id}/2", provider_id="betfair")
    assert refused.value.message == words


async def test_book_and_ledger_agree_where_a_market_stands_after_any_results_of_one_provider(
    world: LedgerWorld,
) -> None:
    results = {ResultKind.SETTLEMENT: WON, ResultKind.SETTLEMENT_ROLLBACK: ROLLBACK}
    results |= {ResultKind.CANCEL: CANCEL, ResultKind.CANCEL_ROLLBACK: CANCEL_ROLLBACK}
    player = await world.open_player(cash_minor=1_000_000)
    for kinds in (kinds for length in (1, 2, 3) for kinds in itertools.product(results, repeat=length)):
        fixture_id = f"test:{uuid4()}"
        bet = await world.bet(player, stake_minor=100, fixture_id=fixture_id)
        state = folded(update(quoted=quotes(), state=in_play()))
        for number, kind in enumerate(kinds):
            await world.apply(fixture_id, results[kind], key=f"{fixture_id}/{number}")
            mark = ResultMark(kind, "1x2", is_windowed=False)
            state = folded(update(result_marks=(mark,)), state=state)
        (closed,) = await world.fetch("SELECT bets.market_is_closed($1, '1x2', ledger.now_us())", fixture_id)
        status = (await now(world, bet)).status
        book = {BetStatus.OPEN: MarketStatus.CLOSED, BetStatus.SETTLED: MarketStatus.SETTLED}
        assert statuses(priced(state))[0] == book.get(status, MarketStatus.CANCELLED), kinds
        quoted_again = folded(update(quoted=quotes()), state=state)
        assert (statuses(priced(quoted_again))[0] == MarketStatus.OPEN) is not closed[0], kinds
