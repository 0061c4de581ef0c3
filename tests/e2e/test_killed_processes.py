"""Every process is killed during the simulated day, as a provider falls silent and a market is settled.

It comes back, nothing is lost, nothing is doubled, and nobody bets on what nobody vouches for. In the short form some
are killed one after the other, the next before the last has come back; in the long form each has a scene of its own.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import asyncpg
import pytest
import redis
from clickhouse_driver import Client

from infra.settings import Settings
from overround.bets.v1 import bet_pb2
from overround.odds.v1 import book_pb2
from overround.risk.v1 import risk_pb2
from tests.e2e.client import Bettor, Price, Prices, Refused, wait_for
from tests.e2e.conftest import Overround
from tests.e2e.pump import OwnProvider, build_result, build_update
from tests.running_system import RunningSystem, running

STAKE_MINOR = 100
BETS_SETTLED = 12
BACK_LIMIT_S = 180.0
CATCH_UP_LIMIT_S = 180.0
ASKED_FOR_S = 3.0
"""Bets are asked for at least so long from the moment on in which a program is killed."""
ROUNDS = (
    ("gateway", "clickhouse", "risk", "exclusion_register"),
    ("pricing", "postgres", "envoy"),
    ("redis", "settlement", "history", "card_provider"),
    ("simulation", "relay", "kafka", "doors", "bank_provider"),
)


@pytest.fixture(scope="module")
def simulated_day(system: RunningSystem) -> Iterator[RunningSystem]:
    """The simulated day plays, and bets have been taken."""
    system.start("simulation")
    system.wait_healthy("simulation")
    yield system
    system.stop("simulation")


@dataclass(frozen=True)
class Scene:
    """A fixture whose provider falls silent as a program dies, and one that is settled meanwhile.

    Attributes:
        bets: Placed on the home side of the settled one.
    """

    silent: OwnProvider
    silent_fixture_id: str
    settling: OwnProvider
    settled_fixture_id: str
    bets: list[bet_pb2.Bet]

    def go_on(self) -> None:
        """Fall silent on the one, say on the other that home won."""
        self.silent.fall_silent()
        self.settling.push(build_result(self.settled_fixture_id, "home"))


@pytest.fixture
def own_providers(simulated_day: RunningSystem) -> Iterator[tuple[OwnProvider, OwnProvider]]:
    """Two providers beside those of the day."""
    target = f"{simulated_day.settings.host}:{simulated_day.settings.ports.web}"
    keys = simulated_day.secrets.provider_api_keys
    silent, settling = (OwnProvider(target, provider_id=name, api_key=keys[name]) for name in ("betfair", "uof"))
    yield silent, settling
    silent.close()
    settling.close()


def set_scene(providers: tuple[OwnProvider, OwnProvider], prices: Prices, bettor: Bettor) -> Scene:
    """Let two providers quote a fixture each, and bet on one of them."""
    silent, settling = providers
    silent_id, settled_id = (f"e2e:{uuid.uuid4().hex}" for _ in range(2))
    silent.push(build_update(silent_id, 1))
    settling.push(build_update(settled_id, 1))
    wait_for(lambda: main_price(prices, silent_id), what="price of the fixture that falls silent")
    price = wait_for(lambda: main_price(prices, settled_id), what="price of the fixture that is settled")
    bets = [wait_for(partial(taken, bettor, price), what="bet taken") for _ in range(BETS_SETTLED)]
    return Scene(silent, silent_id, settling, settled_id, bets)


def taken(bettor: Bettor, price: Price) -> bet_pb2.Bet | None:
    answer = bettor.place(price, stake_minor=STAKE_MINOR)
    return answer if isinstance(answer, bet_pb2.Bet) else None


def expect_what_was_said(scene: Scene, prices: Prices, bettor: Bettor) -> None:
    """Every bet on the settled market is paid, and nobody takes one on either fixture."""
    scene.settling.wait_until_acknowledged()

    def are_settled() -> bool:
        return all(bettor.bet(bet.bet_id).status == bet_pb2.BET_STATUS_SETTLED for bet in scene.bets)

    wait_for(lambda: are_settled() or None, what="payment of every bet on the settled market", limit_s=BACK_LIMIT_S)
    for bet in scene.bets:
        assert bettor.bet(bet.bet_id).return_amount.amount_minor == bet.potential_return.amount_minor
    scene.settling.fall_silent()
    for fixture_id in (scene.silent_fixture_id, scene.settled_fixture_id):
        look = partial(is_shut, prices, fixture_id)
        wait_for(look, what="end of bets on what nobody vouches for", limit_s=BACK_LIMIT_S)
        guess = Price(fixture_id, "1x2", "home", 2_000, 0)
        assert isinstance(bettor.place(guess, stake_minor=STAKE_MINOR), Refused)


def is_shut(prices: Prices, fixture_id: str) -> bool | None:
    statuses = [prices.market_status(fixture_id, market_id) for market_id in ("1x2", "total:2.5")]
    return book_pb2.MARKET_STATUS_OPEN not in statuses or None


def test_every_program_is_killed_once(simulated_day: RunningSystem) -> None:
    killed = [program for programs in ROUNDS for program in programs]
    assert sorted(killed) == sorted(program.name for program in running(simulated_day.settings).programs)


@pytest.mark.timeout(900)
@pytest.mark.rounds(ROUNDS)
def test_a_killed_process_comes_back_and_nothing_is_lost_or_doubled(
    simulated_day: RunningSystem,
    overround: Overround,
    own_providers: tuple[OwnProvider, OwnProvider],
    programs: tuple[str, ...],
) -> None:
    settings = simulated_day.settings
    target = f"{settings.host}:{settings.ports.web}"
    prices, bettor = Prices(target), Bettor(target, deposit_minor=100_000)
    asked = [ask(bettor, prices) for _ in range(3)]
    scene = set_scene(own_providers, prices, bettor)

    scene.go_on()
    before = {program: simulated_day.find(program) for program in programs}
    for program in programs:
        simulated_day.kill(program)
        deadline_s = time.monotonic() + ASKED_FOR_S
        while time.monotonic() < deadline_s:
            asked.append(ask(bettor, prices))
            time.sleep(0.2)
    for program in programs:
        assert simulated_day.wait_healthy(program).pid != before[program].pid
    wait_for(
        lambda: accepted(asked, bettor, prices), what=f"bet accepted after {programs} were killed", limit_s=BACK_LIMIT_S
    )

    expect_what_was_said(scene, prices, bettor)
    settle_doubts(asked, bettor)
    bet_ids = [answer.bet_id for _, _, answer in asked if isinstance(answer, bet_pb2.Bet)]
    bet_ids += [bet.bet_id for bet in scene.bets]
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
