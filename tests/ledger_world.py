"""Players with money and the stores they use, against a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from bets.answer import BetAnswer, BetRefusal, Claim, Inquiry, PlaceCommand
from bets.bet import SINGLE, Bet, Leg, Line
from bets.ports import KeyedResult, ResultMessage, SettlementPage
from casino.rounds import Played, SpinCommand
from infra.migrations.postgres_migration import migrate_postgres
from infra.settings import Ledger, Settings
from infra.stores.postgres import PostgresPool
from infra.stores.postgres_bets import PostgresBetLedger
from infra.stores.postgres_parked import PostgresParkedResults
from infra.stores.postgres_payments import PostgresDeposits, PostgresInbox
from infra.stores.postgres_players import PostgresPlayers
from infra.stores.postgres_rounds import PostgresRounds
from infra.stores.postgres_settlement import PostgresSettlementLedger
from infra.stores.postgres_wallet import PostgresWallet
from kernel.commands import fingerprint_of
from kernel.errors import Unavailable
from kernel.money import Money
from markets.odds import potential_return_minor
from markets.results import MarketResult, OutcomeResult, ResultKind
from pam.player import Player, PlayerRole
from tests.currencies import RATES
from wire.results import build_market_result, read_results

HASH = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA"
ONE_MICRO = 1_000_000
PAGE_SIZE = 50
HORIZON_LIMIT_S = 60
IS_BELOW_HORIZON = "SELECT max(transaction_id) < ledger.horizon() FROM ledger.transfer"


@dataclass(frozen=True, slots=True)
class LedgerWorld:
    """Everything that moves money, on one database."""

    pool: PostgresPool
    bets: PostgresBetLedger
    wallet: PostgresWallet
    players: PostgresPlayers
    settlement: PostgresSettlementLedger
    parked: PostgresParkedResults
    rounds: PostgresRounds
    deposits: PostgresDeposits
    inbox: PostgresInbox

    async def open_player(self, *, cash_minor: int, currency: str = "EUR") -> Player:
        """Register a player and deposit so much."""
        stored = await self.players.register(
            request_id=uuid4(),
            username=f"player-{uuid4().hex[:16]}",
            password_hash=HASH,
            role=PlayerRole.BETTOR,
            currency=currency,
        )
        if cash_minor:
            await self.wallet.deposit_test_money(uuid4(), stored.player.cash_account_id, Money(cash_minor, currency))
        return stored.player

    async def bet(self, player: Player, *, stake_minor: int, fixture_id: str, odds_milli: int = 2_000) -> Bet:
        """Place a bet on home that must be accepted."""
        command = build_command(player, stake_minor, fixture_id, odds_milli=odds_milli, currency=player.currency)
        answer = await self.bets.place(command)
        assert answer.bet is not None, answer.refusal
        return answer.bet

    async def spin(self, player: Player, stops: tuple[int, ...], *, win_minor: int) -> Played:
        """Play a round of a hundred of the house's first game, in which that is drawn and won."""
        return await self.rounds.play(build_spin(player, stops, win_minor=win_minor))

    async def cash_minor(self, player: Player) -> int:
        """Return what the player can stake."""
        return (await self.wallet.balance(player.cash_account_id)).available_minor

    async def apply(
        self,
        fixture_id: str,
        result: MarketResult,
        *,
        key: str,
        page_size: int = PAGE_SIZE,
        provider_id: str = "uof:1",
        is_decided: bool = False,
    ) -> int:
        """Apply a result whole, as often as others hold its locks; return how many bets it changed."""
        keyed = build_keyed(fixture_id, result, key=key, provider_id=provider_id)
        applied = 0
        for _ in range(1_000):
            try:
                page: SettlementPage = await self.settlement.settle_page(
                    keyed, page_size=page_size, has_left_queue=False, is_decided=is_decided
                )
            except Unavailable:
                await asyncio.sleep(0.01)
                continue
            applied += page.applied
            if page.is_complete:
                return applied
        raise AssertionError("a result must become complete")

    async def now_us(self) -> int:
        """Return the ledger's time."""
        now_us: int = (await self.fetch("SELECT ledger.now_us() AS now_us"))[0]["now_us"]
        return now_us

    async def let_claims_end(self, player: Player) -> None:
        """Let the time of every claim of a player be over."""
        await self.fetch(
            "UPDATE ledger.hold SET expires_time_us = begun_time_us WHERE account_id = $1 AND state = 'pending'",
            player.cash_account_id,
        )

    async def fetch(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        """Ask the database itself."""
        async with self.pool.connection() as connection:
            return await connection.fetch(query, *arguments)

    async def wait_for_horizon(self) -> None:
        """Wait until all that was written may be chained; transactions in other databases hold that back too."""
        async with asyncio.timeout(HORIZON_LIMIT_S):
            while not (await self.fetch(IS_BELOW_HORIZON))[0][0]:  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.02)

    async def set_posted(self, player: Player, minor: int) -> None:
        """Put another balance on a player's cash account, as no transfer does."""
        await self.fetch(
            "UPDATE ledger.account SET posted_minor = $2 WHERE account_id = $1", player.cash_account_id, minor
        )

    async def receivable_minor(self, player: Player) -> int:
        """Return what stands on the account of what the player owes, zero or below."""
        rows = await self.fetch(
            "SELECT posted_minor FROM ledger.account WHERE owner_id = $1 AND kind = 'receivable'", player.player_id
        )
        minor: int = rows[0]["posted_minor"]
        return minor


