"""A crowd with very many bets on one market, and the result that settles them."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bets.answer import PlaceCommand
from bets.bet import SINGLE, Leg
from infra.kafka import KafkaOutlet
from infra.rates import read_rates
from infra.settings import Settings
from infra.stores.postgres import PostgresPool
from infra.stores.postgres_bets import PostgresBetLedger
from infra.stores.postgres_players import PostgresPlayers
from infra.stores.postgres_wallet import PostgresWallet
from kernel.commands import fingerprint_of
from kernel.money import Money
from kernel.rates import ReferenceRate
from loadtests.pacing import now_us
from markets.odds import FACTOR_ONE_MICRO
from overround.feed.v1 import feed_pb2
from pam.player import Player, PlayerRole
from wire.topics import RESULTS

CROWD = 200
CURRENCY = "EUR"
DEPOSIT_MINOR = 100_000_000
STAKE_MINOR = 100
ODDS_MILLI = 2_000
MARKET_ID = "1x2"
OUTCOMES = ("home", "away")
PLACING_AT_ONCE = 200
CONNECTIONS = 4
STATEMENT_TIMEOUT_MS = 10_000
SETTLED_POLL_S = 0.02
SETTLED_LIMIT_S = 120.0
PROVIDER_ID = "load"
NOBODY_LOGS_IN = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA"

_COMPLETED = "SELECT completed_time_us FROM bets.settlement WHERE fixture_id = $1 AND is_complete"


@dataclass(frozen=True, slots=True)
class Settling:
    """When a market was being settled, microseconds since the Unix epoch."""

    begun_us: int
    ended_us: int


class Crowd:
    """Players whose bets go to the ledger directly, so that there are soon many."""

    def __init__(self, pool: PostgresPool, bets: PostgresBetLedger, players: list[Player], rate: ReferenceRate) -> None:
        self._pool = pool
        self._bets = bets
        self._players = players
        self._rate = rate

    async def place(self, fixture_id: str, count: int) -> None:
        """Place so many bets on one market."""
        for start in range(0, count, PLACING_AT_ONCE):
            places = range(start, min(start + PLACING_AT_ONCE, count))
            await asyncio.gather(*(self._bets.place(self._command(fixture_id, place)) for place in places))

    async def settle(self, outlet: KafkaOutlet, fixture_id: str) -> Settling:
        """Send the market's result and wait until it is applied whole."""
        begun_us = now_us()
        await outlet.send_and_wait(RESULTS.name, fixture_id, _result(fixture_id).SerializeToString())
        async with asyncio.timeout(SETTLED_LIMIT_S):
            while True:
                async with self._pool.connection() as connection:
                    ended_us = await connection.fetchval(_COMPLETED, fixture_id)
                if ended_us is not None:
                    return Settling(begun_us, ended_us)
                await asyncio.sleep(SETTLED_POLL_S)

    def _command(self, fixture_id: str, place: int) -> PlaceCommand:
        player = self._players[place % len(self._players)]
        outcome_id = OUTCOMES[place % len(OUTCOMES)]
        return PlaceCommand(
            request_id=uuid.uuid4(),
            player_id=player.player_id,
            cash_account_id=player.cash_account_id,
            fingerprint=fingerprint_of(fixture_id, place),
            legs=(Leg(fixture_id, MARKET_ID, outcome_id, ODDS_MILLI, 1, False, "Load v Load"),),
            lines=SINGLE,
            stake=Money(STAKE_MINOR, CURRENCY),
            potential_return_minor=STAKE_MINOR * ODDS_MILLI // 1_000,
            refusal=None,
            rate=self._rate,
        )


@asynccontextmanager
async def gather_crowd(settings: Settings) -> AsyncIterator[Crowd]:
    """Register players with money and lend them."""
    pool = PostgresPool(
        settings.postgres_dsn,
        connections_max=CONNECTIONS,
        statement_timeout_ms=STATEMENT_TIMEOUT_MS,
        application_name="loadtest",
    )
    await pool.open()
    bets = PostgresBetLedger(pool, settings.ledger)
    try:
        players, wallet = PostgresPlayers(pool), PostgresWallet(pool)
        crowd = [await _register(players, wallet) for _ in range(CROWD)]
        yield Crowd(pool, bets, crowd, read_rates(settings.house_dir).rate_of(CURRENCY))
    finally:
        await bets.close()
        await pool.close()


async def _register(players: PostgresPlayers, wallet: PostgresWallet) -> Player:
    stored = await players.register(
        request_id=uuid.uuid4(),
        username=f"crowd.{uuid.uuid4().hex[:16]}",
        password_hash=NOBODY_LOGS_IN,
        role=PlayerRole.BETTOR,
        currency=CURRENCY,
    )
    await wallet.deposit_test_money(uuid.uuid4(), stored.player.cash_account_id, Money(DEPOSIT_MINOR, CURRENCY))
    return stored.player


def _result(fixture_id: str) -> feed_pb2.FixtureResults:
    outcomes = [
        feed_pb2.OutcomeResult(
            outcome_id=outcome_id,
            win_factor_micro=FACTOR_ONE_MICRO if outcome_id == OUTCOMES[0] else 0,
            dead_heat_factor_micro=FACTOR_ONE_MICRO,
        )
        for outcome_id in OUTCOMES
    ]
    settlement = feed_pb2.MarketResult(
        kind=feed_pb2.RESULT_KIND_SETTLEMENT, market_id=MARKET_ID, outcomes=outcomes, certainty=2
    )
    return feed_pb2.FixtureResults(
        provider_id=PROVIDER_ID, fixture_id=fixture_id, sequence=now_us(), results=[settlement]
    )
