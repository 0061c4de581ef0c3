"""Legs into published liability: batching, replays, servers that are away, legs that cannot be."""

import asyncio
import uuid
from typing import Any, cast

import pytest
from faust.types import TP

from kernel.errors import Part, Unavailable
from kernel.log import DeliveryFailed
from kernel.rates import ReferenceRate
from overround.bets.v1 import bet_pb2
from overround.common.v1 import outbox_pb2
from overround.feed.v1 import feed_pb2
from overround.risk.v1 import risk_pb2
from risk.ports import EntryPlace, ExposureEntry
from streams.dead_letters import AGENT_ERROR, MALFORMED
from streams.liability import LiabilityAgent
from streams.liability_ends import LOOK_INTERVAL_S, QUIET_US
from tests.currencies import EURO, RATES
from tests.fakes.fake_betting import FakeExposure
from tests.fakes.fake_clock import FakeClock
from tests.fakes.fake_faust import FakeApp, eventually
from tests.fakes.fake_liability import FakeLiabilityCopy, FakeLiabilityLog, FakePriced
from tests.fakes.fake_outlet import FakeOutlet
from tests.fakes.pricing_bench import FakeFixturesWithBets
from wire.money import build_rate
from wire.topics import BET_LEGS, LIABILITIES, LIABILITY_DEAD_LETTERS

ACCEPTED, SETTLED, ROLLED_BACK = (
    bet_pb2.BetEvent.KIND_ACCEPTED,
    bet_pb2.BetEvent.KIND_SETTLED,
    bet_pb2.BetEvent.KIND_SETTLEMENT_ROLLED_BACK,
)


BETS = {"closed": uuid.uuid4(), "open": uuid.uuid4()}


class Parts:
    def __init__(self) -> None:
        self.copy, self.published = FakeLiabilityCopy(), FakeLiabilityLog()
        self.outlet, self.clock = FakeOutlet(), FakeClock(step_us=1)
        self.exposure = FakeExposure()
        self.priced, self.ledger = FakePriced(), FakeFixturesWithBets()
        self.app = cast("Any", FakeApp())
        self.agent = LiabilityAgent(
            outlet=self.outlet,
            copy=self.copy,
            published=self.published,
            exposure=self.exposure,
            priced=self.priced,
            ledger=self.ledger,
            clock=self.clock,
            currency="EUR",
            interval_s=0,
        )
        self.agent.attach(self.app)

    def published_liabilities(self) -> list[risk_pb2.FixtureLiability]:
        return [risk_pb2.FixtureLiability.FromString(value) for value in self.outlet.kept_of(LIABILITIES.name)]


@pytest.fixture
def parts() -> Parts:
    return Parts()


def _leg(
    row_id: int,
    bet_id: uuid.UUID | str,
    *,
    kind: bet_pb2.BetEvent.Kind.ValueType = ACCEPTED,
    stake_minor: int = 1_000,
    fixture_id: str = "sim:1:1",
    currency: str = "EUR",
    rate: ReferenceRate | None = EURO,
    leg_place: int = 0,
) -> bytes:
    sign = -1 if kind == SETTLED else 1
    return bet_pb2.LegChanged(
        position=outbox_pb2.OutboxPosition(transaction_id=5, row_id=row_id),
        bet_id=str(bet_id),
        leg=bet_pb2.Leg(fixture_id=fixture_id, market_id="1x2", outcome_id="home", decimal_odds_milli=2_500),
        stake_minor=sign * stake_minor,
        potential_return_minor=sign * stake_minor * 5 // 2,
        currency=currency,
        kind=kind,
        rate=None if rate is None else build_rate(rate),
        leg_place=leg_place,
    ).SerializeToString()


async def test_all_legs_that_wait_become_one_liability_of_their_fixture(parts: Parts) -> None:
    for row_id in range(1, 101):
        parts.app.deliver(BET_LEGS.name, row_id, _leg(row_id, uuid.uuid4()))
    async with parts.app:
        await eventually(lambda: len(parts.app.acknowledged) == 100)
    newest = parts.published_liabilities()[-1]
    assert newest.markets[0].outcomes[0].bet_count == 100
    assert (newest.turnover_minor, newest.worst_loss_minor) == (100_000, 150_000)
    assert len(parts.published_liabilities()) < 20
    assert parts.copy.values["sim:1:1"] == newest.SerializeToString()


