"""What players protect themselves with, in the real ledger: it holds in the commit, whatever comes at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg
import pytest

from compliance.jurisdiction import LimitWindow
from compliance.limits import DepositLimitExceeded
from compliance.protection import LimitRaiseUnknown, LimitRaiseWaits
from infra.settings import Settings
from infra.stores.postgres_protection import PostgresProtection
from kernel.commands import RequestIdReused
from kernel.money import Money
from pam.player import Player, PlayerExcluded, PlayerTimedOut
from tests.ledger_world import LedgerWorld, build_command, claim_of, open_world, refusal_of, settlement

DAY_US = 86_400_000_000
HOUR_US = 3_600_000_000


@pytest.fixture
async def world(settings: Settings) -> AsyncIterator[LedgerWorld]:
    async with open_world(settings) as opened:
        yield opened


def fixture() -> str:
    return f"sim:protection:{uuid4().hex[:12]}"


async def deposit(world: LedgerWorld, player: Player, minor: int) -> None:
    await world.wallet.deposit_test_money(uuid4(), player.cash_account_id, Money(minor, "EUR"))


async def bound(
    world: LedgerWorld,
    player: Player,
    minor: int | None,
    *,
    window: LimitWindow = LimitWindow.DAY,
    request_id: UUID | None = None,
    needs_confirmation: bool = True,
) -> None:
    await PostgresProtection(world.pool).set_limit(
        player,
        request_id or uuid4(),
        window=window,
        amount_minor=minor,
        raise_waits_us=DAY_US,
        raise_needs_confirmation=needs_confirmation,
    )


async def let_the_raise_wait_no_more(world: LedgerWorld, player: Player) -> None:
    await world.fetch(
        """
        UPDATE pam.deposit_limit SET raise_from_us = ledger.now_us()
        WHERE player_id = $1 AND raise_from_us IS NOT NULL
        """,
        player.player_id,
    )


async def test_deposits_at_once_never_exceed_a_limit(world: LedgerWorld) -> None:
    player = await world.open_player(cash_minor=0)
    await bound(world, player, 1_050)
    found = await asyncio.gather(*(deposit(world, player, 100) for _ in range(40)), return_exceptions=True)
    refused = [each for each in found if each is not None]
    assert len(refused) == 30
    assert all(isinstance(each, DepositLimitExceeded) for each in refused)
    assert await world.cash_minor(player) == 1_000
    with pytest.raises(DepositLimitExceeded) as over:
        await deposit(world, player, 51)
    assert over.value.figures == {"amount_minor_max": "50"}
    await deposit(world, player, 50)


async def test_a_deposit_that_was_taken_stays_taken_when_it_is_asked_for_again(world: LedgerWorld) -> None:
    player, request_id = await world.open_player(cash_minor=0), uuid4()
    await bound(world, player, 100)
    for _ in range(2):
        await world.wallet.deposit_test_money(request_id, player.cash_account_id, Money(100, "EUR"))
    assert await world.cash_minor(player) == 100


async def test_what_is_paid_in_counts_whole_whatever_is_lost_or_won(world: LedgerWorld) -> None:
    player, fixture_id = await world.open_player(cash_minor=100), fixture()
    await bound(world, player, 150)
    await world.bet(player, stake_minor=100, fixture_id=fixture_id)
    await world.apply(fixture_id, settlement(home_won=True), key=fixture_id)
    (limit,) = await PostgresProtection(world.pool).find_limits(player)
    assert (limit.paid_minor, limit.left_minor) == (100, 50)


@pytest.mark.parametrize(
    ("window", "at", "begins"),
    [
        ("24h", "2026-03-29T12:00:00", "2026-03-28T12:00:00"),
        ("7d", "2026-03-03T00:00:00", "2026-02-24T00:00:00"),
        ("month", "2026-03-31T07:30:00", "2026-02-28T07:30:00"),
        ("month", "2024-03-30T00:00:00", "2024-02-29T00:00:00"),
        ("month", "2026-01-15T00:00:00.000001", "2025-12-15T00:00:00.000001"),
    ],
)
async def test_a_window_is_as_long_as_it_is_called(world: LedgerWorld, window: str, at: str, begins: str) -> None:
    def us(text: str) -> int:
        time = datetime.fromisoformat(text).replace(tzinfo=UTC)
        return int(time.replace(microsecond=0).timestamp()) * 1_000_000 + time.microsecond

    (row,) = await world.fetch("SELECT pam.window_begins_us($1, $2) AS us", window, us(at))
    assert row["us"] == us(begins)


async def test_what_left_the_window_counts_no_more(settings: Settings, world: LedgerWorld) -> None:
    player = await world.open_player(cash_minor=100)
    await bound(world, player, 100)
    with pytest.raises(DepositLimitExceeded):
        await deposit(world, player, 1)
    (row,) = await world.fetch(
        "SELECT time_us FROM ledger.transfer WHERE credit_account_id = $1", player.cash_account_id
    )
    for since_us, paid_minor in ((DAY_US - 1, 100), (DAY_US, 0)):
        (limit,) = await world.fetch(
            "SELECT paid_minor FROM pam.deposit_limits($1, $2, $3)",
            player.player_id,
            player.cash_account_id,
            row["time_us"] + since_us,
        )
        assert limit["paid_minor"] == paid_minor


async def test_a_lower_limit_holds_at_once_and_a_higher_one_after_a_day_and_a_second_word(world: LedgerWorld) -> None:
    protection = PostgresProtection(world.pool)
    player = await world.open_player(cash_minor=0)
    await bound(world, player, 1_000)
    await bound(world, player, 500)
    with pytest.raises(LimitRaiseUnknown):
        await protection.confirm_limit(player, uuid4(), window=LimitWindow.DAY)
    now_us = await world.now_us()
    await bound(world, player, 800)
    (limit,) = await protection.find_limits(player)
    assert (limit.amount_minor, limit.raise_minor, limit.raise_needs_confirmation) == (500, 800, True)
    assert limit.raise_from_us is not None
    assert DAY_US <= limit.raise_from_us - now_us < DAY_US + 60_000_000
    with pytest.raises(LimitRaiseWaits) as waits:
        await protection.confirm_limit(player, uuid4(), window=LimitWindow.DAY)
    assert waits.value.figures == {"from_us": str(limit.raise_from_us)}
    with pytest.raises(DepositLimitExceeded):
        await deposit(world, player, 501)

    await let_the_raise_wait_no_more(world, player)
    with pytest.raises(DepositLimitExceeded):
        await deposit(world, player, 501)
    request_id = uuid4()
    for _ in range(2):
        await protection.confirm_limit(player, request_id, window=LimitWindow.DAY)
    (limit,) = await protection.find_limits(player)
    assert (limit.amount_minor, limit.raise_from_us) == (800, None)
    await deposit(world, player, 501)


async def test_where_no_second_word_is_asked_for_a_raise_holds_by_itself(world: LedgerWorld) -> None:
    player = await world.open_player(cash_minor=0)
    await bound(world, player, 100, needs_confirmation=False)
    await bound(world, player, None, needs_confirmation=False)
    with pytest.raises(DepositLimitExceeded):
        await deposit(world, player, 101)
    await let_the_raise_wait_no_more(world, player)
    await deposit(world, player, 101)
    (limit,) = await PostgresProtection(world.pool).find_limits(player)
    assert (limit.amount_minor, limit.raise_from_us) == (None, None)
    await bound(world, player, 101, needs_confirmation=False)
    with pytest.raises(DepositLimitExceeded):
        await deposit(world, player, 1)


async def test_a_lower_limit_ends_a_raise_that_waits(world: LedgerWorld) -> None:
    protection = PostgresProtection(world.pool)
    player = await world.open_player(cash_minor=0)
    for minor in (500, 800, 400):
        await bound(world, player, minor)
    await let_the_raise_wait_no_more(world, player)
    with pytest.raises(LimitRaiseUnknown):
        await protection.confirm_limit(player, uuid4(), window=LimitWindow.DAY)
    (limit,) = await protection.find_limits(player)
    assert (limit.amount_minor, limit.raise_minor, limit.raise_from_us) == (400, None, None)


async def test_a_change_is_made_once_for_its_request(world: LedgerWorld) -> None:
    player, request_id = await world.open_player(cash_minor=0), uuid4()
    for _ in range(2):
        await bound(world, player, 500, request_id=request_id)
    with pytest.raises(RequestIdReused):
        await bound(world, player, 501, request_id=request_id)
    (row,) = await world.fetch("SELECT event_count FROM pam.player WHERE player_id = $1", player.player_id)
    assert row["event_count"] == 2


async def test_who_excluded_themselves_stakes_and_pays_in_nothing_from_that_commit_on(world: LedgerWorld) -> None:
    player, fixture_id = await world.open_player(cash_minor=1_000), fixture()
    open_bet = await world.bet(player, stake_minor=100, fixture_id=fixture_id)
    under_way = build_command(player, 200, fixture())
    claimed = await world.bets.claim(claim_of(under_way, until_us=await world.now_us() + 60_000_000))
    assert claimed.is_claimed

    await PostgresProtection(world.pool).exclude(player, uuid4(), months=6)
    assert refusal_of(await world.bets.place(under_way)).reason == "PLAYER_EXCLUDED"
    assert refusal_of(await world.bets.place(build_command(player, 1, fixture()))).reason == "PLAYER_EXCLUDED"
    with pytest.raises(PlayerExcluded):
        await deposit(world, player, 1)
    balance = await world.wallet.balance(player.cash_account_id)
    assert (balance.available_minor, balance.held_minor) == (900, 0)

    await world.apply(fixture_id, settlement(home_won=True), key=fixture_id)
    settled = await world.bets.get_bet(player.player_id, open_bet.bet_id)
    assert settled is not None
    assert settled.return_minor == 200
    assert await world.cash_minor(player) == 1_100
    stored = await world.players.find(player.player_id)
    assert stored is not None
    assert stored.session_epoch == player.session_epoch + 1


async def test_no_bet_is_taken_after_an_exclusion_however_many_come_with_it(world: LedgerWorld) -> None:
    player = await world.open_player(cash_minor=100_000)
    commands = [build_command(player, 1, fixture()) for _ in range(200)]
    answers, _ = await asyncio.gather(
        asyncio.gather(*(world.bets.place(command) for command in commands)),
        _after(0.03, PostgresProtection(world.pool).exclude(player, uuid4(), months=6)),
    )
    (event,) = await world.fetch("SELECT time_us FROM pam.event WHERE player_id = $1 AND kind = 2", player.player_id)
    placed = [answer.bet.placed_time_us for answer in answers if answer.bet is not None]
    refused = [refusal_of(answer).reason for answer in answers if answer.bet is None]
    assert all(time_us < event["time_us"] for time_us in placed)
    assert set(refused) <= {"PLAYER_EXCLUDED"}
    assert await world.cash_minor(player) == 100_000 - len(placed)
    assert refusal_of(await world.bets.place(build_command(player, 1, fixture()))).reason == "PLAYER_EXCLUDED"


async def _after(seconds: float, what: object) -> None:
    await asyncio.sleep(seconds)
    await what  # type: ignore[misc] # a coroutine


async def test_nobody_takes_an_exclusion_or_a_time_out_back(world: LedgerWorld) -> None:
    player = await world.open_player(cash_minor=0)
    protection = PostgresProtection(world.pool)
    await protection.exclude(player, uuid4(), months=12)
    await protection.exclude(player, uuid4(), months=6)
    await protection.step_back(player, uuid4(), hours=48)
    await protection.step_back(player, uuid4(), hours=24)
    stored = await world.players.find(player.player_id)
    assert stored is not None
    now_us = await world.now_us()
    assert 365 * DAY_US <= stored.excluded_until_us - now_us + HOUR_US <= 367 * DAY_US
    assert 47 * HOUR_US < stored.timed_out_until_us - now_us <= 48 * HOUR_US
    for column in ("excluded_until_us", "timed_out_until_us"):
        for value in ("0", f"{column} - 1"):
            with pytest.raises(asyncpg.RestrictViolationError):
                await world.fetch(f"UPDATE pam.player SET {column} = {value} WHERE player_id = $1", player.player_id)


async def test_who_stepped_back_may_again_once_it_is_over(world: LedgerWorld) -> None:
    player = await world.open_player(cash_minor=100)
    await PostgresProtection(world.pool).step_back(player, uuid4(), hours=24)
    assert refusal_of(await world.bets.place(build_command(player, 1, fixture()))).reason == "PLAYER_TIMED_OUT"
    with pytest.raises(PlayerTimedOut):
        await deposit(world, player, 1)
    stored = await world.players.find(player.player_id)
    assert stored is not None
    assert stored.session_epoch == player.session_epoch
    (row,) = await world.fetch(
        "SELECT pam.refusal_of(p, p.timed_out_until_us) AS at_the_end FROM pam.player p WHERE player_id = $1",
        player.player_id,
    )
    assert row["at_the_end"] is None
