"""Results into pages of settled bets: order, turns, a ledger that is away, results that cannot be."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import pytest
from faust.types import TP

from bets.ports import (
    DueResult,
    KeyedResult,
    ParkedCounts,
    ResultContradicts,
    ResultMessage,
    ResultReferred,
    ResultWaits,
    SettlementPage,
)
from kernel.errors import InvariantBroken, Part, Unavailable
from overround.feed.v1 import feed_pb2
from streams import parked_results, settlement
from streams.parked_results import Parking
from streams.settlement import SettlementAgent
from streams.settlement_pages import PAGE_BETS_MIN, STUCK_S, Pages
from tests.fakes.fake_clock import FakeClock
from tests.fakes.fake_faust import FakeApp, eventually
from wire.results import build_result_messages, read_results
from wire.topics import RESULTS


@dataclass
class Parked:
    """A parked result as the fake store has it."""

    parked_id: int
    message: ResultMessage
    reason: str
    holds_queue: bool
    state: str
    is_decided: bool = False


class FakeParkedResults:
    """Keeps parked results in memory."""

    def __init__(self) -> None:
        self.parked: dict[str, Parked] = {}
        self.failures: list[Exception] = []

    async def park(self, message: ResultMessage, *, reason: str, detail: str, holds_queue: bool, is_held: bool) -> None:
        if self.failures:
            raise self.failures.pop()
        parked = Parked(len(self.parked), message, reason, holds_queue, "held" if is_held else "due")
        self.parked.setdefault(message.key, parked)

    async def list_due(self, size: int) -> list[DueResult]:
        return [
            DueResult(parked.parked_id, parked.message, parked.is_decided)
            for parked in self.parked.values()
            if parked.state == "due"
            and not (parked.holds_queue and self.is_waiting(parked.message.fixture_id, before=parked.parked_id))
        ][:size]

    async def hold(self, parked_id: int, *, reason: str, detail: str, holds_queue: bool) -> None:
        parked = self._find(parked_id)
        parked.state, parked.reason, parked.holds_queue = "held", reason, holds_queue

    async def finish(self, parked_id: int) -> None:
        self._find(parked_id).state = "applied"

    async def count(self) -> ParkedCounts:
        held = [parked for parked in self.parked.values() if parked.state == "held"]
        return ParkedCounts(len(held), len({parked.message.fixture_id for parked in held if parked.holds_queue}), 0)

    def is_waiting(self, fixture_id: str, *, before: int) -> bool:
        return any(
            parked.holds_queue and parked.state in ("held", "due") and parked.parked_id < before
            for parked in self.parked.values()
            if parked.message.fixture_id == fixture_id
        )

    def redo(self, key: str) -> None:
        self.parked[key].state, self.parked[key].is_decided = "due", True

    def drop(self, key: str) -> None:
        self.parked[key].state = "dropped"

    def states(self) -> dict[str, tuple[str, str]]:
        return {key: (parked.reason, parked.state) for key, parked in self.parked.items()}

    def _find(self, parked_id: int) -> Parked:
        return next(parked for parked in self.parked.values() if parked.parked_id == parked_id)


class FakeSettlementLedger:
    """Has some pages of bets on every market; fails as told."""

    def __init__(self, store: FakeParkedResults) -> None:
        self.pages_left: defaultdict[str, int] = defaultdict(lambda: 1)
        self.calls: list[tuple[str, str]] = []
        self.page_sizes: list[int] = []
        self.failures: list[Exception] = []
        self.is_failing_for = ""
        self.held: set[str] = set()
        self.contradicting = ""
        self._store = store

    async def settle_page(
        self, keyed: KeyedResult, *, page_size: int, has_left_queue: bool, is_decided: bool
    ) -> SettlementPage:
        await asyncio.sleep(0)
        self.page_sizes.append(page_size)
        if self.failures:
            raise self.failures.pop()
        if keyed.fixture_id in self.held:
            raise Unavailable(Part.LEDGER, "others hold it")
        if not has_left_queue and self._store.is_waiting(keyed.fixture_id, before=10**9):
            raise ResultWaits("waits")
        if keyed.fixture_id == self.is_failing_for:
            raise InvariantBroken("no")
        if keyed.provider_id == self.contradicting and not is_decided:
            raise ResultContradicts("another word stands")
        if keyed.result.referral_reason and not is_decided:
            raise ResultReferred(keyed.result.referral_reason)
        self.calls.append((keyed.fixture_id, keyed.key))
        self.pages_left[keyed.key] -= 1
        return SettlementPage(applied=page_size, is_complete=self.pages_left[keyed.key] <= 0)


Parts = tuple[FakeSettlementLedger, FakeParkedResults, Any]


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> Parts:
    monkeypatch.setattr(settlement, "PAUSE_AFTER_FAILURE_S", 0)
    monkeypatch.setattr(parked_results, "LOOK_INTERVAL_S", 0.001)
    store = FakeParkedResults()
    ledger = FakeSettlementLedger(store)
    app: Any = FakeApp()
    pages = Pages(ledger, FakeClock(), page_size_max=500)
    SettlementAgent(pages=pages, parking=Parking(store, pages), workers=1).attach(app)
    return ledger, store, app


def _results(
    fixture_id: str,
    sequence: int,
    *market_ids: str,
    kind: feed_pb2.ResultKind.ValueType = feed_pb2.RESULT_KIND_SETTLEMENT,
    provider_id: str = "uof:1",
    referral_reason: str = "",
) -> bytes:
    won = feed_pb2.OutcomeResult(outcome_id="home", win_factor_micro=10**6, dead_heat_factor_micro=10**6)
    results = [
        feed_pb2.MarketResult(kind=kind, market_id=market_id, outcomes=[won], referral_reason=referral_reason)
        for market_id in market_ids
    ]
    message = feed_pb2.FixtureResults(
        provider_id=provider_id, fixture_id=fixture_id, sequence=sequence, results=results
    )
    return message.SerializeToString()


def keyed_result(fixture_id: str) -> KeyedResult:
    (message,) = build_result_messages(feed_pb2.FixtureResults.FromString(_results(fixture_id, 1, "1x2")))
    (keyed,) = read_results(message)
    return keyed


async def test_results_of_a_fixture_are_applied_in_order_and_then_acknowledged(parts: Parts) -> None:
    ledger, _, app = parts
    ledger.pages_left["a/uof:1/1/0/1x2/1"] = 3
    app.deliver(RESULTS.name, 0, _results("a", 1, "1x2", "btts"))
    app.deliver(RESULTS.name, 1, _results("a", 2, "1x2", kind=feed_pb2.RESULT_KIND_SETTLEMENT_ROLLBACK))
    async with app:
        await eventually(lambda: app.acknowledged == [(0, 0), (0, 1)])
    keys = [key for _, key in ledger.calls]
    assert keys == ["a/uof:1/1/0/1x2/1"] * 3 + ["a/uof:1/1/1/btts/1", "a/uof:1/2/0/1x2/2"]


async def test_a_fixture_with_very_many_bets_does_not_keep_another_waiting(parts: Parts) -> None:
    ledger, _, app = parts
    ledger.pages_left["huge/uof:1/1/0/1x2/1"] = 200
    app.deliver(RESULTS.name, 0, _results("huge", 1, "1x2"))
    app.deliver(RESULTS.name, 1, _results("small", 2, "1x2"))
    async with app:
        await eventually(lambda: app.acknowledged == [(0, 0), (0, 1)])
    assert ledger.calls.index(("small", "small/uof:1/2/0/1x2/1")) <= 2


async def test_while_the_ledger_is_away_nothing_is_acknowledged_and_nothing_is_lost(parts: Parts) -> None:
    ledger, store, app = parts
    ledger.held = {"a"}
    app.deliver(RESULTS.name, 0, _results("a", 1, "1x2"))
    async with app:
        await eventually(lambda: len(ledger.page_sizes) > 2)
        assert app.acknowledged == []
        ledger.held.clear()
        await eventually(lambda: app.acknowledged == [(0, 0)])
    assert len(ledger.calls) == 1
    assert store.parked == {}


async def test_while_the_ledger_is_away_a_result_that_has_to_be_parked_is_not_acknowledged(parts: Parts) -> None:
    _, store, app = parts
    store.failures = [Unavailable(Part.LEDGER, "away")]
    app.deliver(RESULTS.name, 0, _results("a", 1, ""))
    async with app:
        await eventually(lambda: not store.failures)
        assert app.acknowledged == []
        await eventually(lambda: app.acknowledged == [(0, 0)])
    assert store.states() == {"a/uof:1/1/0//1": ("RESULT_MALFORMED", "held")}


async def test_what_cannot_be_read_is_parked_and_later_results_of_its_fixture_wait_behind_it(parts: Parts) -> None:
    ledger, store, app = parts
    app.deliver(RESULTS.name, 0, _results("a", 1, "1x2"))
    app.deliver(RESULTS.name, 1, b"\xff\xff", key=b"a")
    app.deliver(RESULTS.name, 2, _results("a", 2, "btts"))
    app.deliver(RESULTS.name, 3, _results("b", 3, "1x2"))
    async with app:
        await eventually(lambda: len(app.acknowledged) == 4)
        assert [key for _, key in ledger.calls] == ["a/uof:1/1/0/1x2/1", "b/uof:1/3/0/1x2/1"]
        assert store.states() == {
            "results.v1-0-1": ("RESULT_MALFORMED", "held"),
            "a/uof:1/2/0/btts/1": ("RESULT_WAITS", "due"),
        }
        assert store.parked["results.v1-0-1"].message.encoded == b"\xff\xff"
        store.drop("results.v1-0-1")
        await eventually(lambda: store.parked["a/uof:1/2/0/btts/1"].state == "applied")
    assert ledger.calls[-1] == ("a", "a/uof:1/2/0/btts/1")


async def test_a_malformed_result_costs_the_others_of_its_message_their_turn_and_nothing_else(parts: Parts) -> None:
    ledger, store, app = parts
    app.deliver(RESULTS.name, 0, _results("a", 1, "1x2", "", "btts"))
    async with app:
        await eventually(lambda: app.acknowledged == [(0, 0)])
        assert [key for _, key in ledger.calls] == ["a/uof:1/1/0/1x2/1"]
        store.redo("a/uof:1/1/1//1")
        await eventually(lambda: store.parked["a/uof:1/1/1//1"].state == "held")
        store.drop("a/uof:1/1/1//1")
        await eventually(lambda: len(ledger.calls) == 2)
    assert ledger.calls[-1] == ("a", "a/uof:1/1/2/btts/1")


async def test_a_result_that_the_ledger_never_takes_is_parked_and_redone_in_its_turn(parts: Parts) -> None:
    ledger, store, app = parts
    ledger.is_failing_for = "broken"
    app.deliver(RESULTS.name, 0, _results("broken", 1, "1x2"))
    app.deliver(RESULTS.name, 1, _results("broken", 2, "1x2", kind=feed_pb2.RESULT_KIND_SETTLEMENT_ROLLBACK))
    app.deliver(RESULTS.name, 2, _results("a", 3, "1x2"))
    first, second = "broken/uof:1/1/0/1x2/1", "broken/uof:1/2/0/1x2/2"
    async with app:
        await eventually(lambda: len(app.acknowledged) == 3, timeout_s=30)  # five stack traces take their time
        assert store.states() == {first: ("RESULT_FAILED", "held"), second: ("RESULT_WAITS", "due")}
        assert ledger.calls == [("a", "a/uof:1/3/0/1x2/1")]
        ledger.is_failing_for = ""
        store.redo(first)
        await eventually(lambda: store.parked[second].state == "applied")
    assert [key for _, key in ledger.calls[1:]] == [first, second]


async def test_a_contradiction_and_a_referral_are_cases_that_hold_up_nothing(parts: Parts) -> None:
    ledger, store, app = parts
    ledger.contradicting = "betfair"
    app.deliver(RESULTS.name, 0, _results("a", 1, "1x2", provider_id="betfair"))
    app.deliver(RESULTS.name, 1, _results("a", 2, "win", referral_reason="DEAD_HEAT_UNKNOWN"))
    app.deliver(RESULTS.name, 2, _results("a", 3, "btts"))
    contradiction, referral = "a/betfair/1/0/1x2/1", "a/uof:1/2/0/win/1"
    async with app:
        await eventually(lambda: len(app.acknowledged) == 3)
        assert [key for _, key in ledger.calls] == ["a/uof:1/3/0/btts/1"]
        assert store.states() == {
            contradiction: ("RESULT_CONTRADICTS", "held"),
            referral: ("RESULT_REFERRED", "held"),
        }
        store.redo(referral)
        store.redo(contradiction)
        await eventually(lambda: {parked.state for parked in store.parked.values()} == {"applied"})
    assert [key for _, key in ledger.calls[1:]] == [contradiction, referral]


async def test_what_waits_for_a_person_is_complained_of_until_it_is_decided(parts: Parts) -> None:
    ledger, store, _ = parts
    parking = Parking(store, Pages(ledger, FakeClock(), page_size_max=500))
    looking = asyncio.create_task(parking.run())
    try:
        assert parking.complaint is None
        alone = ResultMessage("b/1", "uof:1", "b", "1x2", 1, b"", is_whole=False)
        await parking.hold(alone, reason="RESULT_REFERRED", detail="not quoted", holds_queue=False)
        message = ResultMessage("a/1", "uof:1", "a", "", 1, b"", is_whole=False)
        await parking.hold(message, reason="RESULT_MALFORMED", detail="no market", holds_queue=True)
        await eventually(lambda: parking.complaint is not None)
        assert "1 fixtures with them: see `overround results list`" in str(parking.complaint)
        store.drop("a/1")
        await eventually(lambda: parking.complaint is None)
    finally:
        looking.cancel()


async def test_results_of_a_partition_that_is_gone_are_left_to_its_new_owner(parts: Parts) -> None:
    ledger, _, app = parts
    ledger.pages_left["a/uof:1/1/0/1x2/1"] = 10**9
    app.deliver(RESULTS.name, 0, _results("a", 1, "1x2"))
    async with app:
        await eventually(lambda: bool(ledger.calls))
        await app.on_partitions_revoked.send({TP(RESULTS.name, 0)})
        await asyncio.sleep(0.02)
        calls = len(ledger.calls)
        await asyncio.sleep(0.02)
        assert len(ledger.calls) == calls
    assert app.acknowledged == []


@pytest.mark.parametrize(
    ("page_s", "sizes"), [(2**-7, [50, 100, 120, 120]), (2**-4, [50, 50, 50, 50]), (2**-6, [50, 64, 81, 103])]
)
async def test_a_page_grows_and_shrinks_with_what_the_last_one_took(page_s: float, sizes: list[int]) -> None:
    ledger = FakeSettlementLedger(FakeParkedResults())
    pages = Pages(ledger, FakeClock(step_us=round(page_s * 1e6)), page_size_max=120)
    assert sizes[0] == PAGE_BETS_MIN
    keyed = keyed_result("a")
    ledger.pages_left[keyed.key] = 4
    for _ in sizes:
        await pages.apply(keyed, has_left_queue=False, is_decided=False)
    assert ledger.page_sizes == sizes


async def test_a_page_that_the_ledger_does_not_answer_in_time_is_smaller_the_next_time() -> None:
    ledger = FakeSettlementLedger(FakeParkedResults())
    ledger.failures = [Unavailable(Part.LEDGER, "too slow")] * 2
    pages = Pages(ledger, FakeClock(), page_size_max=500)
    keyed = keyed_result("a")
    for _ in range(2):
        with pytest.raises(Unavailable):
            await pages.apply(keyed, has_left_queue=False, is_decided=False)
    assert await pages.apply(keyed, has_left_queue=False, is_decided=False)
    assert ledger.page_sizes == [50, 25, 12]


async def test_a_page_that_the_ledger_keeps_refusing_is_complained_of_until_it_is_taken() -> None:
    ledger = FakeSettlementLedger(FakeParkedResults())
    clock = FakeClock(step_us=round(STUCK_S * 1e6))
    pages = Pages(ledger, clock, page_size_max=500)
    keyed = keyed_result("a")
    assert pages.complaint is None
    ledger.held = {"a"}
    with pytest.raises(Unavailable):
        await pages.apply(keyed, has_left_queue=False, is_decided=False)
    assert "results of 1 fixtures wait, one for 10 s" in str(pages.complaint)
    ledger.held.clear()
    assert await pages.apply(keyed, has_left_queue=False, is_decided=False)
    assert pages.complaint is None


async def test_fixtures_whose_markets_others_hold_keep_no_other_waiting(parts: Parts) -> None:
    ledger, _, app = parts
    ledger.held = {"a", "b"}
    for offset, fixture_id in enumerate(("a", "b", "c")):
        app.deliver(RESULTS.name, offset, _results(fixture_id, 1, "1x2"))
    async with app:
        await eventually(lambda: [fixture_id for fixture_id, _ in ledger.calls] == ["c"])
        assert app.acknowledged == []
        ledger.held.clear()
        await eventually(lambda: app.acknowledged == [(0, 0), (0, 1), (0, 2)])


async def test_a_parked_result_whose_market_others_hold_keeps_no_other_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parked_results, "LOOK_INTERVAL_S", 0.001)
    store = FakeParkedResults()
    ledger = FakeSettlementLedger(store)
    parking = Parking(store, Pages(ledger, FakeClock(), page_size_max=500))
    for fixture_id in ("a", "b"):
        (message,) = build_result_messages(feed_pb2.FixtureResults.FromString(_results(fixture_id, 1, "1x2")))
        await store.park(message, reason="", detail="", holds_queue=True, is_held=False)
    ledger.held = {"a"}
    looking = asyncio.create_task(parking.run())
    await eventually(lambda: [fixture_id for fixture_id, _ in ledger.calls] == ["b"])
    looking.cancel()
