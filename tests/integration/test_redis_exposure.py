"""Exposure in a real Redis: the script against its model, races, loss of data, forgotten reservations."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from uuid import uuid4

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from infra.settings import Settings
from infra.stores.exposure import (
    COMPLETE_KEY,
    FIXTURE_KEY_PATTERN,
    RESERVATIONS_KEY,
    RESERVE_SCRIPT,
    RedisExposure,
    fixture_key,
)
from infra.stores.exposure_keeper import ExposureKeeper, KeepingLog
from infra.stores.kept_exposure import LOCK_KEY, RedisKeptExposure
from infra.stores.redis_client import open_redis
from kernel.clock import SystemClock
from kernel.errors import Unavailable
from markets.catalogue import winners_of
from markets.odds import potential_return_minor
from markets.winners import ONE_WINNER
from risk.exposure import MarketExposure
from risk.keeping import ExposureKeeping, KeepingRules
from risk.ports import EntryPlace, ExposureEntry, LimitedEntry, ReservationKey, ReservationState
from tests.fakes.fake_clock import FakeClock
from tests.fakes.fake_open_bets import FakeOpenBets
from tests.joint_results import results_by_market

OWN_DATABASE = 41  # flushed here
LOSS_MINOR_MAX = 50_000
OUTCOMES = ("home", "draw", "away", "other")
RULES = KeepingRules(reservation_age_ms_max=30_000, answer_ms_max=10, compare_interval_ms=0)


@pytest_asyncio.fixture
async def redis(settings: Settings) -> AsyncIterator[Redis]:
    own = settings.redis.model_copy(update={"database": OWN_DATABASE})
    url = settings.model_copy(update={"redis": own}).redis_url
    client = open_redis(url, connections_max=64, timeout_ms=20_000)
    await client.flushdb()
    await client.script_load(RESERVE_SCRIPT)
    await client.set(COMPLETE_KEY, "1")
    yield client
    await client.aclose()


@pytest.fixture
def exposure(redis: Redis) -> RedisExposure:
    return RedisExposure(redis, clock=SystemClock(), timeout_ms=20_000)


def entry(
    fixture_id: str, *, outcome_id: str = "home", stake_minor: int = 1_000, odds_milli: int = 2_500
) -> ExposureEntry:
    return ExposureEntry(fixture_id, "1x2", outcome_id, stake_minor, potential_return_minor(stake_minor, odds_milli))


def new_key() -> ReservationKey:
    return ReservationKey(uuid4(), uuid4())


def fixture() -> str:
    return f"sim:{uuid4()}"


def keeper(
    redis: Redis, *, open_bets: FakeOpenBets | None = None, clock: FakeClock | SystemClock | None = None
) -> ExposureKeeping:
    clock = clock or SystemClock()
    kept = RedisKeptExposure(redis, clock=clock, timeout_ms=2_000, lock_ms=5_000)
    return ExposureKeeping(kept, open_bets or FakeOpenBets(), observer=KeepingLog(), clock=clock, rules=RULES)


async def market_of(redis: Redis, fixture_id: str) -> MarketExposure:
    return await exposure_of(redis, fixture_id, "1x2")


async def exposure_of(redis: Redis, fixture_id: str, market_id: str) -> MarketExposure:
    stake_minor, payouts = 0, {}
    found = await redis.hgetall(fixture_key(fixture_id))
    for field, value in ((bytes(field).decode(), value) for field, value in found.items()):  # type: ignore[arg-type]
        if field == f"s{market_id}":
            stake_minor = int(value)
        elif field.startswith(f"p{market_id}\x1f"):
            payouts[field.removeprefix(f"p{market_id}\x1f")] = int(value)
    return MarketExposure(stake_minor, payouts, winners_of(market_id))


DOUBLE_CHANCES = ("1x", "12", "x2", "nobody names it")


@pytest.mark.parametrize(
    ("market_id", "outcome_ids"),
    [
        ("1x2", OUTCOMES),
        ("first_half_double_chance", DOUBLE_CHANCES),
        ("betfair:DOUBLE_CHANCE:1.1", OUTCOMES),
        ("betfair:PLACE", OUTCOMES),
        ("uof:99:variant=x", OUTCOMES),
    ],
)
@pytest.mark.parametrize("seed", range(2))
async def test_the_script_equals_its_model(
    redis: Redis, exposure: RedisExposure, seed: int, market_id: str, outcome_ids: Sequence[str]
) -> None:
    dice = random.Random(seed)
    model, held = MarketExposure(winners=winners_of(market_id)), dict[ReservationKey, ExposureEntry]()
    fixture_id = fixture()
    for _ in range(120):
        if held and dice.random() < 0.3:
            key, taken = held.popitem()
            await exposure.release(key, [EntryPlace(fixture_id, 0)])
            sign = -1
        else:
            key = new_key()
            stake_minor, odds_milli = dice.randint(1, 60_000), dice.randint(1_001, 9_000)
            payout_minor = potential_return_minor(stake_minor, odds_milli)
            taken = ExposureEntry(fixture_id, market_id, dice.choice(outcome_ids), stake_minor, payout_minor)
            amounts = {"stake_minor": taken.stake_minor, "payout_minor": taken.payout_minor}
            expected = model.takes(taken.outcome_id, loss_minor_max=LOSS_MINOR_MAX, **amounts)
            found = await exposure.reserve(key, [LimitedEntry(taken, LOSS_MINOR_MAX)])
            assert (found.state == ReservationState.RESERVED) is expected
            assert found.exposure.stake_total_minor == model.stake_total_minor
            wanted = {"decimal_odds_milli": odds_milli, "loss_minor_max": LOSS_MINOR_MAX}
            assert found.exposure.stake_max_minor(taken.outcome_id, **wanted) == model.stake_max_minor(
                taken.outcome_id, **wanted
            )
            sign = int(expected)
            if expected:
                held[key] = taken
        model = model.with_bet(
            taken.outcome_id, stake_minor=sign * taken.stake_minor, payout_minor=sign * taken.payout_minor
        )
        assert model.worst_loss_minor() <= LOSS_MINOR_MAX or sign < 0
        assert await exposure_of(redis, fixture_id, market_id) == model
    for key in held:
        await exposure.release(key, [EntryPlace(fixture_id, 0)])
    assert not await redis.exists(fixture_key(fixture_id))


@pytest.mark.parametrize("market_id", sorted(results_by_market()))
async def test_no_result_of_any_market_costs_more_than_the_limit(exposure: RedisExposure, market_id: str) -> None:
    dice, fixture_id, taken = random.Random(market_id), fixture(), list[ExposureEntry]()
    results = results_by_market()[market_id]
    for _ in range(40):
        stake_minor = dice.randint(1, 40_000)
        payout_minor = potential_return_minor(stake_minor, dice.randint(1_001, 5_000))
        asked = ExposureEntry(fixture_id, market_id, dice.choice(sorted(results[0])), stake_minor, payout_minor)
        found = await exposure.reserve(new_key(), [LimitedEntry(asked, LOSS_MINOR_MAX)])
        if found.state == ReservationState.RESERVED:
            taken.append(asked)
    for result in results:
        parts = [(bet, *result[bet.outcome_id]) for bet in taken]
        lost = sum(bet.payout_minor * win + bet.stake_minor * (back - 1.0) for bet, win, back in parts)
        assert lost <= LOSS_MINOR_MAX


async def test_two_outcomes_that_win_together_lose_no_more_than_the_limit(exposure: RedisExposure) -> None:
    fixture_id, taken = fixture(), list[ExposureEntry]()
    for outcome_id in ("1x", "x2", "12"):
        for _ in range(100):
            asked = ExposureEntry(fixture_id, "double_chance", outcome_id, 50_000, 100_000)
            found = await exposure.reserve(new_key(), [LimitedEntry(asked, 2_500_000)])
            if found.state == ReservationState.REFUSED:
                break
            taken.append(asked)
    for winners in ({"1x", "x2"}, {"1x", "12"}, {"12", "x2"}):
        paid_minor = sum(bet.payout_minor for bet in taken if bet.outcome_id in winners)
        assert paid_minor - sum(bet.stake_minor for bet in taken) <= 2_500_000


async def test_bets_that_come_together_never_pass_the_limit(redis: Redis, exposure: RedisExposure) -> None:
    fixture_id = fixture()
    taken = entry(fixture_id)
    results = await asyncio.gather(
        *(exposure.reserve(new_key(), [LimitedEntry(taken, LOSS_MINOR_MAX)]) for _ in range(60))
    )
    reserved = [result for result in results if result.state == ReservationState.RESERVED]
    assert len(reserved) == LOSS_MINOR_MAX // 1_500
    assert (await market_of(redis, fixture_id)).worst_loss_minor() <= LOSS_MINOR_MAX


async def test_a_refusal_tells_the_largest_stake_and_that_one_is_taken(exposure: RedisExposure) -> None:
    fixture_id = fixture()
    await exposure.reserve(new_key(), [LimitedEntry(entry(fixture_id, stake_minor=30_000), LOSS_MINOR_MAX)])
    refused = await exposure.reserve(new_key(), [LimitedEntry(entry(fixture_id, stake_minor=30_000), LOSS_MINOR_MAX)])
    assert refused.state == ReservationState.REFUSED
    largest = refused.exposure.stake_max_minor("home", decimal_odds_milli=2_500, loss_minor_max=LOSS_MINOR_MAX)
    one_more = entry(fixture_id, stake_minor=largest + 1)
    refused_again = await exposure.reserve(new_key(), [LimitedEntry(one_more, LOSS_MINOR_MAX)])
    assert refused_again.state == ReservationState.REFUSED
    the_largest = entry(fixture_id, stake_minor=largest)
    taken = await exposure.reserve(new_key(), [LimitedEntry(the_largest, LOSS_MINOR_MAX)])
    assert taken.state == ReservationState.RESERVED


def legs_of(*fixture_ids: str, loss_minor_max: int = LOSS_MINOR_MAX) -> list[LimitedEntry]:
    """Return the entries of a bet with a leg in each fixture."""
    legs = [replace(entry(fixture_id), leg=place) for place, fixture_id in enumerate(fixture_ids)]
    return [LimitedEntry(leg, loss_minor_max) for leg in legs]


async def test_a_bet_on_several_fixtures_is_reserved_whole_or_not_at_all(redis: Redis, exposure: RedisExposure) -> None:
    fixture_ids, key = sorted(fixture() for _ in range(3)), new_key()
    legs = legs_of(*reversed(fixture_ids))
    crowded = [*legs[:1], replace(legs[1], loss_minor_max=1_499), *legs[2:]]
    refused = await exposure.reserve(key, crowded)
    assert (refused.state, refused.entry) == (ReservationState.REFUSED, legs[1].entry)
    assert [await redis.exists(fixture_key(fixture_id)) for fixture_id in fixture_ids] == [0, 0, 0]
    states = [(await exposure.reserve(key, legs)).state for _ in range(2)]
    assert states == [ReservationState.RESERVED, ReservationState.ALREADY_RESERVED]
    counted = MarketExposure(1_000, {"home": 2_500}, ONE_WINNER)
    assert [await market_of(redis, fixture_id) for fixture_id in fixture_ids] == [counted] * 3
    with pytest.raises(Unavailable):
        await exposure.reserve(key, [replace(legs[0], entry=replace(legs[0].entry, stake_minor=5)), *legs[1:]])
    assert [await market_of(redis, fixture_id) for fixture_id in fixture_ids] == [counted] * 3
    await exposure.release(key, [leg.entry.place for leg in legs])
    assert [await redis.exists(fixture_key(fixture_id)) for fixture_id in fixture_ids] == [0, 0, 0]


async def test_a_bet_with_two_legs_on_one_fixture_counts_both_and_closes_leg_by_leg(
    redis: Redis, exposure: RedisExposure
) -> None:
    fixture_id, key, bet_id = fixture(), new_key(), uuid4()
    legs = legs_of(fixture_id, fixture_id)
    await exposure.reserve(key, legs)
    assert (await market_of(redis, fixture_id)).stake_total_minor == 2_000
    await exposure.commit(key, [leg.entry for leg in legs], bet_id=bet_id)
    for leg, left_minor in zip(legs, (1_000, 0), strict=True):
        await exposure.remove_bet(bet_id, leg.entry.place)
        await exposure.remove_bet(bet_id, leg.entry.place)
        assert (await market_of(redis, fixture_id)).stake_total_minor == left_minor


async def test_what_a_dead_gateway_reserved_of_several_legs_is_resolved_leg_by_leg(
    redis: Redis, exposure: RedisExposure
) -> None:
    fixture_ids, accepted, lost, bet_id = sorted(fixture() for _ in range(2)), new_key(), new_key(), uuid4()
    legs = legs_of(*fixture_ids)
    clock = FakeClock()
    dead_gateway = RedisExposure(redis, clock=clock, timeout_ms=20_000)
    for key in (accepted, lost):
        await dead_gateway.reserve(key, legs)
    open_bets = FakeOpenBets({bet_id: legs[0].entry})
    open_bets.by_request = {accepted: (bet_id, [leg.entry for leg in legs])}
    clock.time_us += RULES.reservation_age_ms_max * 1_000
    await keeper(redis, open_bets=open_bets, clock=clock).look()
    assert [(await market_of(redis, fixture_id)).stake_total_minor for fixture_id in fixture_ids] == [1_000, 1_000]
    assert await redis.hexists(fixture_key(fixture_ids[1]), f"b{bet_id}/1")


async def test_a_repeated_request_reserves_once(redis: Redis, exposure: RedisExposure) -> None:
    fixture_id, key = fixture(), new_key()
    states = [(await exposure.reserve(key, [LimitedEntry(entry(fixture_id), LOSS_MINOR_MAX)])).state for _ in range(3)]
    already = ReservationState.ALREADY_RESERVED
    assert states == [ReservationState.RESERVED, already, already]
    assert await market_of(redis, fixture_id) == MarketExposure(1_000, {"home": 2_500}, ONE_WINNER)


async def test_a_request_held_with_another_stake_is_told_to_come_again(exposure: RedisExposure) -> None:
    fixture_id, key = fixture(), new_key()
    await exposure.reserve(key, [LimitedEntry(entry(fixture_id), LOSS_MINOR_MAX)])
    with pytest.raises(Unavailable):
        await exposure.reserve(key, [LimitedEntry(entry(fixture_id, stake_minor=2_000), LOSS_MINOR_MAX)])


async def test_a_bet_counts_once_from_reservation_to_settlement_and_back(redis: Redis, exposure: RedisExposure) -> None:
    fixture_id, key, bet_id = fixture(), new_key(), uuid4()
    taken, counted = entry(fixture_id), MarketExposure(1_000, {"home": 2_500}, ONE_WINNER)
    await exposure.reserve(key, [LimitedEntry(taken, LOSS_MINOR_MAX)])
    for _ in range(2):
        await exposure.commit(key, [taken], bet_id=bet_id)
        assert await market_of(redis, fixture_id) == counted
    for _ in range(2):
        await exposure.remove_bet(bet_id, EntryPlace(fixture_id, 0))
        assert await market_of(redis, fixture_id) == MarketExposure(winners=ONE_WINNER)
    for _ in range(2):
        await exposure.add_bet(taken, bet_id=bet_id)
        assert await market_of(redis, fixture_id) == counted


async def test_a_bet_that_was_taken_at_another_price_counts_as_it_was_taken(
    redis: Redis, exposure: RedisExposure
) -> None:
    fixture_id, key, bet_id = fixture(), new_key(), uuid4()
    await exposure.reserve(key, [LimitedEntry(entry(fixture_id), LOSS_MINOR_MAX)])
    taken = entry(fixture_id, outcome_id="away", odds_milli=3_000)
    for _ in range(2):
        await exposure.commit(key, [taken], bet_id=bet_id)
        assert await market_of(redis, fixture_id) == MarketExposure(1_000, {"away": 3_000}, ONE_WINNER)
    await exposure.remove_bet(bet_id, EntryPlace(fixture_id, 0))
    assert not await redis.exists(fixture_key(fixture_id))


async def test_a_bet_that_counts_already_takes_its_reservation_out(redis: Redis, exposure: RedisExposure) -> None:
    fixture_id, key, bet_id = fixture(), new_key(), uuid4()
    taken = entry(fixture_id)
    await exposure.add_bet(taken, bet_id=bet_id)
    await exposure.reserve(key, [LimitedEntry(taken, LOSS_MINOR_MAX)])
    await exposure.commit(key, [taken], bet_id=bet_id)
    assert await market_of(redis, fixture_id) == MarketExposure(1_000, {"home": 2_500}, ONE_WINNER)


async def test_a_server_that_forgot_its_scripts_counts_on_and_reserves_nothing(
    redis: Redis, exposure: RedisExposure
) -> None:
    fixture_id = fixture()
    await redis.script_flush()
    await exposure.add_bets([(uuid4(), entry(fixture_id)) for _ in range(3)])
    assert await market_of(redis, fixture_id) == MarketExposure(3_000, {"home": 7_500}, ONE_WINNER)
    with pytest.raises(Unavailable):
        await exposure.reserve(new_key(), [LimitedEntry(entry(fixture_id), LOSS_MINOR_MAX)])


async def test_a_replayed_bets_fresh_reservation_is_taken_out_alone(redis: Redis, exposure: RedisExposure) -> None:
    fixture_id, key = fixture(), new_key()
    taken = entry(fixture_id)
    await exposure.reserve(key, [LimitedEntry(taken, LOSS_MINOR_MAX)])
    await exposure.commit(key, [taken], bet_id=uuid4())
    await exposure.reserve(key, [LimitedEntry(taken, LOSS_MINOR_MAX)])
    await exposure.release(key, [EntryPlace(fixture_id, 0)])
    assert await market_of(redis, fixture_id) == MarketExposure(1_000, {"home": 2_500}, ONE_WINNER)


async def test_bets_are_refused_until_lost_exposure_is_rebuilt(redis: Redis, exposure: RedisExposure) -> None:
    fixture_id = fixture()
    open_bets = FakeOpenBets({uuid4(): entry(fixture_id, outcome_id=name) for name in ("home", "away", "draw")})
    await redis.flushdb()
    with pytest.raises(Unavailable):
        await exposure.reserve(new_key(), [LimitedEntry(entry(fixture_id), LOSS_MINOR_MAX)])
    await keeper(redis, open_bets=open_bets).look()
    assert await market_of(redis, fixture_id) == MarketExposure(
        3_000, dict.fromkeys(("home", "away", "draw"), 2_500), ONE_WINNER
    )
    found = await exposure.reserve(new_key(), [LimitedEntry(entry(fixture_id), LOSS_MINOR_MAX)])
    assert found.state == ReservationState.RESERVED


async def test_a_server_that_restarted_with_its_data_is_rebuilt_too(redis: Redis, exposure: RedisExposure) -> None:
    fixture_id = fixture()
    await exposure.add_bet(entry(fixture_id), bet_id=uuid4())
    await redis.script_flush()
    with pytest.raises(Unavailable):
        await exposure.reserve(new_key(), [LimitedEntry(entry(fixture_id), LOSS_MINOR_MAX)])
    await keeper(redis).look()
    assert await market_of(redis, fixture_id) == MarketExposure(winners=ONE_WINNER)
    await exposure.reserve(new_key(), [LimitedEntry(entry(fixture_id), LOSS_MINOR_MAX)])


async def test_a_bet_that_closes_during_the_rebuild_is_not_counted(redis: Redis, exposure: RedisExposure) -> None:
    fixture_id, closing = fixture(), uuid4()
    open_bets = FakeOpenBets({closing: entry(fixture_id), uuid4(): entry(fixture_id)})
    open_bets.closed = {closing}
    await redis.flushdb()
    await keeper(redis, open_bets=open_bets).look()
    assert await market_of(redis, fixture_id) == MarketExposure(1_000, {"home": 2_500}, ONE_WINNER)


async def test_a_rebuild_reads_every_page(redis: Redis, exposure: RedisExposure) -> None:
    fixture_id = fixture()
    open_bets = FakeOpenBets({uuid4(): entry(fixture_id) for _ in range(1_001)})
    await redis.flushdb()
    await keeper(redis, open_bets=open_bets).look()
    assert (await market_of(redis, fixture_id)).stake_total_minor == 1_001_000


async def test_what_was_told_out_of_order_is_found_and_put_right(redis: Redis, exposure: RedisExposure) -> None:
    """A gateway said that a bet was taken after the bet had closed; another bet was opened again and not counted."""
    fixture_id, key, closed, opened = fixture(), new_key(), uuid4(), uuid4()
    taken = entry(fixture_id)
    await exposure.reserve(key, [LimitedEntry(taken, LOSS_MINOR_MAX)])
    await exposure.remove_bet(closed, EntryPlace(fixture_id, 0))
    await exposure.commit(key, [taken], bet_id=closed)
    open_bets = FakeOpenBets({opened: entry(fixture_id, outcome_id="away")})
    await keeper(redis, open_bets=open_bets).look()
    assert await market_of(redis, fixture_id) == MarketExposure(1_000, {"away": 2_500}, ONE_WINNER)


async def test_all_that_is_counted_is_compared_in_rounds(redis: Redis, exposure: RedisExposure) -> None:
    fixture_ids = [fixture() for _ in range(120)]
    bets = [(uuid4(), entry(fixture_ids[number % 120])) for number in range(600)]
    many = fixture()
    bets += [(uuid4(), entry(many)) for _ in range(1_200)]
    await exposure.add_bets(bets)
    working = keeper(redis, open_bets=FakeOpenBets())
    for _ in range(60):
        await working.look()
    assert [key async for key in redis.scan_iter(FIXTURE_KEY_PATTERN)] == []


async def test_a_bet_that_is_opened_again_while_it_is_dropped_counts(redis: Redis, exposure: RedisExposure) -> None:
    fixture_id, bet_id = fixture(), uuid4()
    await exposure.add_bet(entry(fixture_id), bet_id=bet_id)
    open_bets = FakeOpenBets({bet_id: entry(fixture_id)})
    open_bets.closed_at_first = {bet_id}
    await keeper(redis, open_bets=open_bets).look()
    assert await market_of(redis, fixture_id) == MarketExposure(1_000, {"home": 2_500}, ONE_WINNER)


async def test_one_keeper_works_at_a_time(redis: Redis, exposure: RedisExposure) -> None:
    await redis.delete(COMPLETE_KEY)
    await redis.set(LOCK_KEY, "another", px=60_000)
    await keeper(redis).look()
    assert not await redis.exists(COMPLETE_KEY)
    assert await redis.get(LOCK_KEY) == b"another"


async def test_a_forgotten_reservation_follows_the_ledger(redis: Redis, exposure: RedisExposure) -> None:
    """One became a bet, one was refused or never came; both gateways died before they said so."""
    open_bets, clock, fixture_id = FakeOpenBets(), FakeClock(), fixture()
    accepted, lost = new_key(), new_key()
    taken = ExposureEntry(fixture_id, "1x2", "home", 1_000, 2_000)
    dead_gateway = RedisExposure(redis, clock=clock, timeout_ms=20_000)
    for key in (accepted, lost):
        await dead_gateway.reserve(key, [LimitedEntry(taken, LOSS_MINOR_MAX)])
    open_bets.by_request = {accepted: (uuid4(), [taken])}
    sweeper = keeper(redis, open_bets=open_bets, clock=clock)
    clock.time_us += 29_999_000
    await sweeper.look()
    assert await market_of(redis, fixture_id) == MarketExposure(2_000, {"home": 4_000}, ONE_WINNER)
    clock.time_us += 1_000
    await sweeper.look()
    assert await market_of(redis, fixture_id) == MarketExposure(1_000, {"home": 2_000}, ONE_WINNER)
    assert await redis.zcard(RESERVATIONS_KEY) == 0


async def test_a_keeper_ends_when_it_is_cancelled_whatever_it_is_doing(redis: Redis, exposure: RedisExposure) -> None:
    working = ExposureKeeper(keeper(redis), interval_ms=50)
    for turns in range(200):
        looking = asyncio.create_task(working.run())
        for _ in range(turns % 40):
            await asyncio.sleep(0)
        looking.cancel()
        ended, _ = await asyncio.wait([looking], timeout=30)
        assert ended, f"it goes on after {turns % 40} turns of the loop"


async def test_a_redis_that_does_not_answer_is_given_up_in_time() -> None:
    clients: list[asyncio.Task[None] | None] = []

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        clients.append(asyncio.current_task())
        await reader.read()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = open_redis(f"redis://127.0.0.1:{port}/0", connections_max=2, timeout_ms=100)
    silent = RedisExposure(client, clock=SystemClock(), timeout_ms=100)
    try:
        async with asyncio.timeout(30):
            with pytest.raises(Unavailable):
                await silent.reserve(new_key(), [LimitedEntry(entry("sim:1:1"), LOSS_MINOR_MAX)])
    finally:
        await client.aclose()
        server.close()
        await asyncio.gather(*(task for task in clients if task is not None))
