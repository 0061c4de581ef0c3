"""What cannot be read of an Exchange Stream costs that part alone, and never leaves a price open that may be stale."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.feeds.betfair import CHANGES_MAX, BetfairAdapter
from gateway.feeds.reading import Reading
from gateway.feeds.validation import UpdateValidator
from overround.odds.v1.book_pb2 import MarketStatus
from tests.builders.betfair_lines import definition, line, odds_of, only, prices, status_of

OPEN, SUSPENDED = MarketStatus.MARKET_STATUS_OPEN, MarketStatus.MARKET_STATUS_SUSPENDED
THREE = [{"id": id_, "sortPriority": id_, "status": "ACTIVE"} for id_ in (1, 2, 3)]


def batb(runner_id: int, price: float, **others: Any) -> dict[str, Any]:
    return prices(runner_id, batb=[[0, price, 10]], **others)


def image(*changes: dict[str, Any], time_ms: int = 1, **defined: Any) -> bytes:
    named = definition(**({"runners": THREE} | defined))
    return line(time_ms, img=True, marketDefinition=named, rc=list(changes))


def quoted(*changes: dict[str, Any]) -> BetfairAdapter:
    adapter = BetfairAdapter()
    only(adapter.read(image(*(changes or (batb(1, 2.0), batb(2, 4.0), batb(3, 3.5))))))
    return adapter


def shown(reading: Reading) -> tuple[list[int], int]:
    """The prices in thousandths and the status after a line; its update must be one that the log may have."""
    (update,) = reading.updates
    UpdateValidator().check(update)
    return list(odds_of(update).values()), status_of(update)


def test_a_runner_that_nobody_defined_costs_no_other_its_price() -> None:
    adapter = quoted()
    reading = adapter.read(line(2, rc=[batb(1, 2.1), batb(99, 9.0), batb(2, 3.8)]))
    assert (shown(reading), reading.refusals) == (([2100, 3800, 3500], OPEN), [])
    assert shown(adapter.read(line(3, rc=[batb(3, 3.6)]))) == ([2100, 3800, 3600], OPEN)


def test_prices_of_a_runner_are_kept_until_its_definition_comes() -> None:
    adapter = quoted(batb(1, 2.0), batb(77, 50.0), batb(2, 4.0), batb(3, 3.5))
    adapter.read(line(2, rc=[prices(77, batb=[[1, 40.0, 2]])]))
    adapter.read(line(3, rc=[prices(77, batb=[[0, 0, 0]])]))
    defined = definition(runners=[*THREE, {"id": 77, "sortPriority": 4, "status": "ACTIVE"}])
    assert shown(adapter.read(line(4, marketDefinition=defined))) == ([2000, 4000, 3500, 40_000], OPEN)


def test_an_image_forgets_prices_that_were_kept_aside() -> None:
    adapter = quoted(batb(1, 2.0), batb(77, 50.0))
    adapter.read(image(batb(1, 2.5), time_ms=2))
    defined = definition(runners=[*THREE, {"id": 77, "sortPriority": 4, "status": "ACTIVE"}])
    assert shown(adapter.read(line(3, marketDefinition=defined))) == ([2500, 0, 0, 0], OPEN)


@pytest.mark.parametrize(("field", "level"), [("batb", [0, 1.98, 10]), ("bdatb", [0, 1.98, 10]), ("atb", [1.98, 10])])
def test_an_empty_level_is_nothing(field: str, level: list[float]) -> None:
    adapter = quoted(batb(2, 4.0), batb(3, 3.5))
    reading = adapter.read(line(2, rc=[prices(1, **{field: [[], level]}), batb(2, 4.2)]))
    assert (shown(reading), reading.refusals) == (([1980, 4200, 3500], OPEN), [])


def test_runners_that_nobody_traded_yet_have_a_last_price_of_nothing() -> None:
    first = only(BetfairAdapter().read(image(batb(1, 2.0, ltp=0, tv=0), batb(2, 4.0, ltp=0), batb(3, 3.5))))
    assert (list(odds_of(first).values()), status_of(first)) == ([2000, 4000, 3500], OPEN)
    assert first.HasField("description")
    assert first.HasField("state")
    adapter = quoted(prices(1, ltp=2.0), prices(2, ltp=0))
    assert shown(adapter.read(line(2, rc=[prices(1, ltp=0), prices(2, ltp=3.0)]))) == ([0, 3000, 0], OPEN)


BAD_CHANGES: list[Any] = [
    prices(2, batb=[[0, 1001, 5]]),
    prices(2, batb=[[0, 1.0, 5]]),
    prices(2, batb=[[0, 1.0004, 5]]),
    prices(2, batb=[[0, "4", 5]]),
    prices(2, batb=[[0, 4.2, "5"]]),
    prices(2, batb=[[0, 4.2, -5]]),
    prices(2, batb=[[0, 4.2]]),
    prices(2, batb=[[0, 4.2, 5, 6]]),
    prices(2, batb=[[-1, 4.2, 5]]),
    prices(2, batb=[[0.5, 4.2, 5]]),
    prices(2, batb=[["0", 4.2, 5]]),
    prices(2, batb=[None]),
    prices(2, batb=[7]),
    prices(2, batb=None),
    prices(2, batb={"0": 4.2}),
    prices(2, bdatb="x"),
    prices(2, atb=[[4.2]]),
    prices(2, atb=[[4.2, None]]),
    prices(2, atb=[[0.5, 3]]),
    prices(2, atb=[[[4], 0]]),
    prices(2, atb=[["4", 0]]),
    prices(2, ltp="x"),
    prices(2, ltp=-1),
    prices(2, ltp=1e9),
    prices(2, ltp=True),
    prices("2", batb=[[0, 4.2, 5]]),
    prices(None, batb=[[0, 4.2, 5]]),
    prices(2, hc="x", batb=[[0, 4.2, 5]]),
    {"batb": [[0, 4.2, 5]]},
    [],
    None,
    7,
]


@pytest.mark.parametrize("bad", BAD_CHANGES)
def test_a_part_that_cannot_be_read_suspends_and_costs_no_other(bad: Any) -> None:
    adapter = quoted()
    reading = adapter.read(line(2, rc=[batb(1, 2.1), bad, batb(3, 3.6)]))
    odds, status = shown(reading)
    assert (odds[0], odds[2], status) == (2100, 3600, SUSPENDED)
    assert [refusal.reason for refusal in reading.refusals] == ["MALFORMED"]
    assert shown(adapter.read(line(3, rc=[batb(1, 2.2)])))[1] == SUSPENDED
    again = adapter.read(image(batb(1, 2.2), batb(2, 4.2), batb(3, 3.6), time_ms=4))
    assert (shown(again), again.refusals) == (([2200, 4200, 3600], OPEN), [])


@pytest.mark.parametrize("bad", BAD_CHANGES)
def test_a_bad_part_of_an_image_costs_no_other(bad: Any) -> None:
    reading = BetfairAdapter().read(image(batb(1, 2.0), bad, batb(3, 3.5)))
    odds, status = shown(reading)
    assert (odds[0], odds[2], status) == (2000, 3500, SUSPENDED)
    assert reading.updates[0].HasField("description")


@pytest.mark.parametrize(
    ("bad", "good"),
    [
        (prices(2, batb=[[0, 1001, 5]]), prices(2, batb=[[0, 4.2, 5]])),
        (prices(2, batb=[[0, "4", 5]]), prices(2, batb=[[0, 4.2, 5]])),
        (prices(2, atb=[[3.0, "x"]]), prices(2, atb=[[3.0, 0]])),
        (prices(2, ltp="x"), prices(2, ltp=3.0)),
    ],
)
def test_the_same_part_told_again_ends_the_doubt(bad: dict[str, Any], good: dict[str, Any]) -> None:
    adapter = quoted()
    assert shown(adapter.read(line(2, rc=[bad])))[1] == SUSPENDED
    assert shown(adapter.read(line(3, rc=[good])))[1] == OPEN


def test_a_bad_price_of_a_runner_that_is_removed_matters_no_more() -> None:
    adapter = quoted()
    assert shown(adapter.read(line(2, rc=[prices(2, batb=[[0, 1001, 5]])])))[1] == SUSPENDED
    without = [THREE[0], THREE[1] | {"status": "REMOVED"}, THREE[2]]
    assert shown(adapter.read(line(3, marketDefinition=definition(runners=without)))) == ([2000, 0, 3500], OPEN)


@pytest.mark.parametrize(
    "change",
    [
        {"rc": {}},
        {"rc": None},
        {"marketDefinition": []},
        {"marketDefinition": "x"},
        {"marketDefinition": definition(runners=THREE, status="OPENED")},
        {"marketDefinition": definition(runners=THREE, status=[])},
        {"marketDefinition": definition(runners=None)},
        {"marketDefinition": definition(runners=[{"id": 1}, *THREE[1:]])},
        {"marketDefinition": definition(runners=[*THREE, {"status": "ACTIVE"}])},
        {"marketDefinition": definition(runners=[*THREE, None])},
        {"marketDefinition": definition(runners=THREE, marketTime="soon")},
        {"marketDefinition": definition(runners=THREE, marketTime="9000-01-01T00:00:00Z")},
        {"marketDefinition": definition(runners=THREE, marketTime="2026-01-01T00:00:00")},
        {"marketDefinition": definition(runners=THREE, numberOfWinners="1")},
        {"marketDefinition": definition(runners=THREE, numberOfWinners=-1)},
    ],
)
def test_a_change_that_cannot_be_read_suspends_its_market(change: dict[str, Any]) -> None:
    adapter = quoted()
    reading = adapter.read(line(2, **change))
    assert shown(reading)[1] == SUSPENDED
    assert [refusal.reason for refusal in reading.refusals] == ["MALFORMED"]
    assert shown(adapter.read(image(batb(1, 2.2), batb(2, 4.2), time_ms=3))) == ([2200, 4200, 0], OPEN)


@pytest.mark.parametrize("bad", ["x", [], 7, definition(runners=None), definition(runners=THREE, status="OPENED")])
def test_prices_beside_a_bad_definition_are_taken_and_wait_for_a_good_one(bad: Any) -> None:
    adapter = quoted()
    assert shown(adapter.read(line(2, marketDefinition=bad, rc=[batb(1, 2.1)]))) == ([2100, 4000, 3500], SUSPENDED)
    good = adapter.read(line(3, marketDefinition=definition(runners=THREE)))
    assert (shown(good), good.refusals) == (([2100, 4000, 3500], OPEN), [])


def test_a_market_begun_with_a_bad_definition_is_suspended_until_a_good_one_comes() -> None:
    adapter = BetfairAdapter()
    assert shown(adapter.read(image(batb(1, 2.0), status="OPENED"))) == ([2000, 0, 0], SUSPENDED)
    assert shown(adapter.read(line(2, marketDefinition=definition(runners=THREE)))) == ([2000, 0, 0], OPEN)


def test_a_message_without_a_time_counts_as_published_with_the_one_before() -> None:
    adapter = quoted()
    message = {"op": "mcm", "mc": [{"id": "1.1", "rc": [batb(1, 2.1)]}]}
    reading = adapter.read(json.dumps(message).encode())
    assert shown(reading) == ([2100, 4000, 3500], OPEN)
    assert reading.updates[0].provider_time_ms == 1
    assert [refusal.reason for refusal in reading.refusals] == ["MALFORMED"]


def test_markets_beyond_the_changes_that_are_taken_are_suspended() -> None:
    adapter = quoted()
    changes = [{"id": "1.2"}] * CHANGES_MAX + [{"id": "1.1", "rc": [batb(1, 9.0)]}]
    reading = adapter.read(json.dumps({"op": "mcm", "pt": 2, "mc": changes}).encode())
    assert shown(reading) == ([2000, 4000, 3500], SUSPENDED)
    assert {refusal.reason for refusal in reading.refusals} == {"OVERSIZED", "OUT_OF_ORDER"}


def test_a_message_of_many_bad_parts_is_kept_once_for_each_reason() -> None:
    reading = quoted().read(line(2, rc=[None] * 100))
    assert [refusal.reason for refusal in reading.refusals] == ["MALFORMED"]
