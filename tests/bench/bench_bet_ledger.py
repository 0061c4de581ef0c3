"""Bets a second through the ledger's shared commits: `python tests/bench/bench_bet_ledger.py [bets] [waiting]`."""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import time
from uuid import uuid4

import uvloop

from bets.answer import PlaceCommand
from bets.bet import SINGLE, Leg
from infra.settings import load_settings
from infra.stores.postgres import PostgresPool
from infra.stores.postgres_bets import PostgresBetLedger
from infra.stores.postgres_players import PostgresPlayers
from infra.stores.postgres_wallet import PostgresWallet
from kernel.commands import fingerprint_of
from kernel.money import Money
from pam.player import Player, PlayerRole
from tests.currencies import EURO

PLAYERS = 500
HASH = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA"


async def main(bet_count: int, waiting: int) -> None:
    settings = load_settings()
    pool = PostgresPool(
        settings.postgres_dsn,
        connections_max=settings.ledger.connections_max,
        statement_timeout_ms=settings.ledger.statement_timeout_ms,
        application_name="bench",
    )
    await pool.open()
    ledger = PostgresBetLedger(pool, settings.ledger)
    players = [await open_player(pool) for _ in range(PLAYERS)]
    latencies_ms: list[float] = []
    commands = iter([build_command(random.choice(players)) for _ in range(bet_count)])

    async def worker() -> None:
        for command in commands:
            begun_s = time.perf_counter()
            await ledger.place(command)
            latencies_ms.append((time.perf_counter() - begun_s) * 1_000)

    begun_s = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(waiting)))
    elapsed_s = time.perf_counter() - begun_s
    quantiles = statistics.quantiles(latencies_ms, n=100)
    sys.stdout.write(
        f"{bet_count} bets, {waiting} waiting: {bet_count / elapsed_s:,.0f}/s, "
        f"p50 {quantiles[49]:.1f} ms, p99 {quantiles[98]:.1f} ms\n"
    )
    await ledger.close()
    await pool.close()


async def open_player(pool: PostgresPool) -> Player:
    username = f"bench-{uuid4().hex[:12]}"
    stored = await PostgresPlayers(pool).register(
        request_id=uuid4(), username=username, password_hash=HASH, role=PlayerRole.BETTOR, currency="EUR"
    )
    await PostgresWallet(pool).deposit_test_money(uuid4(), stored.player.cash_account_id, Money(1_000_000, "EUR"))
    return stored.player


def build_command(player: Player) -> PlaceCommand:
    fixture_id = f"bench:{random.randrange(50)}"
    return PlaceCommand(
        request_id=uuid4(),
        player_id=player.player_id,
        cash_account_id=player.cash_account_id,
        fingerprint=fingerprint_of(str(player.player_id), fixture_id),
        legs=(Leg(fixture_id, "1x2", "home", 2_150, 1_700_000_000_000_000, False, "Ajax v Feyenoord"),),
        lines=SINGLE,
        stake=Money(100, "EUR"),
        potential_return_minor=215,
        refusal=None,
        rate=EURO,
    )


if __name__ == "__main__":
    uvloop.run(main(*(int(argument) for argument in [*sys.argv[1:], "20000", "200"][:2])))
