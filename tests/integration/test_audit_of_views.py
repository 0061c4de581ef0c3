"""The audit holds exposure in Redis and liability in the log against the open bets: each falsehood is noticed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from bets.bet import Bet
from infra.audit_views import audit_exposure, audit_liability, audit_views
from infra.kafka import KafkaOutlet
from infra.settings import Audit, Settings
from infra.stores.exposure import COMPLETE_KEY, RedisExposure, fixture_key
from infra.stores.redis_client import open_redis
from kernel.clock import SystemClock
from risk.liability import FixtureLiability, MarketLiability, OutcomeLiability
from risk.ports import ExposureEntry
from tests.ledger_world import LedgerWorld, open_world, scratch_database
from wire.risk import build_fixture_liability
from wire.topics import LIABILITIES

REDIS_DATABASE = 9
# 100 yen at evens, at 184.09 yen for a euro: the stake is rounded down, what may be paid up.
STAKE_MINOR, PAYOUT_MINOR = 54, 109


@dataclass
class Kept:
    """A bet of a database of its own, counted in a Redis database of its own and told to the log."""

    settings: Settings
    redis: Redis
    exposure: RedisExposure
    outlet: KafkaOutlet
    bet: Bet

    @property
    def fixture_id(self) -> str:
        return self.bet.legs[0].fixture_id

    def entry(self) -> ExposureEntry:
        return ExposureEntry(self.fixture_id, "1x2", "home", STAKE_MINOR, PAYOUT_MINOR)

    async def tell(
        self, *, stake_minor: int = STAKE_MINOR, payout_minor: int = PAYOUT_MINOR, bet_count: int = 1
    ) -> None:
        market = MarketLiability("1x2", {"home": OutcomeLiability(stake_minor, payout_minor, bet_count)})
        message = build_fixture_liability(FixtureLiability(self.fixture_id, "EUR", markets={"1x2": market}))
        await self.outlet.send_and_wait(LIABILITIES.name, self.fixture_id, message.SerializeToString())

    async def found_in_exposure(self) -> tuple[str, ...]:
        return (await audit_exposure(self.settings, must_check_copy=True)).violations

    async def found_in_liability(self) -> list[str]:
        told = (await audit_liability(self.settings, must_check_copy=True)).violations
        # The log has the fixtures of other tests too, of which this ledger knows nothing.
        return [text for text in told if self.fixture_id in text]


@pytest.fixture
async def kept(settings: Settings, kafka_client: dict[str, str]) -> AsyncIterator[Kept]:
    redis_section = settings.redis.model_copy(update={"database": REDIS_DATABASE})
    own = settings.model_copy(update={"redis": redis_section, "audit": Audit(copy_timeout_s=0)})
    outlet = KafkaOutlet(kafka_client, client_id="test", delivery_timeout_ms=10_000)
    redis = open_redis(own.redis_url, connections_max=2, timeout_ms=5_000)
    await redis.flushdb()
    try:
        async with scratch_database(own) as scratch, open_world(scratch) as world:
            bet = await placed(world)
            kept = Kept(scratch, redis, RedisExposure(redis, clock=SystemClock(), timeout_ms=5_000), outlet, bet)
            await redis.set(COMPLETE_KEY, "1")
            await kept.exposure.add_bet(kept.entry(), bet_id=bet.bet_id)
            await kept.tell()
            yield kept
            await outlet.send_and_wait(LIABILITIES.name, kept.fixture_id, None)
    finally:
        await redis.flushdb()
        await redis.aclose()
        outlet.close()


async def placed(world: LedgerWorld) -> Bet:
    player = await world.open_player(cash_minor=1_000, currency="JPY")
    return await world.bet(player, stake_minor=100, fixture_id=f"audit:{uuid4()}")


async def test_what_follows_the_open_bets_holds(kept: Kept) -> None:
    assert await kept.found_in_exposure() == ()
    assert await kept.found_in_liability() == []


@pytest.mark.parametrize(
    "command",
    [
        ("HINCRBY", "s1x2", 1),
        ("HINCRBY", "p1x2\x1fhome", -1),
        ("HDEL", "b{bet_id}"),
        ("HSET", "b{bet_id}", "1x2\x1fhome\x1f101\x1f200"),
        ("HSET", "b00000000-0000-0000-0000-000000000001", "1x2\x1fhome\x1f1\x1f2"),
    ],
    ids=str,
)
async def test_each_falsehood_in_exposure_is_noticed(kept: Kept, command: tuple[Any, ...]) -> None:
    name, *rest = (str(word).replace("{bet_id}", str(kept.bet.bet_id)) for word in command)
    client: Any = kept.redis
    await client.execute_command(name, fixture_key(kept.fixture_id), *rest)
    assert await kept.found_in_exposure()


async def test_an_exposure_that_is_being_built_is_left_out_or_told_as_asked(kept: Kept) -> None:
    await kept.redis.delete(COMPLETE_KEY)
    (exposure, _) = await audit_views(kept.settings, must_check_copy=False)
    assert (exposure.checked_count, exposure.violations) == (None, ())
    assert await kept.found_in_exposure() != ()


@pytest.mark.parametrize("field", ["stake_minor", "payout_minor", "bet_count"])
async def test_each_falsehood_in_liability_is_noticed(kept: Kept, field: str) -> None:
    told = {"stake_minor": STAKE_MINOR, "payout_minor": PAYOUT_MINOR, "bet_count": 1}
    await kept.tell(**{**told, field: told[field] + 1})
    assert await kept.found_in_liability()


async def test_what_comes_a_moment_later_is_no_difference(kept: Kept) -> None:
    await kept.exposure.remove_bet(kept.bet.bet_id, kept.entry().place)
    kept.settings = kept.settings.model_copy(update={"audit": Audit(copy_timeout_s=15)})

    async def count_later() -> None:
        await asyncio.sleep(1)
        await kept.exposure.add_bet(kept.entry(), bet_id=kept.bet.bet_id)

    later = asyncio.create_task(count_later())
    assert await kept.found_in_exposure() == ()
    await later