async def test_a_fixture_without_open_bets_ends_everywhere_when_pricing_has_forgotten_it(parts: Parts) -> None:
    parts.priced.fixture_ids, parts.ledger.fixture_ids = {"closed"}, {"open"}
    for fixture_id in ("closed", "open"):
        parts.app.deliver(BET_LEGS.name, 1, _leg(1, BETS[fixture_id], fixture_id=fixture_id))
    parts.app.deliver(BET_LEGS.name, 3, _leg(3, BETS["closed"], fixture_id="closed", kind=SETTLED))
    async with parts.app:
        await eventually(lambda: len(parts.app.acknowledged) == 3)
        for is_away in (False, True):
            parts.priced.is_away = is_away
            parts.clock.time_us += QUIET_US
            await asyncio.sleep(1.2)
            assert dropped(parts) == []
            parts.priced.fixture_ids = set()
        parts.priced.is_away = False
        parts.clock.time_us += QUIET_US
        await eventually(lambda: dropped(parts) == ["closed"] and parts.copy.values.keys() == {"open"})


async def test_what_came_within_the_hour_is_not_forgotten_whoever_holds_its_book(parts: Parts) -> None:
    parts.app.deliver(BET_LEGS.name, 1, _leg(1, BETS["closed"], fixture_id="closed"))
    parts.app.deliver(BET_LEGS.name, 2, _leg(2, BETS["closed"], fixture_id="closed", kind=SETTLED))
    async with parts.app:
        await eventually(lambda: len(parts.app.acknowledged) == 2)
        parts.clock.time_us += int(LOOK_INTERVAL_S * 1_000_000)
        await asyncio.sleep(1.2)
    assert dropped(parts) == []


async def test_bets_that_a_restored_ledger_does_not_have_are_liability_no_more(parts: Parts) -> None:
    lost, kept, late = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    parts.priced.fixture_ids, parts.ledger.fixture_ids = {"lost", "kept"}, {"kept"}
    parts.app.deliver(BET_LEGS.name, 1, _leg(1, lost, fixture_id="lost"))
    parts.app.deliver(BET_LEGS.name, 2, _leg(2, kept, fixture_id="kept"))
    async with parts.app:
        await eventually(lambda: len(parts.app.acknowledged) == 2)
        parts.clock.time_us += QUIET_US
        await eventually(lambda: len(parts.published_liabilities()) == 3)
        emptied = parts.published_liabilities()[-1]
        assert (emptied.fixture_id, len(emptied.markets), emptied.turnover_minor) == ("lost", 0, 1_000)
        await eventually(lambda: parts.copy.values["lost"] == emptied.SerializeToString())
        parts.app.deliver(BET_LEGS.name, 3, _leg(3, late, fixture_id="lost"))
        await eventually(lambda: len(parts.app.acknowledged) == 3)
    after = parts.published_liabilities()[-1]
    assert after.markets[0].bet_count == 1
    assert after.version > emptied.version


async def test_a_fixture_that_was_read_back_empty_ends_and_begins_anew_with_the_next_bet(parts: Parts) -> None:
    empty = risk_pb2.FixtureLiability(fixture_id="closed", version=5, currency="EUR", time_us=5)
    parts.published.values = {0: {"closed": empty.SerializeToString()}}
    parts.app.deliver(BET_LEGS.name, 8, _leg(8, BETS["open"], fixture_id="open"))
    async with parts.app:
        await eventually(lambda: len(parts.app.acknowledged) == 1)
        parts.ledger.fixture_ids = {"open"}
        parts.clock.time_us += QUIET_US
        await eventually(lambda: dropped(parts) == ["closed"])
        parts.app.deliver(BET_LEGS.name, 9, _leg(9, BETS["closed"], fixture_id="closed", kind=ROLLED_BACK))
        await eventually(lambda: len(parts.app.acknowledged) == 2)
    again = parts.published_liabilities()[-1]
    assert again.markets[0].outcomes[0].bet_count == 1
    assert again.version > empty.version


def dropped(parts: Parts) -> list[str]:
    return [key for topic, key, value in parts.outlet.sent if topic == LIABILITIES.name and value is None]


