"""The audit of what others keep of the ledger's open bets: exposure in Redis, liability in the log.

Both follow the ledger by moments while bets are under way. So what differs is told only where the ledger said the same
of it before and after the look, and every look until nothing can be on its way any more found it again.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias
from uuid import UUID

import asyncpg
from redis.asyncio import Redis
from redis.exceptions import RedisError

from infra.audit_check import Finding
from infra.settings import Settings
from infra.stores.exposure import COMPLETE_KEY, FIXTURE_KEY_PATTERN, fixture_of, parse_field, unpack_entry
from infra.stores.liability import KafkaLiabilityLog
from infra.stores.redis_client import open_redis
from kernel.errors import Unavailable
from kernel.money import MINOR_DIGITS
from overround.risk.v1.risk_pb2 import FixtureLiability
from risk.ports import ExposureEntry
from wire.risk import build_fixture_liability, parse_fixture_liability

LOOK_AGAIN_S: Final = 0.5
LOOKS_MIN: Final = 2
ANSWER_TIMEOUT_MS: Final = 5_000
EXPOSURE_NAME: Final = "Exposure in Redis is that of the open bets"
LIABILITY_NAME: Final = "Liability in the log is that of the open bets"

_SEPARATOR: Final = "\x1f"
# What each leg of a bet counts for in the reference currency, worked out anew in SQL: stakes rounded down, payouts up.
_OPEN_BETS: Final = """
    WITH digits AS (
        SELECT * FROM unnest($1::text[], $2::integer[]) AS d (currency, digits)
    )
    SELECT b.bet_id, l.fixture_id, l.market_id, l.outcome_id, div(b.stake_minor * a.parts, a.of)::bigint,
        div(b.potential_return_minor * a.parts + a.of - 1, a.of)::bigint, l.leg
    FROM bets.bet b JOIN bets.leg l USING (bet_id)
    LEFT JOIN digits own ON own.currency = b.currency
    LEFT JOIN digits reference ON reference.currency = b.reference_currency
    CROSS JOIN LATERAL (
        SELECT 10::numeric ^ reference.digits * 1000000 AS parts, 10::numeric ^ own.digits * b.rate_micro AS of
    ) AS a
    WHERE b.status = 1