@asynccontextmanager
async def open_world(
    settings: Settings, *, ledger: Ledger | None = None, statement_timeout_ms: int = 30_000
) -> AsyncIterator[LedgerWorld]:
    """Open the stores on the settings' database."""
    pool = PostgresPool(
        settings.postgres_dsn,
        connections_max=8,
        statement_timeout_ms=statement_timeout_ms,
        application_name="ledger-test",
    )
    await pool.open()
    options = ledger or Ledger(answer_timeout_ms=60_000)
    bets = PostgresBetLedger(pool, options)
    rounds = PostgresRounds(pool, options)
    try:
        yield LedgerWorld(
            pool,
            bets,
            PostgresWallet(pool),
            PostgresPlayers(pool),
            PostgresSettlementLedger(pool),
            PostgresParkedResults(pool),
            rounds,
            PostgresDeposits(pool),
            PostgresInbox(pool),
        )
    finally:
        await rounds.close()
        await bets.close()
        await pool.close()


@asynccontextmanager
async def scratch_database(settings: Settings) -> AsyncIterator[Settings]:
    """Make a migrated database of its own, for what must not see or spoil other tests' data."""
    name = f"scratch_{uuid4().hex[:12]}"
    scratch = settings.model_copy(update={"postgres": settings.postgres.model_copy(update={"database": name})})
    await asyncio.to_thread(migrate_postgres, scratch)
    try:
        yield scratch
    finally:
        connection = await asyncpg.connect(settings.postgres_dsn)
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await connection.close()


def build_command(
    player: Player,
    stake_minor: int,
    fixture_id: str,
    *,
    odds_milli: int = 2_000,
    outcome_id: str = "home",
    request_id: UUID | None = None,
    refusal: BetRefusal | None = None,
    currency: str = "EUR",
) -> PlaceCommand:
    """Build a single on the match result."""
    return PlaceCommand(
        request_id=request_id or uuid4(),
        player_id=player.player_id,
        cash_account_id=player.cash_account_id,
        fingerprint=fingerprint_of(fixture_id, outcome_id, stake_minor, odds_milli, currency),
        legs=(Leg(fixture_id, "1x2", outcome_id, odds_milli, 1_700_000_000_000_000, False, "Ajax v Feyenoord"),),
        lines=SINGLE,
        stake=Money(stake_minor, currency),
        potential_return_minor=stake_minor * odds_milli // 1_000,
        refusal=refusal,
        rate=RATES.rate_of(currency),
    )


