"""The intake: what is passed to the log, what is refused and kept, and which signs of life go with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gateway.feeds.intake import RAW_BYTES_KEPT_MAX, REFUSED, Intake
from gateway.feeds.ordering import REMEMBERED_MAX, NewestTimes, SequenceClock
from gateway.feeds.reading import Reading
from gateway.feeds.refusals import FeedRefused, MessageMalformed
from gateway.feeds.sieve import REFUSALS_TOLD_MAX
from gateway.feeds.validation import MARKETS_MAX, ODDS_MILLI_MAX, UPDATE_BYTES_MAX, UpdateValidator
from kernel.log import OutletFull
from markets.layout import MarketLayout, hash_layout
from overround.feed.v1.feed_pb2 import (
    BetStop,
    DeadLetter,
    FeedUpdate,
    MarketResult,
    OutcomeResult,
    ProviderHeartbeat,
    Quotes,
    ResultKind,
)
from overround.odds.v1.fixture_pb2 import FixtureDescription, MatchState
from tests.fakes.fake_clock import FakeClock
from tests.fakes.fake_outlet import FakeOutlet
from wire.feed import parse_update
from wire.topics import FEED_DEAD_LETTERS, FEED_PROVIDERS, FEED_UPDATES

PROVIDER = "sim-alpha"
TIMEOUT_MS = 3_000


class FeedOutlet(FakeOutlet):
    @property
    def updates(self) -> list[FeedUpdate]:
        return [FeedUpdate.FromString(value) for value in self.values_of(FEED_UPDATES.name)]

    @property
    def signs(self) -> list[ProviderHeartbeat]:
        return [ProviderHeartbeat.FromString(value) for value in self.values_of(FEED_PROVIDERS.name)]

    @property
    def letters(self) -> list[DeadLetter]:
        return [DeadLetter.FromString(value) for value in self.values_of(FEED_DEAD_LETTERS.name)]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(1_800_000_000_000_000)


@pytest.fixture
def outlet() -> FeedOutlet:
    return FeedOutlet()


@pytest.fixture
def intake(outlet: FeedOutlet, clock: FakeClock) -> Intake:
    return Intake(outlet=outlet, clock=clock)


def quotes(
    markets: dict[str, list[str]] | None = None, *, odds_milli: list[int] | None = None, **changes: Any
) -> Quotes:
    layout = MarketLayout.of_markets(({"1x2": ["home", "draw", "away"]} if markets is None else markets).items())
    odds = [2000] * layout.outcome_count if odds_milli is None else odds_milli
    message = Quotes(
        layout_hash=layout.layout_hash,
        market_ids=layout.market_ids,
        outcome_counts=layout.outcome_counts.tobytes(),
        outcome_ids=layout.outcome_ids,
        market_statuses=b"\1" * layout.market_count,
        decimal_odds_milli=b"".join(number.to_bytes(4, "little") for number in odds),
    )
    message.MergeFrom(Quotes(**changes))
    return message


def update(sequence: int = 1, **fields: Any) -> FeedUpdate:
    filled: dict[str, Any] = {"provider_id": PROVIDER, "fixture_id": "sim:1:1", "sequence": sequence} | fields
    return FeedUpdate(**filled)


def take(intake: Intake, *updates: FeedUpdate) -> None:
    for item in updates:
        intake.take_update(item, timeout_ms=TIMEOUT_MS)


def test_an_update_is_stamped_and_keyed_by_its_fixture(intake: Intake, outlet: FeedOutlet, clock: FakeClock) -> None:
    take(intake, update(7, quotes=quotes()))
    ((topic, key, _), sign) = outlet.sent
    assert (topic, key, sign[0], sign[1]) == (FEED_UPDATES.name, "sim:1:1", FEED_PROVIDERS.name, PROVIDER)
    (taken,) = outlet.updates
    assert (taken.sequence, taken.received_time_us, taken.quotes) == (7, clock.time_us, quotes())


def test_nothing_is_younger_than_its_arrival_whatever_the_providers_clock_says(
    intake: Intake, outlet: FeedOutlet, clock: FakeClock
) -> None:
    now_ms = clock.time_us // 1_000
    take(intake, update(1, provider_time_ms=now_ms - 5_000), update(2, provider_time_ms=now_ms + 3_600_000))
    assert [taken.provider_time_ms for taken in outlet.updates] == [now_ms - 5_000, now_ms]
    clock.time_us += 1_000_000
    ahead = ProviderHeartbeat(provider_id=PROVIDER, is_up=True, provider_time_ms=now_ms + 3_600_000)
    intake.take_heartbeat(ahead, timeout_ms=TIMEOUT_MS)
    assert (outlet.signs[-1].received_time_us, outlet.signs[-1].provider_time_ms) == (
        clock.time_us,
        clock.time_us // 1_000,
    )


def test_updates_are_a_sign_of_life_once_a_second(intake: Intake, outlet: FeedOutlet, clock: FakeClock) -> None:
    take(intake, update(1), update(2))
    clock.time_us += 999_999
    take(intake, update(3))
    assert len(outlet.signs) == 1
    clock.time_us += 1
    take(intake, update(4))
    assert [(sign.is_up, sign.timeout_ms) for sign in outlet.signs] == [(True, TIMEOUT_MS)] * 2


def test_an_update_does_not_say_up_for_a_provider_that_says_down(
    intake: Intake, outlet: FeedOutlet, clock: FakeClock
) -> None:
    intake.take_heartbeat(ProviderHeartbeat(provider_id=PROVIDER, is_up=False), timeout_ms=TIMEOUT_MS)
    clock.time_us += 2_000_000
    take(intake, update(1))
    assert [sign.is_up for sign in outlet.signs] == [False, False]


@pytest.mark.parametrize(
    ("last", "is_up"),
    [
        (None, True),
        (ProviderHeartbeat(is_up=False), False),
        (ProviderHeartbeat(is_up=True), True),
        (ProviderHeartbeat(is_up=False, says_up=False), False),
    ],
)
def test_what_a_provider_said_of_itself_outlives_the_gateway(
    intake: Intake, outlet: FeedOutlet, last: ProviderHeartbeat | None, is_up: bool
) -> None:
    intake.resume(PROVIDER, sequence=10, epoch=7, last_sign=last)
    take(intake, update(11))
    assert [(sign.is_up, sign.says_up, sign.epoch) for sign in outlet.signs] == [(is_up, is_up, 7)]


def test_what_another_gateway_lost_has_to_come_again_before_its_provider_counts_as_up(
    intake: Intake, outlet: FeedOutlet, clock: FakeClock
) -> None:
    intake.resume(PROVIDER, sequence=10, epoch=7, last_sign=ProviderHeartbeat(is_up=False, says_up=True))
    take(intake, update(11), update(12))
    intake.note_in_log(PROVIDER, sequence=10, timeout_ms=TIMEOUT_MS)
    assert [(sign.is_up, sign.says_up) for sign in outlet.signs] == [(False, True)]
    assert [item.is_catching_up for item in outlet.updates] == [True, True]
    intake.note_in_log(PROVIDER, sequence=12, timeout_ms=TIMEOUT_MS)
    take(intake, update(13))
    assert outlet.signs[-1].is_up
    assert not outlet.updates[-1].is_catching_up


def test_a_provider_counts_as_down_from_a_loss_until_all_that_was_seen_is_in_the_log_again(
    intake: Intake, outlet: FeedOutlet, clock: FakeClock
) -> None:
    take(intake, update(1), update(2), update(3))
    intake.note_loss(PROVIDER, {2: "sim:1:1"}, timeout_ms=TIMEOUT_MS)
    intake.resume(PROVIDER, sequence=1, epoch=2)
    intake.sign_catching_up(PROVIDER, timeout_ms=TIMEOUT_MS)
    clock.time_us += 2_000_000
    take(intake, update(2), update(3))
    intake.note_in_log(PROVIDER, sequence=2, timeout_ms=TIMEOUT_MS)
    assert [(sign.is_up, sign.says_up) for sign in outlet.signs] == [(True, True)] + [(False, True)] * 3
    intake.note_in_log(PROVIDER, sequence=3, timeout_ms=TIMEOUT_MS)
    assert [(item.epoch, item.is_catching_up) for item in outlet.updates[3:]] == [(2, True), (2, True)]
    assert outlet.signs[-1].is_up


def test_what_was_lost_is_sent_again_before_anything_else(intake: Intake, outlet: FeedOutlet) -> None:
    take(intake, update(1), update(2), update(3), update(4))
    intake.note_loss(PROVIDER, {2: "sim:1:1", 4: "sim:1:2"}, timeout_ms=TIMEOUT_MS)
    intake.resume(PROVIDER, sequence=1, epoch=2)
    assert reason_of(intake, update(3)) == "OUT_OF_ORDER"
    assert intake.stops_before(update(4), provider_id=PROVIDER) == []
    take(intake, update(2), update(3))
    assert reason_of(intake, update(5)) == "OUT_OF_ORDER"
    take(intake, update(4), update(5))


def test_where_a_provider_gives_up_what_was_lost_its_fixtures_are_stopped(intake: Intake, outlet: FeedOutlet) -> None:
    take(intake, update(1), update(2), update(3))
    intake.note_loss(PROVIDER, {2: "sim:1:1", 3: "sim:1:2"}, timeout_ms=TIMEOUT_MS)
    intake.resume(PROVIDER, sequence=1, epoch=2)
    stops = intake.stops_before(update(9), provider_id=PROVIDER)
    for stop in stops:
        stop.provider_id = PROVIDER
    take(intake, *stops, update(9))
    told = [(item.sequence, item.fixture_id, item.HasField("bet_stop")) for item in outlet.updates[3:]]
    assert told == [(2, "sim:1:1", True), (3, "sim:1:2", True), (9, "sim:1:1", False)]
    assert all(item.is_state_refused for item in outlet.updates[3:5])


def test_a_flood_of_heartbeats_is_thinned_but_no_change_is_lost(
    intake: Intake, outlet: FeedOutlet, clock: FakeClock
) -> None:
    for is_up in (True, True, False, False, True):
        intake.take_heartbeat(ProviderHeartbeat(provider_id=PROVIDER, is_up=is_up), timeout_ms=TIMEOUT_MS)
    assert [sign.is_up for sign in outlet.signs] == [True, False, True]
    clock.time_us += 100_001
    intake.take_heartbeat(ProviderHeartbeat(provider_id=PROVIDER, is_up=True), timeout_ms=TIMEOUT_MS)
    assert len(outlet.signs) == 4


def test_a_change_that_finds_the_log_full_is_said_as_soon_as_there_is_room(intake: Intake, outlet: FeedOutlet) -> None:
    down = ProviderHeartbeat(provider_id=PROVIDER, is_up=False)
    take(intake, update(1))
    outlet.refusals_left = 1
    with pytest.raises(OutletFull):
        intake.take_heartbeat(down, timeout_ms=TIMEOUT_MS)
    intake.take_heartbeat(down, timeout_ms=TIMEOUT_MS)
    assert [sign.is_up for sign in outlet.signs] == [True, False]


def reason_of(intake: Intake, item: FeedUpdate) -> str:
    with pytest.raises(FeedRefused) as caught:
        take(intake, item)
    return caught.value.reason


def test_sequences_must_rise(intake: Intake, outlet: FeedOutlet) -> None:
    take(intake, update(5), update(9))
    assert reason_of(intake, update(9)) == "DUPLICATE"
    assert reason_of(intake, update(5)) == "DUPLICATE"
    assert reason_of(intake, update(8)) == "OUT_OF_ORDER"
    take(intake, update(10), update(1, provider_id="sim-bravo"))
    assert [item.sequence for item in outlet.updates] == [5, 9, 10, 1]


def test_what_was_taken_before_a_resumption_is_a_duplicate(intake: Intake, outlet: FeedOutlet) -> None:
    intake.resume(PROVIDER, sequence=100)
    assert reason_of(intake, update(100)) == "DUPLICATE"
    assert reason_of(intake, update(3)) == "DUPLICATE"
    intake.pass_over(update(101))
    take(intake, update(102))
    assert [item.sequence for item in outlet.updates] == [102]


def test_a_full_log_takes_the_update_later(intake: Intake, outlet: FeedOutlet) -> None:
    outlet.refusals_left = 1
    with pytest.raises(OutletFull):
        take(intake, update(1))
    take(intake, update(1))
    assert [item.sequence for item in outlet.updates] == [1]


async def test_a_reading_waits_for_room_and_doubles_nothing(intake: Intake, outlet: FeedOutlet) -> None:
    outlet.refusals_left = 3
    taken = await intake.take_reading(
        Reading(PROVIDER, updates=[update(1), update(2)]), raw=b"raw", timeout_ms=TIMEOUT_MS
    )
    assert (taken.update_count, taken.refusals) == (2, ())
    assert [item.sequence for item in outlet.updates] == [1, 2]


async def test_what_is_refused_is_counted_and_kept_and_the_rest_flows_on(
    intake: Intake, outlet: FeedOutlet, clock: FakeClock
) -> None:
    before = REFUSED.labels(PROVIDER, "MALFORMED")._value.get()
    reading = Reading(
        PROVIDER,
        updates=[update(1), update(2, fixture_id="not an id"), update(3)],
        refusals=[MessageMalformed("one part was bad")],
    )
    taken = await intake.take_reading(reading, raw=b"x" * (RAW_BYTES_KEPT_MAX + 1), timeout_ms=TIMEOUT_MS)
    assert taken.update_count == 2
    assert [item.sequence for item in outlet.updates] == [1, 3]
    assert [(letter.reason, letter.source, letter.time_us) for letter in outlet.letters] == [
        ("MALFORMED", PROVIDER, clock.time_us)
    ] * 2
    assert {len(letter.raw) for letter in outlet.letters} == {RAW_BYTES_KEPT_MAX}
    assert REFUSED.labels(PROVIDER, "MALFORMED")._value.get() == before + 2


def result(**changes: Any) -> list[MarketResult]:
    fields: dict[str, Any] = {
        "kind": ResultKind.RESULT_KIND_SETTLEMENT,
        "market_id": "1x2",
        "outcomes": [OutcomeResult(outcome_id="home", win_factor_micro=1_000_000, dead_heat_factor_micro=1_000_000)],
    }
    return [MarketResult(**fields | changes)]


def many(count: int) -> dict[str, list[str]]:
    return {f"m{number}": [] for number in range(count)}


GOOD: dict[str, Callable[[], FeedUpdate]] = {
    "nothing in it": update,
    "no price": lambda: update(quotes=quotes(odds_milli=[0, 1001, ODDS_MILLI_MAX])),
    "no outcomes": lambda: update(quotes=quotes({"1x2": []})),
    "most markets": lambda: update(quotes=quotes(many(MARKETS_MAX))),
    "starting odds": lambda: update(quotes=quotes(starting_odds_milli=b"\0" * 12)),
    "result": lambda: update(results=result()),
    "longest id": lambda: update(fixture_id="x" * 200),
    "open window": lambda: update(
        results=result(kind=ResultKind.RESULT_KIND_CANCEL, outcomes=[], window_start_ms=5, window_end_ms=0)
    ),
}
WITHOUT_PLACE: dict[str, Callable[[], FeedUpdate]] = {
    "no fixture": lambda: update(fixture_id=""),
    "blank in fixture": lambda: update(fixture_id="a b"),
    "id too long": lambda: update(fixture_id="x" * 201),
    "no sequence": lambda: update(0),
    "sequence too high": lambda: update(1 << 63),
}
TWO = {"1x2": ["home", "draw", "away"], "btts": ["yes", "no"]}
ALL = BetStop()
ONE = BetStop(market_ids=["1x2"])


def two(*, odds_milli: list[int] | None = None, **changes: Any) -> Quotes:
    return quotes(TWO, odds_milli=odds_milli, **changes)


PARTS: dict[str, tuple[str, BetStop, Callable[[], FeedUpdate]]] = {
    "odds of 1.000": ("MALFORMED", ONE, lambda: update(quotes=two(odds_milli=[1000, 0, 0, 1900, 1900]))),
    "odds too high": ("MALFORMED", ONE, lambda: update(quotes=two(odds_milli=[ODDS_MILLI_MAX + 1, 0, 0, 1900, 1900]))),
    "unknown market status": ("MALFORMED", ONE, lambda: update(quotes=two(market_statuses=b"\7\1"))),
    "missing market status": ("MALFORMED", ONE, lambda: update(quotes=two(market_statuses=b"\0\1"))),
    "blank in outcome": ("MALFORMED", ONE, lambda: update(quotes=quotes(TWO | {"1x2": ["ho me"]}))),
    "outcome twice": ("MALFORMED", ONE, lambda: update(quotes=named_twice(outcomes=True))),
    "market twice": ("MALFORMED", ONE, lambda: update(quotes=named_twice(outcomes=False))),
    "too few odds": ("MALFORMED", ALL, lambda: update(quotes=two(odds_milli=[2000, 2000]))),
    "too few statuses": ("MALFORMED", ALL, lambda: update(quotes=two(market_statuses=b"\1"))),
    "wrong layout": ("MALFORMED", ALL, lambda: update(quotes=two(layout_hash=5))),
    "column of ids too long": ("MALFORMED", ALL, lambda: update(quotes=two(market_ids=["third"]))),
    "too many markets": ("OVERSIZED", ALL, lambda: update(quotes=quotes(many(MARKETS_MAX + 1)))),
    "too many bytes": ("OVERSIZED", ALL, lambda: update(quotes=two(outcome_ids=["x" * UPDATE_BYTES_MAX]))),
    "bet-stop of no market": ("MALFORMED", ALL, lambda: update(bet_stop=BetStop(market_ids=["1x2", ""]))),
    "description that cannot be": (
        "MALFORMED",
        ALL,
        lambda: update(description=FixtureDescription(start_time_ms=-1)),
    ),
    "result of no kind": ("MALFORMED", ONE, lambda: update(quotes=two(), results=result(kind=0))),
    "result without outcomes": ("MALFORMED", ONE, lambda: update(results=result(outcomes=[]))),
    "result of no market": ("MALFORMED", ALL, lambda: update(results=result(market_id=""))),
    "winner by nothing": ("MALFORMED", ONE, lambda: update(results=won(dead_heat_factor_micro=0))),
    "factor above one": ("MALFORMED", ONE, lambda: update(results=won(void_factor_micro=1_000_001))),
    "outcome of a result twice": ("MALFORMED", ONE, lambda: update(results=result(outcomes=[*won()[0].outcomes] * 2))),
    "rollback with outcomes": (
        "MALFORMED",
        ONE,
        lambda: update(results=result(kind=ResultKind.RESULT_KIND_SETTLEMENT_ROLLBACK)),
    ),
    "window backwards": (
        "MALFORMED",
        ONE,
        lambda: update(
            results=result(kind=ResultKind.RESULT_KIND_CANCEL, outcomes=[], window_start_ms=5, window_end_ms=4)
        ),
    ),
}


def won(**changes: Any) -> list[MarketResult]:
    fields = {"win_factor_micro": 1_000_000, "dead_heat_factor_micro": 1_000_000} | changes
    return result(outcomes=[OutcomeResult(outcome_id="home", **fields)])


def named_twice(*, outcomes: bool) -> Quotes:
    market_ids, counts, outcome_ids = (
        (["1x2", "btts"], (2, 1), ["home", "home", "yes"])
        if outcomes
        else (["1x2", "btts", "1x2"], (1, 1, 1), ["home", "yes", "away"])
    )
    packed = b"".join(count.to_bytes(2, "little") for count in counts)
    return Quotes(
        layout_hash=hash_layout(market_ids, packed, outcome_ids),
        market_ids=market_ids,
        outcome_counts=packed,
        outcome_ids=outcome_ids,
        market_statuses=b"\1" * len(market_ids),
        decimal_odds_milli=(2000).to_bytes(4, "little") * len(outcome_ids),
    )


@pytest.mark.parametrize("make", GOOD.values(), ids=GOOD.keys())
def test_good_updates_are_taken(make: Callable[[], FeedUpdate], intake: Intake, outlet: FeedOutlet) -> None:
    take(intake, make())
    assert len(outlet.updates) == 1


@pytest.mark.parametrize("make", WITHOUT_PLACE.values(), ids=WITHOUT_PLACE.keys())
def test_an_update_without_its_place_is_refused(
    make: Callable[[], FeedUpdate], intake: Intake, outlet: FeedOutlet
) -> None:
    assert reason_of(intake, make()) == "MALFORMED"
    assert outlet.sent == []


@pytest.mark.parametrize(("reason", "stop", "make"), PARTS.values(), ids=PARTS.keys())
def test_a_bad_part_costs_that_part_and_stops_what_it_leaves_stale(
    reason: str, stop: BetStop, make: Callable[[], FeedUpdate], intake: Intake, outlet: FeedOutlet
) -> None:
    sent = make()
    sent.state.CopyFrom(MatchState(home_score=1))
    sent.results.append(MarketResult(kind=ResultKind.RESULT_KIND_CANCEL, market_id="other"))
    refusals = intake.take_update(sent, timeout_ms=TIMEOUT_MS)
    assert {item.reason for item in refusals} == {reason}
    (taken,) = outlet.updates
    assert taken.HasField("bet_stop")
    assert taken.bet_stop == stop
    assert taken.state.home_score == 1
    assert [item.market_id for item in taken.results] == ["other"]
    left = parse_update(taken, appended_time_us=0).quotes
    if stop == ONE and sent.HasField("quotes"):
        assert left is not None
        assert dict(zip(left.layout.market_ids, left.market_statuses.tolist(), strict=True)) in (
            {"1x2": 2, "btts": 1},
            {"1x2": 1, "btts": 1},  # only its result is refused
        )
    UpdateValidator().check(taken)


def test_a_state_that_is_refused_says_so_in_its_stead(intake: Intake, outlet: FeedOutlet) -> None:
    for number, bad in enumerate((MatchState(status=99), MatchState(home_score=100_001)), 1):  # type: ignore[arg-type]
        (refusal,) = intake.take_update(update(number, state=bad, quotes=quotes()), timeout_ms=TIMEOUT_MS)
        assert refusal.message.startswith("state: ")
        taken = outlet.updates[-1]
        assert (taken.HasField("state"), taken.is_state_refused, taken.quotes) == (False, True, quotes())


def test_names_that_are_too_long_are_cut_and_a_time_that_is_none_is_left_out(
    intake: Intake, outlet: FeedOutlet
) -> None:
    described = FixtureDescription(sport="football", home_name="x" * 201, start_time_ms=7)
    refusals = intake.take_update(update(provider_time_ms=-1, description=described), timeout_ms=TIMEOUT_MS)
    assert len(refusals) == 2
    (taken,) = outlet.updates
    assert (len(taken.description.home_name), taken.description.start_time_ms) == (200, 7)
    assert (taken.provider_time_ms, taken.HasField("bet_stop")) == (0, False)


def test_a_goal_beside_a_market_that_cannot_be_is_taken(intake: Intake, outlet: FeedOutlet) -> None:
    odds = [1_300, 5_000, 11_000, 12_000_000, 1_900]
    sent = update(quotes=quotes(TWO, odds_milli=odds), state=MatchState(home_score=1))
    (refusal,) = intake.take_update(sent, timeout_ms=TIMEOUT_MS)
    assert refusal.message.startswith("btts: Decimal odds must be 0, or above 1000")
    told = parse_update(outlet.updates[0], appended_time_us=0)
    assert told.quotes is not None
    assert told.quotes.decimal_odds_milli.tolist() == [1_300, 5_000, 11_000]
    assert told.quotes.market_statuses.tolist() == [1, 2]
    assert told.bet_stop_market_ids == ("btts",)


def test_refusals_of_one_update_are_bounded(intake: Intake, outlet: FeedOutlet) -> None:
    markets = {f"m{number}": ["yes"] for number in range(100)}
    refusals = intake.take_update(update(quotes=quotes(markets, odds_milli=[1] * 100)), timeout_ms=TIMEOUT_MS)
    assert len(refusals) == REFUSALS_TOLD_MAX + 1
    assert refusals[-1].message == f"{100 - REFUSALS_TOLD_MAX} more parts are refused"
    assert len(outlet.updates[0].bet_stop.market_ids) == 100


def test_sequences_are_time_stamps_with_room() -> None:
    clock = SequenceClock()
    first, second = clock.assign(1_000, "a")[0], clock.assign(1_000, "b")[0]
    assert (first, second) == (1_000 << 12, (1_000 << 12) + 1)
    assert clock.assign(1_000, "a") == (first, True)
    late, _ = clock.assign(999, "c")
    assert late == second + 1
    assert clock.assign(2_000, "d") == (2_000 << 12, False)


def test_what_is_remembered_is_bounded() -> None:
    clock, newest = SequenceClock(), NewestTimes()
    for number in range(REMEMBERED_MAX + 1):
        clock.assign(5, number)
        newest.is_late(number, 5)
    assert len(clock._sequence_by_digest) == len(newest._time_ms_by_stream) == REMEMBERED_MAX
    assert clock.assign(5, 0)[1] is False
    assert clock.assign(5, REMEMBERED_MAX)[1] is True
