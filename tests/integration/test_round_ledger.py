"""Rounds of our own games against a real PostgreSQL: one commit each, once for each request, never too soon."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import uuid4

import pytest

from casino.games import StakeTooHigh
from casino.rounds import CycleTooShort, InsufficientFunds
from infra.settings import Settings
from kernel.commands import RequestIdReused
from kernel.ids import IdMalformed
from kernel.money import CurrencyMismatch, Money
from pam.player import PlayerBlocked, PlayerStatus
from tests.ledger_world import LedgerWorld, build_command, build_spin, open_world

BELLS, NOTHING = (9, 2, 4), (0, 0, 0)


@pytest.fixture
async def world(settings: Settings) -> AsyncIterator[LedgerWorld]:
    async with open_world(settings) as opened:
        yield opened


async def transfers(world: LedgerWorld, round_id: object) -> list[tuple[str, int, int]]:
    rows = await world.fetch(
        "SELECT kind, leg, amount_minor FROM ledger.transfer WHERE subject_id = $1 ORDER BY leg", round_id
    )
    return [tuple(row) for row in rows]


async def test_a_round_takes_its_stake_and_pays_its_win_in_one_commit(world: LedgerWorld) -> None:
    player = await world.open_player(cash_minor=1_000)
    played = await world.spin(player, BELLS, win_minor=15_000)
    assert (played.balance.available_minor, played.balance.account_version) == (15_900, 3)
    assert await transfers(world, played.round.round_id) == [("stake", 0, 100), ("win", 1, 15_000)]
    rows = await world.fetch(
        "SELECT count(DISTINCT id) FROM (SELECT transaction_id AS id FROM casino.round WHERE round_id = $1 UNION ALL "
        "SELECT transaction_id FROM ledger.transfer WHERE subject_id = $1 UNION ALL "
        "SELECT transaction_id FROM ledger.outbox WHERE subject = $1 AND event = 'round_played') AS whole",
        played.round.round_id,
    )
    assert rows[0][0] == 1
    assert await world.rounds.get_round(player.player_id, played.round.round_id) == played.round


async def test_a_round_that_wins_nothing_moves_its_stake_alone(world: LedgerWorld) -> None:
    player = await world.open_player(cash_minor=100)
    played = await world.spin(player, NOTHING, win_minor=0)
    assert played.balance.available_minor == 0
    assert await transfers(world, played.round.round_id) == [("stake", 0, 100)]


async def test_a_request_is_played_once_and_keeps_its_first_draw(world: LedgerWorld) -> None:
    player = await world.open_player(cash_minor=1_000)
    first = build_spin(player, NOTHING, win_minor=0, cycle_ms=60_000)
    played = await world.rounds.play(first)
    again = await world.rounds.play(replace(first, stops=BELLS, win=Money(15_000, "EUR")))
    assert again == played
    assert await world.rounds.find(player.player_id, first.request_id, first.fingerprint) == played
    assert await world.cash_minor(player) == 900
    with pytest.raises(RequestIdReused):
        await world.rounds.play(build_spin(player, NOTHING, win_minor=0, stake_minor=50, request_id=first.request_id))
    with pytest.raises(RequestIdReused):
        await world.rounds.find(player.player_id, first.request_id, bytes(32))
    assert await world.rounds.find(player.player_id, uuid4(), first.fingerprint) is None


async def test_a_request_sent_many_times_at_once_is_one_round(world: LedgerWorld) -> None:
    player = await world.open_player(cash_minor=1_000)
    command = build_spin(player, BELLS, win_minor=15_000, cycle_ms=60_000)
    played = await asyncio.gather(*(world.rounds.play(command) for _ in range(20)))
    assert len({each.round.round_id for each in played}) == 1
    assert await world.cash_minor(player) == 15_900


async def test_spins_of_a_player_are_a_cycle_apart_whatever_asks_at_once(world: LedgerWorld) -> None:
    player = await world.open_player(cash_minor=1_000)
    spins = (world.rounds.play(build_spin(player, NOTHING, win_minor=0, cycle_ms=60_000)) for _ in range(10))
    outcomes = await asyncio.gather(*spins, return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, CycleTooShort)]
    assert len(refused) == 9
    assert all(0 < int(refusal.figures["wait_ms"]) <= 60_000 for refusal in refused)
    assert await world.cash_minor(player) == 900


async def test_a_cycle_ends_to_the_microsecond_by_the_ledgers_clock(world: LedgerWorld) -> None:
    player = await world.open_player(cash_minor=1_000)
    await world.spin(player, NOTHING, win_minor=0)
    with pytest.raises(CycleTooShort) as refused:
        await world.rounds.play(build_spin(player, NOTHING, win_minor=0, cycle_ms=400))
    await asyncio.sleep(int(refused.value.figures["wait_ms"]) / 1_000)
    await world.rounds.play(build_spin(player, NOTHING, win_minor=0, cycle_ms=400))
    rounds, _ = await world.rounds.list_rounds(player.player_id, size=2, before="")
    assert rounds[0].time_us - rounds[1].time_us >= 400_000


async def test_a_refusal_moves_and_keeps_nothing_and_the_request_may_come_again(world: LedgerWorld) -> None:
    player = await world.open_player(cash_minor=99)
    command = build_spin(player, BELLS, win_minor=15_000)
    with pytest.raises(InsufficientFunds) as refused:
        await world.rounds.play(command)
    assert refused.value.figures == {"stake_max_minor": "99"}
    assert await world.rounds.find(player.player_id, command.request_id, command.fingerprint) is None
    await world.wallet.deposit_test_money(uuid4(), player.cash_account_id, Money(1, "EUR"))
    assert (await world.rounds.play(command)).balance.available_minor == 15_000


async def test_the_ledger_holds_the_cap_the_player_and_the_currency_itself(world: LedgerWorld) -> None:
    player = await world.open_player(cash_minor=10_000)
    with pytest.raises(StakeTooHigh) as refused:
        await world.rounds.play(build_spin(player, NOTHING, win_minor=0, stake_minor=501))
    assert refused.value.figures == {"stake_max_minor": "500"}
    assert (await world.rounds.play(build_spin(player, NOTHING, win_minor=0, stake_minor=500))).round.stake.amount_minor
    with pytest.raises(CurrencyMismatch):
        await world.rounds.play(replace(build_spin(player, NOTHING, win_minor=0), stake=Money(100, "JPY")))
    await world.players.set_status(player.username, PlayerStatus.BLOCKED)
    with pytest.raises(PlayerBlocked):
        await world.rounds.play(build_spin(player, NOTHING, win_minor=0))
    assert await world.cash_minor(player) == 9_500


async def test_bets_and_spins_at_once_never_spend_more_than_there_is(world: LedgerWorld) -> None:
    player = await world.open_player(cash_minor=1_000)
    spins = (world.rounds.play(build_spin(player, NOTHING, win_minor=0)) for _ in range(10))
    bets = (world.bets.place(build_command(player, 100, "sim:both:1")) for _ in range(10))
    outcomes = await asyncio.gather(*spins, *bets, return_exceptions=True)
    taken = sum(1 for each in outcomes if getattr(each, "round", None) or getattr(each, "bet", None))
    assert taken == 10
    assert await world.cash_minor(player) == 0


async def test_rounds_are_listed_newest_first_page_by_page_and_are_their_players(world: LedgerWorld) -> None:
    player, other = await world.open_player(cash_minor=1_000), await world.open_player(cash_minor=1_000)
    played = [(await world.spin(player, NOTHING, win_minor=0)).round for _ in range(5)]
    pages, token = [], ""
    for _ in range(3):
        page, token = await world.rounds.list_rounds(player.player_id, size=2, before=token)
        pages.append(page)
    assert [len(page) for page in pages] == [2, 2, 1]
    assert token == ""
    assert [each for page in pages for each in page] == played[::-1]
    assert await world.rounds.get_round(other.player_id, played[0].round_id) is None
    assert await world.rounds.list_rounds(other.player_id, size=2, before="") == ([], "")
    with pytest.raises(IdMalformed):
        await world.rounds.list_rounds(player.player_id, size=2, before="1.x")
