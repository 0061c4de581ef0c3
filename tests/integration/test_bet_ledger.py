"""Bets against a real PostgreSQL: funds, repetition, sharing of commits."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from bets.answer import BetAnswer, LegRefusal, StakeBounds, Standing, TooManyRefusals, refuse_legs
from bets.bet import BetStatus
from infra.settings import Ledger, Settings
from infra.stores.open_bets import PostgresOpenBets
from infra.stores.postgres import PostgresPool
from kernel.commands import Overloaded, RequestIdReused
from kernel.errors import Unavailable
from kernel.ids import IdMalformed
from kernel.money import CurrencyMismatch, Money
from markets.results import ResultKind
from pam.player import PlayerBlocked, PlayerRole, StoredPlayer, UsernameTaken
from pam.session import BettorRequired
from risk.ports import ExposureEntry, ReservationKey
from tests.ledger_world import (
    HASH,
    LedgerWorld,
    build_bet,
    build_command,
    correction,
    inquiry_of,
    open_world,
    refusal_of,
    settlement,
)


@pytest.fixture
async def world(settings: Settings) -> AsyncIterator[LedgerWorld]:
    async with open_world(settings) as opened:
        yield opened


def fixture() -> str:
    return f"sim:test:{uuid4().hex}"


async def test_a_bet_takes_its_stake_and_is_kept(world: LedgerWorld) -> None:
    player = await world.open_player(cash_minor=10_000)
    command = build_command(player, 2_500, fixture(), odds_milli=2_333)
    answer = await world.bets.place(command)
    assert answer.bet is not None
    assert answer.balance is not None
    assert (answer.balance.available_minor, answer.balance.account_version) == (7_500, 2)
    assert answer.bet.potential_return_minor == 5_832
    assert await world.bets.get_bet(player.player_id, answer.bet.bet_id) == answer.bet
    assert await world.wallet.balance(player.cash_account_id) == answer.balance


async def test_a_stake_of_all_cash_is_taken_and_one_cent_more_is_refused(world: LedgerWorld) -> None:
    player = await world.open_player(cash_minor=1_000)
    refused = refusal_of(await world.bets.place(build_command(player, 1_001, fixture())))
    assert (refused.reason, refused.stake_max_minor) == ("INSUFFICIENT_FUNDS", 1_000)
    await world.bet(player, stake_minor=1_000, fixture_id=fixture())
    assert await world.cash_minor(player) == 0


async def test_a_refusal_stays_the_answer_when_money_comes(world: LedgerWorld) -> None:
    player = await world.open_player(cash_minor=100)
    command = build_command(player, 500, fixture())
    first = await world.bets.place(command)
    await world.wallet.deposit_test_money(uuid4(), player.cash_account_id, Money(1_000, "EUR"))
    again = await world.bets.place(command)
    assert refusal_of(again) == refusal_of(first)
    assert (first.is_replay, again.is_replay) == (False, True)
    assert await world.cash_minor(player) == 1_100


async def test_a_refusal_from_before_the_ledger_is_stored(world: LedgerWorld) -> None:
    player = await world.open_player(cash_minor=1_000)
    refusal = refuse_legs((LegRefusal(0, "PRICE_CHANGED", "Odds were 2.10", 2_100, 7),))
    command = build_command(player, 500, fixture(), refusal=refusal)
    assert refusal_of(await world.bets.place(command)) == refusal
    assert refusal_of(await world.bets.place(replace(command, refusal=None))) == refusal
    found = await world.bets.find_answer(player.player_id, command.request_id)
    assert found is not None
    assert refusal_of(found) == refusal
    assert await world.cash_minor(player) == 1_000


async def test_another_currency_is_refused(world: LedgerWorld) -> None:
    player = await world.open_player(cash_minor=1_000)
    answer = await world.bets.place(build_command(player, 500, fixture(), currency="USD"))
    assert refusal_of(answer).reason == "CURRENCY_MISMATCH"
    with pytest.raises(CurrencyMismatch):
        await world.wallet.deposit_test_money(uuid4(), player.cash_account_id, Money(500, "USD"))


async def test_the_same_request_sent_many_times_at_once_is_one_bet(world: LedgerWorld) -> None:
    player = await world.open_player(cash_minor=1_000)
    command = build_command(player, 400, fixture())
    answers = await asyncio.gather(*(world.bets.place(command) for _ in range(20)))
    assert len({(answer.bet, answer.balance) for answer in answers}) == 1
    assert Counter(answer.is_replay for answer in answers) == {True: 19, False: 1}
    assert await world.cash_minor(player) == 600


async def test_two_ledgers_answer_one_request_alike(world: LedgerWorld, settings: Settings) -> None:
    player = await world.open_player(cash_minor=10_000)
    async with open_world(settings) as other:
        for _ in range(20):
            command = build_command(player, 100, fixture())
            first, second = await asyncio.gather(world.bets.place(command), other.bets.place(command))
            assert first.bet == second.bet
            assert {first.is_replay, second.is_replay} == {True, False}
    assert await world.cash_minor(player) == 8_000


async def test_other_content_under_the_same_request_id_is_refused(world: LedgerWorld) -> None:
    player = await world.open_player(cash_minor=1_000)
    command = build_command(player, 400, fixture())
    changed = build_command(player, 401, fixture(), request_id=command.request_id)
    outcomes = await asyncio.gather(world.bets.place(command), world.bets.place(changed), return_exceptions=True)
    assert isinstance(outcomes[0], BetAnswer)
    assert isinstance(outcomes[1], RequestIdReused)
    assert await world.cash_minor(player) == 600


async def test_another_players_request_id_is_another_request(world: LedgerWorld) -> None:
    first, second = [await world.open_player(cash_minor=1_000) for _ in range(2)]
    command = build_command(first, 400, fixture())
    await world.bets.place(command)
    other = build_command(second, 300, fixture(), request_id=command.request_id)
    assert (await world.bets.place(other)).bet is not None
    assert await world.bets.find_answer(second.player_id, uuid4()) is None


async def test_fifty_tasks_over_few_accounts_never_overspend(world: LedgerWorld, settings: Settings) -> None:
    players = [await world.open_player(cash_minor=10_000) for _ in range(3)]
    taken: Counter[int] = Counter()

    async def spend(number: int, side: LedgerWorld) -> None:
        for step in range(20):
            player = players[(number + step) % 3]
            stake_minor = 100 + (number * 37 + step * 53) % 400
            answer = await side.bets.place(build_command(player, stake_minor, "sim:test:shared"))
            if answer.bet is not None:
                taken[player.cash_account_id] += stake_minor
            else:
                assert refusal_of(answer).reason == "INSUFFICIENT_FUNDS"

    async with open_world(settings) as other:
        await asyncio.gather(*(spend(number, (world, other)[number % 2]) for number in range(50)))
    for player in players:
        balance = await world.wallet.balance(player.cash_account_id)
        assert balance.available_minor == 10_000 - taken[player.cash_account_id]
        assert 0 <= balance.available_minor < 100
    sums = await world.fetch(
        "SELECT account_id, sum(stake_minor)::bigint AS minor FROM bets.bet WHERE account_id = ANY ($1) GROUP BY 1",
        [player.cash_account_id for player in players],
    )
    assert {row["account_id"]: row["minor"] for row in sums} == taken


async def test_a_bad_command_fails_alone(world: LedgerWorld) -> None:
    good = [await world.open_player(cash_minor=1_000) for _ in range(5)]
    stranger = replace(good[0], player_id=uuid4())
    commands = [build_command(player, 100, fixture()) for player in [*good[:2], stranger, *good[2:]]]
    outcomes = await asyncio.gather(*(world.bets.place(command) for command in commands), return_exceptions=True)
    assert [isinstance(outcome, BetAnswer) for outcome in outcomes] == [True, True, False, True, True, True]
    assert [await world.cash_minor(player) for player in good] == [900] * 5


async def test_a_bet_on_a_market_with_a_result_is_refused(world: LedgerWorld) -> None:
    player, fixture_id = await world.open_player(cash_minor=1_000), fixture()
    await world.apply(fixture_id, settlement(home_won=True), key=f"{fixture_id}/1")
    assert refusal_of(await world.bets.place(build_command(player, 100, fixture_id))).reason == "MARKET_CLOSED"
    await world.apply(fixture_id, correction(ResultKind.SETTLEMENT_ROLLBACK), key=f"{fixture_id}/2")
    await world.bet(player, stake_minor=100, fixture_id=fixture_id)


@pytest.mark.parametrize(("start_ms", "end_ms", "is_taken"), [(-60_000, 60_000, False), (-60_000, -1, True)])
async def test_a_bet_is_refused_while_a_cancelled_window_lasts_and_taken_after_it(
    world: LedgerWorld, start_ms: int, end_ms: int, is_taken: bool
) -> None:
    player, fixture_id, now_ms = await world.open_player(cash_minor=1_000), fixture(), int(time.time() * 1_000)
    cancelled = correction(ResultKind.CANCEL, start_ms=now_ms + start_ms, end_ms=now_ms + end_ms)
    await world.apply(fixture_id, cancelled, key=f"{fixture_id}/1")
    answer = await world.bets.place(build_command(player, 100, fixture_id))
    assert (answer.bet is not None) is is_taken
    assert is_taken or refusal_of(answer).reason == "MARKET_CLOSED"


async def test_who_is_held_by_others_keeps_nobody_else_waiting(world: LedgerWorld) -> None:
    held, free = [await world.open_player(cash_minor=1_000) for _ in range(2)]
    held_fixture = fixture()
    async with world.pool.transaction() as connection:
        await connection.execute("SELECT FROM ledger.account WHERE account_id = $1 FOR UPDATE", held.cash_account_id)
        await connection.execute("SELECT pg_advisory_xact_lock(bets.market_lock_key($1, $2))", held_fixture, "1x2")
        commands = [
            build_command(held, 100, fixture()),
            build_command(free, 100, held_fixture),
            build_command(free, 100, fixture()),
        ]
        tasks = [asyncio.create_task(world.bets.place(command)) for command in commands]
        async with asyncio.timeout(20):
            assert (await tasks[2]).bet is not None
        assert not tasks[0].done()
        assert not tasks[1].done()
    assert all(answer.bet is not None for answer in await asyncio.gather(*tasks))
    assert (await world.cash_minor(held), await world.cash_minor(free)) == (900, 800)


async def test_a_player_who_was_blocked_or_commands_the_desk_moves_no_money(world: LedgerWorld) -> None:
    blocked, trader = [await world.open_player(cash_minor=1_000) for _ in range(2)]
    bet = build_command(blocked, 100, fixture())
    await world.bets.place(bet)
    await world.fetch("UPDATE pam.player SET status = 2 WHERE player_id = $1", blocked.player_id)
    await world.fetch("UPDATE pam.player SET role = 2 WHERE player_id = $1", trader.player_id)
    for player, reason, error in (
        (blocked, "PLAYER_BLOCKED", PlayerBlocked),
        (trader, "BETTOR_REQUIRED", BettorRequired),
    ):
        command = build_command(player, 100, fixture())
        assert refusal_of(await world.bets.place(command)).reason == reason
        assert refusal_of(await world.bets.place(command)).reason == reason
        with pytest.raises(error):
            await world.wallet.deposit_test_money(uuid4(), player.cash_account_id, Money(1, "EUR"))
    assert (await world.bets.place(bet)).bet is not None
    assert (await world.cash_minor(blocked), await world.cash_minor(trader)) == (900, 1_000)


async def test_what_comes_too_late_is_not_decided_and_may_come_again(world: LedgerWorld) -> None:
    player = await world.open_player(cash_minor=1_000)
    command = build_command(player, 100, fixture())
    standing = await world.bets.look(inquiry_of(command))
    assert (standing.answer, standing.available_minor, standing.market_stake_minor) == (None, 1_000, 0)
    with pytest.raises(Unavailable):
        await world.bets.place(replace(command, not_after_us=standing.time_us - 1))
    assert await world.bets.find_answer(player.player_id, command.request_id) is None
    in_time = await world.bets.place(replace(command, not_after_us=standing.time_us + 10_000_000))
    assert in_time.bet is not None
    again = await world.bets.place(replace(command, not_after_us=standing.time_us - 1))
    assert (again.bet, again.is_replay) == (in_time.bet, True)


async def test_what_bears_on_a_bet_is_looked_up_together(world: LedgerWorld) -> None:
    players = [await world.open_player(cash_minor=1_000) for _ in range(3)]
    fixture_id = fixture()
    commands = [build_command(player, 300, fixture_id) for player in players]
    placed = await world.bets.place(commands[0])
    await world.bet(players[0], stake_minor=200, fixture_id=fixture_id)
    await world.bet(players[0], stake_minor=100, fixture_id=fixture())
    other = build_command(players[0], 50, fixture_id)
    changed = replace(commands[0], fingerprint=b"x" * 32)
    asked = [*commands, other, changed]
    found = await asyncio.gather(*(world.bets.look(inquiry_of(command)) for command in asked), return_exceptions=True)
    standings = [standing for standing in found if isinstance(standing, Standing)]
    assert [standing.answer and standing.answer.bet for standing in standings] == [placed.bet, None, None, None]
    assert [standing.available_minor for standing in standings] == [400, 1_000, 1_000, 400]
    assert standings[3].market_stake_minor == 500
    assert isinstance(found[4], RequestIdReused)


async def test_no_number_of_ledgers_takes_more_of_a_player_on_a_market_than_may_be(
    world: LedgerWorld, settings: Settings
) -> None:
    player, fixture_id = await world.open_player(cash_minor=100_000), fixture()
    bounds = StakeBounds(stake_minor_min=10, stake_minor_max=100, market_stake_minor_max=1_050)
    commands = [replace(build_command(player, 100, fixture_id), bounds=bounds) for _ in range(24)]
    async with open_world(settings) as other:
        answers = await asyncio.gather(
            *((world, other)[number % 2].bets.place(command) for number, command in enumerate(commands))
        )
    assert sum(answer.bet is not None for answer in answers) == 10
    refusals = [answer.refusal for answer in answers if answer.refusal is not None]
    assert {refusal.reason for refusal in refusals} == {"PLAYER_STAKE_LIMIT_EXCEEDED"}
    assert {(refusal.stake_min_minor, refusal.stake_max_minor) for refusal in refusals} == {(10, 50)}
    elsewhere = replace(build_command(player, 100, fixture()), bounds=bounds)
    assert (await world.bets.place(elsewhere)).bet is not None


async def test_what_a_request_became_counts_in_exposure_while_it_is_open(world: LedgerWorld) -> None:
    player, fixture_id = await world.open_player(cash_minor=1_000), fixture()
    taken, refused = build_command(player, 300, fixture_id), build_command(player, 9_000, fixture_id)
    answers = [await world.bets.place(command) for command in (taken, refused)]
    assert answers[0].bet is not None
    open_bets = PostgresOpenBets(world.pool, world.bets)
    keys = [ReservationKey(player.player_id, request_id) for request_id in (taken.request_id, refused.request_id)]
    entry = ExposureEntry(fixture_id, "1x2", "home", 300, 600)
    assert [await open_bets.find_by_request(key) for key in keys] == [(answers[0].bet.bet_id, (entry,)), None]
    await world.apply(fixture_id, settlement(home_won=True), key=f"{fixture_id}/1")
    assert await open_bets.find_by_request(keys[0]) is None


async def test_each_leg_of_an_open_bet_counts_in_the_reference_currency(world: LedgerWorld) -> None:
    player = await world.open_player(cash_minor=1_000, currency="JPY")
    fixture_ids = [fixture(), fixture()]
    bet = await build_bet(world, player, fixture_ids, (2_000, 3_000), ((0,), (1,), (0, 1)), line_stake_minor=100)
    # At 184.09 yen for a euro the stake, 300 yen, is 1.62 euros and more; what it may pay, 1,100, is 5.97 and more.
    entries = tuple(ExposureEntry(name, "1x2", "home", 162, 598, leg) for leg, name in enumerate(fixture_ids))
    open_bets = PostgresOpenBets(world.pool, world.bets)
    found = await open_bets.find_by_request(ReservationKey(player.player_id, bet.request_id))
    assert found == (bet.bet_id, entries)
    before = UUID(int=bet.bet_id.int - 1)
    assert await open_bets.read_page(after=before, size=1) == [(bet.bet_id, entry) for entry in entries]


async def test_want_of_funds_names_what_would_be_taken_within_every_bound(world: LedgerWorld) -> None:
    player = await world.open_player(cash_minor=500)
    for most_minor, stake_max_minor in ((300, 300), (2_000, 500)):
        bounds = StakeBounds(stake_minor_min=10, stake_minor_max=most_minor, market_stake_minor_max=9_000)
        refusal = refusal_of(await world.bets.place(replace(build_command(player, 501, fixture()), bounds=bounds)))
        assert (refusal.reason, refusal.stake_max_minor) == ("INSUFFICIENT_FUNDS", stake_max_minor)
        assert refusal.stake_min_minor == 10


async def test_refusals_of_a_player_are_stored_up_to_a_bound_and_bets_beyond_it(settings: Settings) -> None:
    async with open_world(settings, ledger=Ledger(refusals_of_player_an_hour_max=3)) as world:
        player, other = [await world.open_player(cash_minor=1_000) for _ in range(2)]
        commands = [build_command(player, 5_000, fixture()) for _ in range(5)]
        outcomes = await asyncio.gather(*(world.bets.place(command) for command in commands), return_exceptions=True)
        assert [isinstance(outcome, BetAnswer) for outcome in outcomes] == [True, True, True, False, False]
        assert isinstance(outcomes[4], TooManyRefusals)
        assert refusal_of(await world.bets.place(commands[0])).reason == "INSUFFICIENT_FUNDS"
        assert await world.bets.find_answer(player.player_id, commands[4].request_id) is None
        await world.bet(player, stake_minor=100, fixture_id=fixture())
        assert refusal_of(await world.bets.place(build_command(other, 5_000, fixture())))


async def test_that_nothing_was_decided_is_said_once_nothing_can_be_on_its_way(world: LedgerWorld) -> None:
    player = await world.open_player(cash_minor=1_000)
    async with world.pool.transaction() as connection:
        await connection.execute("SELECT FROM ledger.account WHERE account_id = $1 FOR UPDATE", player.cash_account_id)
        asking = asyncio.create_task(world.bets.find_answer(player.player_id, uuid4()))
        await asyncio.sleep(0.2)
        assert not asking.done()
    assert await asking is None


async def test_more_waiting_bets_than_may_are_refused_at_once(settings: Settings) -> None:
    limits = Ledger(waiting_bets_max=4, batches_at_once_max=1, batch_bets_max=2)
    async with open_world(settings, ledger=limits) as world:
        player = await world.open_player(cash_minor=100_000)
        outcomes = await asyncio.gather(
            *(world.bets.place(build_command(player, 1, fixture())) for _ in range(10)), return_exceptions=True
        )
    assert sum(isinstance(outcome, Overloaded) for outcome in outcomes) == 6
    assert sum(isinstance(outcome, BetAnswer) for outcome in outcomes) == 4


async def test_a_blocked_ledger_is_said_within_the_limit_and_asked_again_tells_the_truth(settings: Settings) -> None:
    async with open_world(settings, ledger=Ledger(answer_timeout_ms=1_000)) as world:
        player = await world.open_player(cash_minor=1_000)
        command = build_command(player, 100, fixture())
        async with world.pool.transaction() as connection:
            await connection.execute(
                "SELECT FROM ledger.account WHERE account_id = $1 FOR UPDATE", player.cash_account_id
            )
            begun_s = asyncio.get_running_loop().time()
            with pytest.raises(Unavailable):
                await world.bets.place(command)
            assert asyncio.get_running_loop().time() - begun_s < 4.0
        answer = await world.bets.place(command)
        assert answer.bet is not None
        assert await world.cash_minor(player) == 900


async def test_several_slow_answers_together_do_not_outlast_the_limit(settings: Settings) -> None:
    pool = PostgresPool(settings.postgres_dsn, connections_max=1, statement_timeout_ms=2_000, application_name="slow")
    await pool.open()
    begun_s = asyncio.get_running_loop().time()

    async def ask_slowly() -> None:
        async with pool.connection() as connection:
            for _ in range(3):
                await connection.execute("SELECT pg_sleep(1.5)")

    with pytest.raises(Unavailable):
        await ask_slowly()
    assert asyncio.get_running_loop().time() - begun_s < 4.0
    await pool.ping()
    await pool.close()


async def test_a_server_that_is_not_there_is_said_at_once(settings: Settings) -> None:
    nowhere = settings.model_copy(update={"ports": settings.ports.model_copy(update={"postgres": 1})})
    async with open_world(nowhere) as world:
        with pytest.raises(Unavailable):
            await world.wallet.balance(1)


async def test_a_cancelled_bet_that_had_not_begun_leaves_nothing_behind(settings: Settings) -> None:
    limits = Ledger(batches_at_once_max=1, batch_bets_max=1, answer_timeout_ms=30_000)
    async with open_world(settings, ledger=limits) as world:
        player = await world.open_player(cash_minor=1_000)
        commands = [build_command(player, 100, fixture()) for _ in range(2)]
        tasks = [asyncio.create_task(world.bets.place(command)) for command in commands]
        await asyncio.sleep(0)
        tasks[1].cancel()
        await asyncio.wait(tasks)
        assert tasks[0].result().bet is not None
        assert tasks[1].cancelled()
        assert await world.bets.find_answer(player.player_id, commands[1].request_id) is None
        assert await world.cash_minor(player) == 900


async def test_bets_are_listed_newest_first_in_pages(world: LedgerWorld) -> None:
    player = await world.open_player(cash_minor=1_000)
    placed = [await world.bet(player, stake_minor=10, fixture_id=fixture()) for _ in range(5)]
    first, token = await world.bets.list_bets(player.player_id, status=None, size=3, before="")
    rest, end = await world.bets.list_bets(player.player_id, status=BetStatus.OPEN, size=3, before=token)
    assert [*first, *rest] == placed[::-1]
    assert end == ""
    assert await world.bets.list_bets(player.player_id, status=BetStatus.SETTLED, size=3, before="") == ([], "")
    longest = f"{2**63 - 1}.{'f' * 32}"
    assert len((await world.bets.list_bets(player.player_id, status=None, size=5, before=longest))[0]) == 5


NO_TOKENS = (
    "nonsense",
    f"{2**63}.{'f' * 32}",
    f"{10**40}.{'0' * 32}",
    f"-1.{'0' * 32}",
    f"1_0.{'0' * 32}",
    "1.",
    ".0",
    "\u0661.0",
)


@pytest.mark.parametrize("token", NO_TOKENS)
async def test_what_is_no_page_token_is_refused(world: LedgerWorld, token: str) -> None:
    with pytest.raises(IdMalformed):
        await world.bets.list_bets(uuid4(), status=None, size=3, before=token)


async def test_another_players_bet_is_not_found(world: LedgerWorld) -> None:
    owner, other = [await world.open_player(cash_minor=1_000) for _ in range(2)]
    bet = await world.bet(owner, stake_minor=10, fixture_id=fixture())
    assert await world.bets.get_bet(other.player_id, bet.bet_id) is None


async def test_a_deposit_counts_once_for_each_request(world: LedgerWorld) -> None:
    player, request_id = await world.open_player(cash_minor=0), uuid4()
    answers = await asyncio.gather(
        *(world.wallet.deposit_test_money(request_id, player.cash_account_id, Money(700, "EUR")) for _ in range(5))
    )
    assert {answer.available_minor for answer in answers} == {700}
    assert await world.cash_minor(player) == 700
    with pytest.raises(RequestIdReused):
        await world.wallet.deposit_test_money(request_id, player.cash_account_id, Money(701, "EUR"))


async def test_a_player_registers_once_for_each_request_and_name(world: LedgerWorld) -> None:
    username, request_id = f"name-{uuid4().hex[:12]}", uuid4()

    async def register(request: UUID, name: str = username) -> StoredPlayer:
        return await world.players.register(
            request_id=request, username=name, password_hash=HASH, role=PlayerRole.BETTOR, currency="EUR"
        )

    first, second = await asyncio.gather(register(request_id), register(request_id))
    assert first == second == await world.players.find_by_username(username)
    taken = uuid4()
    with pytest.raises(UsernameTaken):
        await register(taken)
    assert await world.fetch("SELECT FROM ledger.command WHERE provider = 'pam' AND key = $1", str(taken)) == []
    with pytest.raises(RequestIdReused):
        await register(request_id, "somebody-else")


@pytest.mark.parametrize("table", ["ledger.transfer", "bets.event", "bets.leg", "ledger.command", "ledger.chain_block"])
async def test_what_is_append_only_refuses_change(world: LedgerWorld, table: str) -> None:
    player = await world.open_player(cash_minor=1_000)
    await world.bet(player, stake_minor=10, fixture_id=fixture())
    with pytest.raises(Exception, match="append-only"):
        await world.fetch(f"DELETE FROM {table}")


async def test_amounts_in_refusals_of_the_ledger_are_written_as_everywhere(world: LedgerWorld) -> None:
    euros = [(amount_minor, "EUR") for amount_minor in (0, 5, -5, 2**63 - 1)]
    for amount_minor, currency in (*euros, (50_000, "JPY"), (12, "KWD")):
        (row,) = await world.fetch("SELECT ledger.amount_words($1, $2)", amount_minor, currency)
        assert row[0] == str(Money(amount_minor, currency))
    player = await world.open_player(cash_minor=0)
    refused = refusal_of(await world.bets.place(build_command(player, 50_000, "test:poor")))
    assert refused.message == "Stake must be at most EUR 0.00, was EUR 500.00"


async def test_a_blocked_player_is_told_so_in_the_words_of_every_door(world: LedgerWorld) -> None:
    player = await world.open_player(cash_minor=1_000)
    await world.fetch("UPDATE pam.player SET status = 2 WHERE player_id = $1", player.player_id)
    refused = refusal_of(await world.bets.place(build_command(player, 100, "test:blocked")))
    assert (refused.reason, refused.message) == (PlayerBlocked.reason, PlayerBlocked.words)
    with pytest.raises(PlayerBlocked) as at_the_wallet:
        await world.wallet.deposit_test_money(uuid4(), player.cash_account_id, Money(100, "EUR"))
    assert at_the_wallet.value.message == refused.message