async def test_state_is_read_back_so_that_a_replay_changes_nothing(parts: Parts) -> None:
    bet_id = uuid.uuid4()
    parts.app.deliver(BET_LEGS.name, 0, _leg(1, bet_id))
    async with parts.app:
        await eventually(lambda: len(parts.app.acknowledged) == 1)
    before = parts.outlet.kept_of(LIABILITIES.name)[-1]

    restarted = Parts()
    restarted.published.values = {0: {"sim:1:1": before}}
    restarted.app.deliver(BET_LEGS.name, 0, _leg(1, bet_id))
    async with restarted.app:
        await eventually(lambda: len(restarted.app.acknowledged) == 1)
    assert restarted.outlet.kept_of(LIABILITIES.name) == [before]


async def test_nothing_is_acknowledged_before_the_log_has_the_liability(parts: Parts) -> None:
    parts.outlet.failures = [DeliveryFailed("away"), DeliveryFailed("away")]
    parts.app.deliver(BET_LEGS.name, 0, _leg(1, uuid.uuid4()))
    async with parts.app:
        await eventually(lambda: len(parts.outlet.failures) < 2)
        assert parts.app.acknowledged == []
        await eventually(lambda: len(parts.app.acknowledged) == 1)
    assert len(parts.published_liabilities()) == 1


async def test_while_redis_is_away_nothing_is_acknowledged_and_nothing_is_lost(parts: Parts) -> None:
    parts.copy.is_away = True
    parts.app.deliver(BET_LEGS.name, 0, _leg(1, uuid.uuid4()))
    async with parts.app:
        await eventually(lambda: len(parts.published_liabilities()) == 1)
        await asyncio.sleep(0.02)
        assert parts.app.acknowledged == []
        parts.copy.is_away = False
        await eventually(lambda: len(parts.app.acknowledged) == 1)
    assert set(parts.copy.values) == {"sim:1:1"}


async def test_a_serving_copy_that_lost_its_data_is_made_whole_again(parts: Parts) -> None:
    parts.app.deliver(BET_LEGS.name, 0, _leg(1, uuid.uuid4()))
    async with parts.app:
        await parts.app.on_partitions_assigned.send({TP(BET_LEGS.name, 0)})
        await eventually(lambda: len(parts.app.acknowledged) == 1)
        parts.copy.values.clear()
        parts.copy.whole.clear()
        parts.clock.time_us += 5_000_000
        parts.app.deliver(BET_LEGS.name, 1, _leg(2, uuid.uuid4(), fixture_id="sim:1:2"))
        await eventually(lambda: set(parts.copy.values) == {"sim:1:1", "sim:1:2"})
    assert parts.agent.is_ready


async def test_a_settled_bet_leaves_the_exposure_and_a_rolled_back_one_returns(parts: Parts) -> None:
    settled, returned = uuid.uuid4(), uuid.uuid4()
    for bet_id in (settled, returned):
        await parts.exposure.add_bet(ExposureEntry("sim:1:1", "1x2", "home", 1_000, 2_500), bet_id=bet_id)
    parts.exposure.failures = [Unavailable(Part.RISK, "away")]
    legs = [(1, settled, ACCEPTED), (2, returned, ACCEPTED), (3, settled, SETTLED), (4, returned, SETTLED)]
    for row_id, bet_id, kind in [*legs, (5, returned, ROLLED_BACK)]:
        parts.app.deliver(BET_LEGS.name, row_id, _leg(row_id, bet_id, kind=kind))
    async with parts.app:
        await eventually(lambda: len(parts.app.acknowledged) == 5)
    assert parts.exposure.bets.keys() == {returned}


async def test_what_cannot_be_counted_is_buried_and_the_rest_goes_on(parts: Parts) -> None:
    parts.app.deliver(BET_LEGS.name, 0, b"\xff")
    parts.app.deliver(BET_LEGS.name, 1, _leg(1, "no uuid"))
    parts.app.deliver(BET_LEGS.name, 2, _leg(2, uuid.uuid4(), kind=SETTLED))
    parts.app.deliver(BET_LEGS.name, 3, _leg(3, uuid.uuid4()))
    async with parts.app:
        await eventually(lambda: len(parts.app.acknowledged) == 4)
    letters = [feed_pb2.DeadLetter.FromString(value) for value in parts.outlet.kept_of(LIABILITY_DEAD_LETTERS.name)]
    assert [letter.reason for letter in letters] == ["MALFORMED", "MALFORMED", "AGENT_ERROR"]
    assert "LIABILITY_BELOW_ZERO" in letters[2].message
    assert parts.published_liabilities()[-1].turnover_minor == 1_000


