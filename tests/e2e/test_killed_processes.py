"""Any one process is killed during the simulated day: it comes back, nothing is lost, nothing is doubled."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest
import redis
from clickhouse_driver import Client

from infra.settings import Settings
from overround.bets.v1 import bet_pb2
from overround.risk.v1 import risk_pb2
from tests.e2e.client import Bettor, Price, Prices, Refused, wait_for
from tests.e2e.conftest import Overround
from tests.running_system import RunningSystem

STAKE_MINOR = 100
BACK_LIMIT_S = 60.0
CATCH_UP_LIMIT_S = 60.0
PROGRAMS = (
    "gateway", "pricing", "risk", "settlement", "history", "relay", "simulation",
    "envoy", "redis", "postgres", "kafka", "clickhouse",
)  # fmt: skip


@pytest.fixture(scope="module")
def simulated_day(system: RunningSystem) -> Iterator[RunningSystem]:
    """The simulated day plays, and bets have been taken."""
    system.start("simulation")
    system.wait_healthy("simulation")
    yield system
    system.stop("simulation")


@pytest.mark.timeout(240)
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_killed_process_comes_back_and_nothing_is_lost_or_doubled(
    simulated_day: RunningSystem, overround: Overround, program: str
) -> None:
    settings = simulated_day.settings
    target = f"{settings.host}:{settings.ports.web}"
    prices, bettor = Prices(target), Bettor(target, deposit_minor=100_000)
    asked = [ask(bettor, prices) for _ in range(3)]

    simulated_day.kill(program)
    deadline_s = time.monotonic() + 4.0
    while time.monotonic() < deadline_s:
        asked.append(ask(bettor, prices))
        time.sleep(0.2)
    simulated_day.wait_healthy(program)
    wait_for(
        lambda: accepted(asked, bettor, prices), what=f"bet accepted after {program} was killed", limit_s=BACK_LIMIT_S
    )

    settle_doubts(asked, bettor)
    bet_ids = [answer.bet_id for _, _, answer in asked if isinstance(answer, bet_pb2.Bet)]
    assert sorted(bet.bet_id for bet in bettor.bets()) == sorted(bet_ids)
    overround(settings)("audit", "--clickhouse")
    wait_for(
        lambda: liability_agrees(settings) or None, what="liability equal to the open bets", limit_s=CATCH_UP_LIMIT_S
    )
    wait_for(lambda: history_agrees(settings) or None, what="history equal to the ledger", limit_s=CATCH_UP_LIMIT_S)


Asked = tuple[str, Price | None, bet_pb2.Bet | Refused | None]


def ask(bettor: Bettor, prices: Prices) -> Asked:
    """Bet on anything open; an answer that did not come is None."""
    request_id = str(uuid.uuid4())
    try:
        price = next((found for book in prices.all_books() if (found := main_price(prices, book.fixture_id))), None)
    except Exception:  # whatever the door says while something is down
        price = None
    return request_id, price, bettor.place(price, stake_minor=STAKE_MINOR, request_id=request_id) if price else None


def main_price(prices: Prices, fixture_id: str) -> Price | None:
    return prices.price(fixture_id, "1x2", "home")


def accepted(asked: list[Asked], bettor: Bettor, prices: Prices) -> bool | None:
    asked.append(ask(bettor, prices))
    return isinstance(asked[-1][2], bet_pb2.Bet) or None


def settle_doubts(asked: list[Asked], bettor: Bettor) -> None:
    """Ask again, by the same id, for every bet whose answer was no answer."""
    for index, (request_id, price, answer) in enumerate(asked):
        if price is not None and isinstance(answer, Refused):
            again = bettor.place(price, stake_minor=STAKE_MINOR, request_id=request_id)
            asked[index] = (request_id, price, again)


def liability_agrees(settings: Settings) -> bool:
    """Compare the liability served to the desk with the open bets in the ledger."""
    client: Any = redis.Redis.from_url(settings.redis_url)
    served = {}
    for key in set(client.scan_iter("liability:*", count=500)) - {b"liability:complete"}:
        liability = risk_pb2.FixtureLiability.FromString(client.get(key) or b"")
        stake_minor = sum(market.stake_minor for market in liability.markets)
        if stake_minor:
            served[liability.fixture_id] = stake_minor
    client.close()
    return served == asyncio.run(open_stakes(settings))


async def open_stakes(settings: Settings) -> dict[str, int]:
    connection = await asyncpg.connect(settings.postgres_dsn)
    try:
        rows = await connection.fetch(OPEN_STAKES)
    finally:
        await connection.close()
    return {row["fixture_id"]: int(row["stake_minor"]) for row in rows}


def history_agrees(settings: Settings) -> bool:
    """Compare the sum of all transfers in the history with the ledger's."""
    client = Client.from_url(settings.clickhouse_dsn)
    try:
        rows = client.execute("SELECT count(DISTINCT transfer_id), count() FROM ledger_transfers FINAL")
    finally:
        client.disconnect()
    distinct, stored = map(int, rows[0])
    return distinct == stored == asyncio.run(count_transfers(settings))


async def count_transfers(settings: Settings) -> int:
    connection = await asyncpg.connect(settings.postgres_dsn)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM ledger.transfer"))
    finally:
        await connection.close()


OPEN_STAKES = """
SELECT leg.fixture_id, sum(bet.stake_minor) AS stake_minor
FROM bets.bet AS bet JOIN bets.leg AS leg USING (bet_id) WHERE bet.status = 1 GROUP BY leg.fixture_id
"""