"""
_DIGITS: Final = (list(MINOR_DIGITS), list(MINOR_DIGITS.values()))

Differences: TypeAlias = dict[tuple[str, ...], str]
"""What differs, in words, by what it is about."""

Bets: TypeAlias = dict[tuple[UUID, int], ExposureEntry]
"""What open bets count for, by bet and leg."""
Sums: TypeAlias = dict[tuple[str, str, str], tuple[int, int, int]]
"""Bets, stakes and payouts by fixture, market and outcome."""


async def audit_views(settings: Settings, *, must_check_copy: bool) -> list[Finding]:
    """Return what exposure and liability have of the open bets that the ledger has not, or the other way round.

    Args:
        settings: Where the ledger, Redis and the log are.
        must_check_copy: Whether one that cannot be reached is a violation rather than a check left out.
    """
    both = (audit_exposure, audit_liability)
    return list(await asyncio.gather(*(audit(settings, must_check_copy=must_check_copy) for audit in both)))


async def audit_exposure(settings: Settings, *, must_check_copy: bool) -> Finding:
    """Return what exposure has of the open bets that the ledger has not, or the other way round."""
    redis = open_redis(settings.redis_url, connections_max=2, timeout_ms=ANSWER_TIMEOUT_MS)
    try:
        async with _ledger(settings) as connection:
            return await _find(
                EXPOSURE_NAME, settings, lambda: look_at_exposure(connection, redis), must_check_copy=must_check_copy
            )
    finally:
        await redis.aclose()


async def audit_liability(settings: Settings, *, must_check_copy: bool) -> Finding:
    """Return what liability has of the open bets that the ledger has not, or the other way round."""
    log = KafkaLiabilityLog(settings.kafka_client, client_id="audit")
    async with _ledger(settings) as connection:
        return await _find(
            LIABILITY_NAME,
            settings,
            lambda: look_at_liability(connection, log, partitions=settings.kafka.partitions),
            must_check_copy=must_check_copy,
        )


@asynccontextmanager
async def _ledger(settings: Settings) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(settings.postgres_dsn, server_settings={"application_name": "audit"})
    try:
        yield connection
    finally:
        await connection.close()


class _NotWhole(Exception):
    """What is compared is being built anew."""


async def _find(
    name: str, settings: Settings, look: Callable[[], Awaitable[tuple[int, Differences]]], *, must_check_copy: bool
) -> Finding:
    deadline_s = time.monotonic() + settings.audit.copy_timeout_s
    found: Differences | None = None
    looks = 0
    while True:
        try:
            checked, again = await look()
        except (RedisError, OSError, TimeoutError, Unavailable, _NotWhole) as error:
            if time.monotonic() >= deadline_s:
                reason = f"it could not be asked: {error}"
                return Finding(name, None, (reason,) if must_check_copy else (), reason)
        else:
            looks += 1
            found = again if found is None else {key: again[key] for key in found.keys() & again.keys()}
            if not found or (looks >= LOOKS_MIN and time.monotonic() >= deadline_s):
                return Finding(name, checked, tuple(found[key] for key in sorted(found)))
        await asyncio.sleep(LOOK_AGAIN_S)


async def look_at_exposure(connection: Any, redis: Redis) -> tuple[int, Differences]:
    """Return how many bets exposure counts, and where it is not what the ledger has."""
    before = await _read_open(connection)
    hashes = await _read_hashes(redis)
    after = await _read_open(connection)
    counted = {
        (bet_id, leg): unpack_entry(fixture_id, record.encode(), leg)
        for fixture_id, fields in hashes.items()
        for field, record in fields.items()
        if field.startswith("b")
        for bet_id, leg in [parse_field(field.removeprefix("b"))]
    }
    differences = compare_bets(before, counted, after)
    for fixture_id, fields in hashes.items():
        differences |= compare_totals(fixture_id, fields)
    return len(counted), differences


def compare_bets(before: Bets, counted: Bets, after: Bets) -> Differences:
    """Return which bets are open and not counted, counted and not open, or counted for something else."""
    differences: Differences = {}
    for bet_id, leg in before.keys() & after.keys() - counted.keys():
        fixture_id = before[bet_id, leg].fixture_id
        differences["bet", str(bet_id), str(leg)] = f"bet {bet_id} of {fixture_id} is open and not counted"
    for (bet_id, leg), entry in counted.items():
        known = before.get((bet_id, leg)) or after.get((bet_id, leg))
        if known is None:
            differences["bet", str(bet_id), str(leg)] = f"bet {bet_id} of {entry.fixture_id} is counted and not open"
        elif known != entry:
            differences["bet", str(bet_id), str(leg)] = f"bet {bet_id} is counted for {entry}, is {known}"
    return differences


def compare_totals(fixture_id: str, fields: Mapping[str, str]) -> Differences:
    """Return which sums of a fixture are not those of the bets and reservations beside them."""
    expected: Counter[str] = Counter()
    for field, record in fields.items():
        if field[:1] in ("b", "r"):
            entry = unpack_entry(fixture_id, record.encode(), 0)
            expected[f"s{entry.market_id}"] += entry.stake_minor
            expected[f"p{entry.market_id}{_SEPARATOR}{entry.outcome_id}"] += entry.payout_minor
    found = {field: int(amount) for field, amount in fields.items() if field[:1] in ("s", "p")}
    return {
        ("sum", fixture_id, field): (
            f"{fixture_id} {field[1:].replace(_SEPARATOR, ' ')}: "
            f"{'stakes' if field[0] == 's' else 'payouts'} are {found.get(field, 0)}, "
            f"bets and reservations sum to {expected[field]}"
        )
        for field in expected.keys() | found.keys()
        if found.get(field, 0) != expected[field]
    }


async def look_at_liability(connection: Any, log: KafkaLiabilityLog, *, partitions: int) -> tuple[int, Differences]:
    """Return how many outcomes have open bets, and where liability in the log is not what the ledger has."""
    before = await _read_sums(connection)
    published: Sums = {}
    differences: Differences = {}
    for partition in range(partitions):
        for encoded in (await log.read(partition)).values():
            message = FixtureLiability.FromString(encoded)
            published |= _sums_of(message)
            differences |= compare_derived(message)
    after = await _read_sums(connection)
    return len(before), differences | compare_sums(before, published, after)


def compare_sums(before: Sums, published: Sums, after: Sums) -> Differences:
    """Return where what was published is not what the ledger had before the look and after it."""
    nothing = (0, 0, 0)
    return {
        key: "{} {} {}: {} bets, stakes {}, payouts {} in the log, {}, {}, {} in the ledger".format(
            *key, *published.get(key, nothing), *before.get(key, nothing)
        )
        for key in before.keys() | published.keys()
        if before.get(key, nothing) == after.get(key, nothing) != published.get(key, nothing)
    }


def compare_derived(message: FixtureLiability) -> Differences:
    """Return where the sums and worst losses of a fixture do not follow from its outcomes."""
    rebuilt = {market.market_id: market for market in build_fixture_liability(parse_fixture_liability(message)).markets}
    # What was published before the catalogue knew better how many outcomes win is right by what was known then.
    comparable = [market for market in message.markets if rebuilt[market.market_id].winner_count == market.winner_count]
    worst_loss_minor = sum(market.worst_loss_minor for market in message.markets)
    if worst_loss_minor == message.worst_loss_minor and all(
        market == rebuilt[market.market_id] for market in comparable
    ):
        return {}
    return {("derived", message.fixture_id): f"{message.fixture_id}: sums do not follow from the outcomes"}


def _sums_of(message: FixtureLiability) -> Sums:
    return {
        (message.fixture_id, market.market_id, outcome.outcome_id): (
            outcome.bet_count,
            outcome.stake_minor,
            outcome.payout_minor,
        )
        for market in message.markets
        for outcome in market.outcomes
    }


async def _read_open(connection: Any) -> Bets:
    rows = await connection.fetch(_OPEN_BETS, *_DIGITS)
    return {(row[0], row["leg"]): ExposureEntry(*tuple(row)[1:]) for row in rows}


async def _read_sums(connection: Any) -> Sums:
    sums: Sums = {}
    for entry in (await _read_open(connection)).values():
        key = entry.fixture_id, entry.market_id, entry.outcome_id
        count, stake_minor, payout_minor = sums.get(key, (0, 0, 0))
        sums[key] = count + 1, stake_minor + entry.stake_minor, payout_minor + entry.payout_minor
    return sums


async def _read_hashes(redis: Any) -> dict[str, dict[str, str]]:
    """Return the fields of every fixture, each fixture's as of one moment."""
    if await redis.get(COMPLETE_KEY) is None:
        raise _NotWhole("exposure is being built anew")
    hashes: dict[str, dict[str, str]] = {}
    async for key in redis.scan_iter(match=FIXTURE_KEY_PATTERN):
        fields = await redis.hgetall(key)
        hashes[fixture_of(key)] = {field.decode(): value.decode() for field, value in fields.items()}
    return hashes