async def test_legs_of_all_currencies_are_one_liability_in_the_reference_currency(parts: Parts) -> None:
    yen, dinar = RATES.rate_of("JPY"), RATES.rate_of("KWD")
    bet_id = uuid.uuid4()
    legs = [
        _leg(1, uuid.uuid4(), rate=None),
        _leg(2, uuid.uuid4(), stake_minor=10_000, currency="JPY", rate=yen),
        _leg(3, bet_id, stake_minor=10_000, currency="KWD", rate=dinar),
        _leg(4, bet_id, stake_minor=10_000, currency="KWD", rate=dinar, kind=SETTLED),
    ]
    for number, leg in enumerate(legs, start=1):
        parts.app.deliver(BET_LEGS.name, number, leg)
    async with parts.app:
        await eventually(lambda: len(parts.app.acknowledged) == 4)
    newest = parts.published_liabilities()[-1]
    (outcome,) = newest.markets[0].outcomes
    # 10,000 yen are 54.32 euros, rounded down, and 25,000 are 135.80 and a bit, rounded up.
    assert (newest.currency, outcome.bet_count) == ("EUR", 2)
    assert (outcome.stake_minor, outcome.payout_minor) == (1_000 + 5_432, 2_500 + 13_581)
    assert newest.turnover_minor == 1_000 + 5_432 + 2_769


async def test_each_leg_of_a_bet_leaves_exposure_and_comes_back_in_the_reference_currency(parts: Parts) -> None:
    closed, returned, yen = uuid.uuid4(), uuid.uuid4(), RATES.rate_of("JPY")
    told = [
        (bet_id, kind, place)
        for bet_id, kind in ((closed, ACCEPTED), (closed, SETTLED), (returned, ROLLED_BACK))
        for place in (0, 1)
    ]
    for row_id, (bet_id, kind, place) in enumerate(told, start=1):
        leg = _leg(row_id, bet_id, stake_minor=10_000, currency="JPY", rate=yen, kind=kind, leg_place=place)
        parts.app.deliver(BET_LEGS.name, row_id, leg)
    async with parts.app:
        await eventually(lambda: len(parts.app.acknowledged) == len(told))
    assert parts.exposure.removed == {(closed, EntryPlace("sim:1:1", place)) for place in (0, 1)}
    entries = [ExposureEntry("sim:1:1", "1x2", "home", 5_432, 13_581, place) for place in (0, 1)]
    assert parts.exposure.added == {(returned, entry) for entry in entries}


async def test_a_stake_that_is_nothing_in_the_reference_currency_comes_and_goes(parts: Parts) -> None:
    bet_id, rate = uuid.uuid4(), ReferenceRate("HUF", "EUR", 366_330_000, None)
    for row_id, kind in enumerate((ACCEPTED, SETTLED), start=1):
        leg = _leg(row_id, bet_id, stake_minor=2, currency="HUF", rate=rate, kind=kind)
        parts.app.deliver(BET_LEGS.name, row_id, leg)
    async with parts.app:
        await eventually(lambda: len(parts.app.acknowledged) == 2)
    assert not parts.published_liabilities()[-1].markets
    assert parts.outlet.kept_of(LIABILITY_DEAD_LETTERS.name) == []


@pytest.mark.parametrize(
    ("currency", "rate", "reason", "words"),
    [
        ("JPY", None, AGENT_ERROR, "BOOK_CURRENCY_MISMATCH"),
        ("EUR", ReferenceRate("EUR", "USD", 851_063, None), AGENT_ERROR, "BOOK_CURRENCY_MISMATCH"),
        ("EUX", RATES.rate_of("JPY"), MALFORMED, "ISO 4217"),
        ("EUR", RATES.rate_of("JPY"), MALFORMED, "must be one EUR"),
    ],
)
async def test_a_leg_that_is_not_in_the_reference_currency_is_buried(
    parts: Parts, currency: str, rate: ReferenceRate | None, reason: str, words: str
) -> None:
    parts.app.deliver(BET_LEGS.name, 1, _leg(1, uuid.uuid4(), currency=currency, rate=rate))
    async with parts.app:
        await eventually(lambda: len(parts.app.acknowledged) == 1)
    (value,) = parts.outlet.kept_of(LIABILITY_DEAD_LETTERS.name)
    letter = feed_pb2.DeadLetter.FromString(value)
    assert letter.reason == reason
    assert words in letter.message
    assert not any(liability.markets for liability in parts.published_liabilities())