def build_spin(
    player: Player,
    stops: tuple[int, ...],
    *,
    win_minor: int,
    stake_minor: int = 100,
    request_id: UUID | None = None,
    cycle_ms: int = 0,
) -> SpinCommand:
    """Build a spin of the house's first game."""
    return SpinCommand(
        request_id=request_id or uuid4(),
        player_id=player.player_id,
        account_id=player.cash_account_id,
        fingerprint=fingerprint_of("triple_bell", stake_minor, player.currency),
        game_code="triple_bell",
        game_version=1,
        stops=stops,
        stake=Money(stake_minor, player.currency),
        win=Money(win_minor, player.currency),
        stake_minor_max=500,
        cycle_ms=cycle_ms,
    )


async def build_bet(
    world: LedgerWorld,
    player: Player,
    fixture_ids: Sequence[str],
    odds_milli: Sequence[int],
    lines: tuple[Line, ...],
    *,
    line_stake_minor: int,
    outcome_ids: Sequence[str] = (),
) -> Bet:
    """Place a bet on home or these outcomes, one a fixture, with so much on each line, that must be accepted."""
    single = build_command(player, line_stake_minor * len(lines), fixture_ids[0], currency=player.currency)
    outcomes = outcome_ids or ["home"] * len(fixture_ids)
    legs = tuple(
        replace(single.legs[0], fixture_id=fixture_id, outcome_id=outcome_id, decimal_odds_milli=milli)
        for fixture_id, outcome_id, milli in zip(fixture_ids, outcomes, odds_milli, strict=True)
    )
    payout_minor = sum(
        potential_return_minor(line_stake_minor, *(legs[leg].decimal_odds_milli for leg in line)) for line in lines
    )
    answer = await world.bets.place(replace(single, legs=legs, lines=lines, potential_return_minor=payout_minor))
    assert answer.bet is not None, answer.refusal
    return answer.bet


def inquiry_of(command: PlaceCommand) -> Inquiry:
    """Build what is asked before the command."""
    return Inquiry(
        request_id=command.request_id,
        player_id=command.player_id,
        cash_account_id=command.cash_account_id,
        fingerprint=command.fingerprint,
        fixture_id=command.legs[0].fixture_id,
        market_id=command.legs[0].market_id,
    )


def claim_of(command: PlaceCommand, *, until_us: int, market_stake_minor_max: int = 10**9) -> Claim:
    """Build the claim of the command's stake."""
    return Claim(inquiry_of(command), command.stake.amount_minor, market_stake_minor_max, until_us)


def settlement(*, home_won: bool, home_void_micro: int = 0) -> MarketResult:
    """Build the result of the match result."""
    return MarketResult(
        ResultKind.SETTLEMENT,
        "1x2",
        (
            OutcomeResult("home", ONE_MICRO if home_won else 0, home_void_micro, ONE_MICRO),
            OutcomeResult("away", 0 if home_won else ONE_MICRO, 0, ONE_MICRO),
        ),
        0,
        0,
        "",
        2,
    )


def build_keyed(fixture_id: str, result: MarketResult, *, key: str, provider_id: str = "uof:1") -> KeyedResult:
    """Give a result its name and the digest of its message."""
    encoded = build_market_result(result).SerializeToString()
    (keyed,) = read_results(
        ResultMessage(key, provider_id, fixture_id, result.market_id, int(result.kind), encoded, is_whole=False)
    )
    return keyed


def correction(kind: ResultKind, *, start_ms: int = 0, end_ms: int = 0) -> MarketResult:
    """Build a rollback, a cancellation or its rollback."""
    return MarketResult(kind, "1x2", (), start_ms, end_ms, "", 2)


def refusal_of(answer: BetAnswer) -> BetRefusal:
    """Return the refusal that an answer must be."""
    assert answer.refusal is not None
    assert answer.bet is None
    return answer.refusal
