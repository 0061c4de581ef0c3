"""Claims on a real PostgreSQL: what is under way at one gateway is seen by every other, and ends once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from bets.answer import BetAnswer, BetRefusal, PlaceCommand, StakeBounds
from bets.placement import BetPlacement, BettingRules
from bets.request import LegRequest, SlipRequest
from infra.audit import check_ledger
from infra.settings import Settings
from kernel.clock import SystemClock
from kernel.commands import RequestIdReused
from kernel.errors import Unavailable
from markets.fixture import MarketStatus
from pam.player import Player
from risk.limits import LimitTable
from tests.currencies import terms
from tests.fakes.fake_betting import (
    FakeBook,
    FakeBooks,
    FakeExposure,
    FakeObserver,
    PlacementOfSingles,
    permits,
    single,
)
from tests.ledger_world import (
    LedgerWorld,
    build_command,
    claim_of,
    inquiry_of,
    open_world,
    refusal_of,
    scratch_database,
    settlement,
)

SOON_US = 3_000_000
BOUNDS = StakeBounds(stake_minor_min=10, stake_minor_max=1_000, market_stake_minor_max=1_000)


@pytest.fixture
async def world(settings: Settings) -> AsyncIterator[LedgerWorld]:
    async with open_world(settings) as opened:
        yield opened


@pytest.fixture
async def other(settings: Settings) -> AsyncIterator[LedgerWorld]:
    async with open_world(settings) as opened:
        yield opened


def fixture() -> str:
    return f"sim:test:{uuid4().hex}"


async def claim(world: LedgerWorld, command: PlaceCommand, *, market_stake_minor_max: int = 10**9) -> bool:
    until_us = await world.now_us() + SOON_US
    wanted = claim_of(command, until_us=until_us, market_stake_minor_max=market_stake_minor_max)
    return (await world.bets.claim(wanted)).is_claimed


async def holds_of(world: LedgerWorld, player: Player) -> list[tuple[str, int, int]]:
    rows = await world.fetch(
        "SELECT state, amount_minor, posted_minor FROM ledger.hold WHERE account_id = $1 ORDER BY begun_time_us",
        player.cash_account_id,
    )
    return [(row["state"], row["amount_minor"], row["posted_minor"]) for row in rows]


async def balance_of(world: LedgerWorld, player: Player) -> tuple[int, int]:
    balance = await world.wallet.balance(player.cash_account_id)
    return balance.available_minor, balance.held_minor


async def test_a_claim_becomes_its_bet_in_the_commit_that_takes_the_stake(world: LedgerWorld) -> None:
    player = await world.open_player(cash_minor=1_000)
    command = build_command(player, 700, fixture())
    assert await claim(world, command)
    assert await balance_of(world, player) == (300, 700)
    answer = await world.bets.place(command)
    assert answer.bet is not None
    assert answer.balance is not None
    assert (answer.balance.available_minor, answer.balance.held_minor) == (300, 0)
    assert await balance_of(world, player) == (300, 0)
    assert await holds_of(world, player) == [("posted", 700, 700)]
    assert (await world.bets.claim(claim_of(command, until_us=2**60))).answer == replace(answer, is_replay=True)
    assert await holds_of(world, player) == [("posted", 700, 700)]


async def test_a_claim_is_released_with_the_refusal(world: LedgerWorld) -> None:
    player = await world.open_player(cash_minor=1_000)
    refusal = BetRefusal("PRICE_CHANGED", "Price is another now")
    refused = build_command(player, 700, fixture(), refusal=refusal)
    closed = build_command(player, 300, fixture())
    assert await claim(world, refused)
    assert await claim(world, closed)
    await world.apply(closed.legs[0].fixture_id, settlement(home_won=True), key=uuid4().hex)
    answers = [await world.bets.place(command) for command in (refused, closed)]
    assert [refusal_of(answer).reason for answer in answers] == ["PRICE_CHANGED", "MARKET_CLOSED"]
    assert await balance_of(world, player) == (1_000, 0)
    assert await holds_of(world, player) == [("voided", 700, 0), ("voided", 300, 0)]


@pytest.mark.parametrize(("stake_minor", "is_claimed"), [(300, True), (301, False)])
async def test_what_one_gateway_claims_is_not_there_for_the_other(
    world: LedgerWorld, other: LedgerWorld, stake_minor: int, is_claimed: bool
) -> None:
    player = await world.open_player(cash_minor=1_000)
    under_way = build_command(player, 700, fixture())
    assert await claim(world, under_way)
    command = build_command(player, stake_minor, fixture())
    assert (await other.bets.look(inquiry_of(command))).available_minor == 300
    assert await claim(other, command) is is_claimed
    at_once = build_command(player, 301, fixture())
    refusal = refusal_of(await other.bets.place(at_once))
    assert (refusal.reason, refusal.stake_max_minor) == ("INSUFFICIENT_FUNDS", 0 if is_claimed else 300)
    assert (await world.bets.place(under_way)).bet is not None


@pytest.mark.parametrize(("stake_minor", "is_taken"), [(300, True), (301, False)])
async def test_claims_count_towards_what_a_player_may_have_on_a_market(
    world: LedgerWorld, other: LedgerWorld, stake_minor: int, is_taken: bool
) -> None:
    player, fixture_id = await world.open_player(cash_minor=10_000), fixture()
    under_way = replace(build_command(player, 700, fixture_id), bounds=BOUNDS)
    assert await claim(world, under_way, market_stake_minor_max=1_000)
    at_once = replace(build_command(player, stake_minor, fixture_id), bounds=BOUNDS)
    assert (await other.bets.look(inquiry_of(at_once))).market_stake_minor == 700
    assert not await claim(other, build_command(player, 301, fixture_id), market_stake_minor_max=1_000)
    answer = await other.bets.place(at_once)
    assert (answer.bet is not None) is is_taken
    assert is_taken or refusal_of(answer).stake_max_minor == 300
    assert await claim(other, build_command(player, 1_000, fixture()), market_stake_minor_max=1_000)
    assert (await world.bets.place(under_way)).bet is not None


async def test_claimed_and_other_bets_of_one_batch_share_what_a_player_may_have_on_a_market(world: LedgerWorld) -> None:
    player, fixture_id = await world.open_player(cash_minor=10_000), fixture()
    commands = [replace(build_command(player, 400, fixture_id), bounds=BOUNDS) for _ in range(4)]
    taken, refused = commands[:2]
    for command in (taken, refused):
        assert await claim(world, command, market_stake_minor_max=1_000)
    refused = replace(refused, refusal=BetRefusal("PRICE_CHANGED", "Price is another now"))
    answers = await asyncio.gather(*(world.bets.place(command) for command in (taken, refused, *commands[2:])))
    assert [answer.bet is not None for answer in answers] == [True, False, True, False]
    assert refusal_of(answers[3]).stake_max_minor == 200
    assert await balance_of(world, player) == (9_200, 0)


async def test_a_claimed_bet_is_not_asked_for_its_means_again(world: LedgerWorld) -> None:
    player, fixture_id = await world.open_player(cash_minor=1_000), fixture()
    command = build_command(player, 1_000, fixture_id)
    assert await claim(world, command)
    stricter = replace(BOUNDS, market_stake_minor_max=999)
    assert (await world.bets.place(replace(command, bounds=stricter))).bet is not None


async def test_what_settlement_takes_back_leaves_a_claim_its_stake(world: LedgerWorld) -> None:
    player, fixture_id = await world.open_player(cash_minor=100), fixture()
    await world.bet(player, stake_minor=100, fixture_id=fixture_id)
    await world.apply(fixture_id, settlement(home_won=True), key=f"{fixture_id}/1")
    command = build_command(player, 150, fixture())
    assert await claim(world, command)
    await world.apply(fixture_id, settlement(home_won=False), key=f"{fixture_id}/2")
    assert await balance_of(world, player) == (0, 150)
    assert await world.receivable_minor(player) == -150
    assert (await world.bets.place(command)).bet is not None


async def test_a_claim_whose_time_is_over_is_nobodys_and_its_request_may_be_claimed_anew(
    world: LedgerWorld, other: LedgerWorld
) -> None:
    player = await world.open_player(cash_minor=1_000)
    command = build_command(player, 700, fixture())
    assert await claim(world, command)
    with pytest.raises(Unavailable):
        await other.bets.find_answer(player.player_id, command.request_id)
    await world.let_claims_end(player)
    assert await other.bets.find_answer(player.player_id, command.request_id) is None
    assert (await other.bets.look(inquiry_of(command))).available_minor == 1_000
    assert await claim(other, command)
    await world.let_claims_end(player)
    await world.bet(player, stake_minor=1_000, fixture_id=fixture())
    assert refusal_of(await other.bets.place(command)).reason == "INSUFFICIENT_FUNDS"
    assert await holds_of(world, player) == [("expired", 700, 0), ("expired", 700, 0)]


async def test_what_nobody_ends_is_swept(world: LedgerWorld) -> None:
    players = [await world.open_player(cash_minor=1_000) for _ in range(3)]
    for player in players:
        assert await claim(world, build_command(player, 700, fixture()))
    for player in players[:2]:
        await world.let_claims_end(player)
    async with world.pool.transaction() as connection:
        await connection.execute(
            "SELECT FROM ledger.account WHERE account_id = $1 FOR UPDATE", players[0].cash_account_id
        )
        await world.fetch("SELECT ledger.sweep_holds(100)")
    assert [await balance_of(world, player) for player in players] == [(300, 700), (1_000, 0), (300, 700)]
    await world.fetch("SELECT ledger.sweep_holds(100)")
    assert [await balance_of(world, player) for player in players] == [(1_000, 0), (1_000, 0), (300, 700)]
    assert await holds_of(world, players[0]) == [("expired", 700, 0)]


async def test_a_claim_that_comes_too_late_sets_nothing_aside(world: LedgerWorld) -> None:
    player = await world.open_player(cash_minor=1_000)
    command = build_command(player, 700, fixture())
    with pytest.raises(Unavailable):
        await world.bets.claim(claim_of(command, until_us=await world.now_us() - 1))
    assert await holds_of(world, player) == []


async def test_one_request_at_two_gateways_is_one_claim_until_the_later_time(
    world: LedgerWorld, other: LedgerWorld
) -> None:
    player = await world.open_player(cash_minor=1_000)
    command = build_command(player, 700, fixture())
    now_us = await world.now_us()
    claims = [claim_of(command, until_us=now_us + after_us) for after_us in (SOON_US, 2 * SOON_US, SOON_US)]
    standings = await asyncio.gather(
        *(side.bets.claim(wanted) for side, wanted in zip((world, other, other), claims, strict=True))
    )
    assert all(standing.is_claimed for standing in standings)
    assert {standing.available_minor for standing in standings} == {1_000}
    rows = await world.fetch("SELECT expires_time_us FROM ledger.hold WHERE account_id = $1", player.cash_account_id)
    assert [row["expires_time_us"] for row in rows] == [now_us + 2 * SOON_US]
    answers = await asyncio.gather(*(side.bets.place(command) for side in (world, other)))
    assert answers[0].bet == answers[1].bet is not None
    assert await balance_of(world, player) == (300, 0)


async def test_another_content_neither_decides_nor_claims_what_is_claimed(
    world: LedgerWorld, other: LedgerWorld
) -> None:
    player = await world.open_player(cash_minor=1_000)
    command = build_command(player, 700, fixture())
    changed = build_command(player, 1, fixture(), request_id=command.request_id)
    assert await claim(world, command)
    for call in (
        other.bets.place(changed),
        other.bets.look(inquiry_of(changed)),
        other.bets.claim(claim_of(changed, until_us=2**60)),
    ):
        with pytest.raises(RequestIdReused):
            await call
    assert (await world.bets.place(command)).bet is not None


async def test_who_is_held_by_others_keeps_no_other_claim_waiting(world: LedgerWorld) -> None:
    held, free = [await world.open_player(cash_minor=1_000) for _ in range(2)]
    async with world.pool.transaction() as connection:
        await connection.execute("SELECT FROM ledger.account WHERE account_id = $1 FOR UPDATE", held.cash_account_id)
        waiting = asyncio.create_task(claim(world, build_command(held, 700, fixture())))
        async with asyncio.timeout(1):
            assert await claim(world, build_command(free, 700, fixture()))
        assert not waiting.done()
    assert await waiting


async def test_no_number_of_claims_at_two_gateways_is_more_than_the_player_has(
    world: LedgerWorld, other: LedgerWorld
) -> None:
    player, fixture_id = await world.open_player(cash_minor=1_050), fixture()
    commands = [build_command(player, 100, fixture_id if number % 3 else fixture()) for number in range(30)]
    claimed = await asyncio.gather(
        *(
            claim((world, other)[number % 2], command, market_stake_minor_max=500)
            for number, command in enumerate(commands)
        )
    )
    granted = [command for command, is_claimed in zip(commands, claimed, strict=True) if is_claimed]
    assert len(granted) == 10
    assert sum(command.legs[0].fixture_id == fixture_id for command in granted) <= 5
    answers = await asyncio.gather(
        *((other, world)[number % 2].bets.place(command) for number, command in enumerate(commands))
    )
    taken = {answer.bet.request_id for answer in answers if answer.bet is not None}
    assert taken == {command.request_id for command in granted}
    assert await balance_of(world, player) == (50, 0)


class Gateway:
    """The parts of one gateway that decide bets, on its way to the ledger, with a book and exposure that all see."""

    def __init__(self, world: LedgerWorld, books: FakeBooks, exposure: FakeExposure, *, delay_ms: int) -> None:
        self.world = world
        placement = BetPlacement(
            permits=permits(),
            books=books,
            exposure=exposure,
            ledger=world.bets,
            observer=FakeObserver(),
            clock=SystemClock(),
            rules=BettingRules(
                terms=terms(LimitTable(10, 1_000, 1_000_000, 1_000_000, 500, 1_000, player_stakes_max=1)),
                in_play_delay_ms=delay_ms,
                answer_timeout_ms=2_000,
                in_flight_max=100,
            ),
        )
        self.placement = PlacementOfSingles(placement)


class Street:
    """Two gateways, and what both see."""

    def __init__(self, worlds: Sequence[LedgerWorld], *, delay_ms: int) -> None:
        self.fixture_id = fixture()
        self.books = FakeBooks(FakeBook(fixture_id=self.fixture_id, is_in_play=True))
        exposure = FakeExposure()
        self.first, self.second = (Gateway(world, self.books, exposure, delay_ms=delay_ms) for world in worlds)

    def ask(self, stake_minor: int, *, request_id: UUID | None = None) -> SlipRequest:
        return single(LegRequest(self.fixture_id, "1x2", "home", 2_000, 1), stake_minor, request_id=request_id)


async def under_way(gateway: Gateway, player: Player, request: SlipRequest) -> asyncio.Task[BetAnswer]:
    """Begin a bet and return once its delay has begun."""
    placing = asyncio.create_task(gateway.placement.place(player, request))
    async with asyncio.timeout(5):
        while not await holds_of(gateway.world, player):  # noqa: ASYNC110 (the database tells nobody of it)
            await asyncio.sleep(0.005)
    return placing


async def test_no_bet_at_another_gateway_undoes_one_that_waits(world: LedgerWorld, other: LedgerWorld) -> None:
    player = await world.open_player(cash_minor=1_500)
    street = Street([world, other], delay_ms=300)
    placing = await under_way(street.first, player, street.ask(1_000))
    more = await street.second.placement.place(player, street.ask(10))
    assert refusal_of(more).reason == "PLAYER_STAKE_LIMIT_EXCEEDED"
    spent = await other.bets.place(build_command(player, 501, fixture()))
    assert refusal_of(spent).reason == "INSUFFICIENT_FUNDS"
    assert (await other.bets.place(build_command(player, 500, fixture()))).bet is not None
    assert (await placing).bet is not None
    assert await balance_of(world, player) == (0, 0)


async def test_the_same_request_at_two_gateways_at_once_has_one_answer(world: LedgerWorld, other: LedgerWorld) -> None:
    player = await world.open_player(cash_minor=1_000)
    street = Street([world, other], delay_ms=50)
    request = street.ask(700)
    answers = await asyncio.gather(*(side.placement.place(player, request) for side in (street.first, street.second)))
    assert answers[0].bet == answers[1].bet is not None
    assert await balance_of(world, player) == (300, 0)
    assert await holds_of(world, player) == [("posted", 700, 700)]


async def test_no_repeat_elsewhere_ends_a_bet_that_waits(world: LedgerWorld, other: LedgerWorld) -> None:
    player = await world.open_player(cash_minor=1_000)
    street = Street([world, other], delay_ms=300)
    request = street.ask(700)
    placing = await under_way(street.first, player, request)
    assert street.books.book is not None
    street.books.book.status = MarketStatus.SUSPENDED
    repeat = asyncio.create_task(street.second.placement.place(player, request))
    await asyncio.sleep(0.1)
    street.books.book.status = MarketStatus.OPEN
    assert (await placing).bet == (await repeat).bet is not None


async def test_a_gateway_that_dies_within_the_delay_leaves_the_money_when_its_time_is_over(
    world: LedgerWorld, other: LedgerWorld
) -> None:
    player = await world.open_player(cash_minor=1_000)
    street = Street([world, other], delay_ms=60_000)
    request = street.ask(700)
    placing = await under_way(street.first, player, request)
    await street.first.placement.close(timeout_s=0.01)
    with pytest.raises(Unavailable):
        await placing
    with pytest.raises(Unavailable, match="under way"):
        await other.bets.find_answer(player.player_id, request.request_id)
    assert await balance_of(world, player) == (300, 700)
    await world.let_claims_end(player)
    assert await other.bets.find_answer(player.player_id, request.request_id) is None
    assert (await other.bets.place(build_command(player, 1_000, fixture()))).bet is not None


async def test_a_repeat_decides_what_a_dead_gateway_left_and_is_kept_from_spending_it(
    world: LedgerWorld, other: LedgerWorld
) -> None:
    player = await world.open_player(cash_minor=1_000)
    street = Street([world, other], delay_ms=200)
    request = street.ask(700)
    placing = await under_way(street.first, player, request)
    placing.cancel()
    await street.first.placement.close(timeout_s=0)
    repeat = asyncio.create_task(street.second.placement.place(player, request))
    await asyncio.sleep(0.05)
    assert refusal_of(await world.bets.place(build_command(player, 301, fixture()))).reason == "INSUFFICIENT_FUNDS"
    answer = await repeat
    assert answer.bet is not None
    assert not answer.is_replay
    with suppress(asyncio.CancelledError):
        await placing


async def test_the_audit_is_clean_whatever_way_claims_end(settings: Settings) -> None:
    async with scratch_database(settings) as scratch, open_world(scratch) as world:
        player = await world.open_player(cash_minor=10_000)
        commands = [build_command(player, 100, fixture()) for _ in range(4)]
        commands[1] = replace(commands[1], refusal=BetRefusal("PRICE_CHANGED", "Price is another now"))
        for command in commands[:3]:
            assert await claim(world, command)
        await world.bets.place(commands[0])
        await world.bets.place(commands[1])
        await world.let_claims_end(player)
        assert await claim(world, commands[3])
        async with world.pool.connection() as connection:
            findings = await check_ledger(connection)
        assert {finding.name: finding.violations for finding in findings if finding.violations} == {}
        states = [state for state, _, _ in await holds_of(world, player)]
        assert states == ["posted", "voided", "expired", "pending"]
