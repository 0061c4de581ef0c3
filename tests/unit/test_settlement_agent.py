"""Results into pages of settled bets: order, turns, a ledger that is away, results that cannot be."""

import asyncio
from collections import defaultdict
from typing import Any

import pytest
from faust.types import TP

from bets.ports import SettlementPage
from bets.settlement import MarketResult
from kernel.commands import LedgerUnavailable
from kernel.errors import InvariantBroken
from overround.feed.v1 import feed_pb2
from streams import settlement
from streams.settlement import DEAD_LETTER_TOPIC, SOURCE_TOPIC, SettlementAgent
from tests.unit.fake_faust import FakeApp, FakeClock, FakeOutlet, eventually


class FakeSettlementLedger:
    """Has some pages of bets on every market; fails as told."""

    def __init__(self) -> None:
        self.pages_left: defaultdict[str, int] = defaultdict(lambda: 1)
        self.calls: list[tuple[str, str]] = []
        self.failures: list[Exception] = []
        self.is_failing_for = ""

    async def settle_page(
        self, fixture_id: str, result: MarketResult, *, result_key: str, page_size: int
    ) -> SettlementPage:
        await asyncio.sleep(0)
        if self.failures:
            raise self.failures.pop()
        if fixture_id == self.is_failing_for:
            raise InvariantBroken("no")
        self.calls.append((fixture_id, result_key))
        self.pages_left[result_key] -= 1
        return SettlementPage(applied=page_size, is_complete=self.pages_left[result_key] <= 0)


Parts = tuple[FakeSettlementLedger, FakeOutlet, Any]


@pytest.fixture
def parts() -> Parts:
    ledger, outlet = FakeSettlementLedger(), FakeOutlet()
    app: Any = FakeApp()
    agent = SettlementAgent(ledger=ledger, outlet=outlet, clock=FakeClock(), page_size=500, workers=1)
    agent.attach(app)
    return ledger, outlet, app


def _results(
    fixture_id: str,
    sequence: int,
    *market_ids: str,
    kind: feed_pb2.ResultKind.ValueType = feed_pb2.RESULT_KIND_SETTLEMENT,
) -> bytes:
    won = feed_pb2.OutcomeResult(outcome_id="home", win_factor_micro=10**6, dead_heat_factor_micro=10**6)
    results = [feed_pb2.MarketResult(kind=kind, market_id=market_id, outcomes=[won]) for market_id in market_ids]
    message = feed_pb2.FixtureResults(provider_id="uof:1", fixture_id=fixture_id, sequence=sequence, results=results)
    return message.SerializeToString()


async def test_results_of_a_fixture_are_applied_in_order_and_then_acknowledged(parts: Parts) -> None:
    ledger, _, app = parts
    ledger.pages_left["a/uof:1/1/0/1x2/1"] = 3
    app.deliver(SOURCE_TOPIC, 0, _results("a", 1, "1x2", "btts"))
    app.deliver(SOURCE_TOPIC, 1, _results("a", 2, "1x2", kind=feed_pb2.RESULT_KIND_SETTLEMENT_ROLLBACK))
    async with app:
        await eventually(lambda: app.acknowledged == [(0, 0), (0, 1)])
    keys = [key for _, key in ledger.calls]
    assert keys == ["a/uof:1/1/0/1x2/1"] * 3 + ["a/uof:1/1/1/btts/1", "a/uof:1/2/0/1x2/2"]


async def test_a_fixture_with_very_many_bets_does_not_keep_another_waiting(parts: Parts) -> None:
    ledger, _, app = parts
    ledger.pages_left["huge/uof:1/1/0/1x2/1"] = 200
    app.deliver(SOURCE_TOPIC, 0, _results("huge", 1, "1x2"))
    app.deliver(SOURCE_TOPIC, 1, _results("small", 2, "1x2"))
    async with app:
        await eventually(lambda: app.acknowledged == [(0, 0), (0, 1)])
    assert ledger.calls.index(("small", "small/uof:1/2/0/1x2/1")) <= 2


async def test_while_the_ledger_is_away_nothing_is_acknowledged_and_nothing_is_lost(parts: Parts) -> None:
    ledger, outlet, app = parts
    ledger.failures = [LedgerUnavailable("away"), LedgerUnavailable("away")]
    app.deliver(SOURCE_TOPIC, 0, _results("a", 1, "1x2"))
    async with app:
        await eventually(lambda: len(ledger.failures) < 2)
        assert app.acknowledged == []
        await eventually(lambda: app.acknowledged == [(0, 0)])
    assert len(ledger.calls) == 1
    assert outlet.sent == []


async def test_a_malformed_message_is_buried_and_the_next_is_settled(parts: Parts) -> None:
    ledger, outlet, app = parts
    app.deliver(SOURCE_TOPIC, 0, b"\xff\xff")
    app.deliver(SOURCE_TOPIC, 1, _results("a", 1, ""))
    app.deliver(SOURCE_TOPIC, 2, _results("a", 2, "1x2"))
    async with app:
        await eventually(lambda: app.acknowledged == [(0, 0), (0, 1), (0, 2)])
    letters = [feed_pb2.DeadLetter.FromString(value) for value in outlet.values_of(DEAD_LETTER_TOPIC)]
    assert [(letter.reason, letter.source) for letter in letters] == [
        ("MALFORMED", "results.v1-0-0"),
        ("MALFORMED", "results.v1-0-1"),
    ]
    assert letters[0].raw == b"\xff\xff"
    assert [fixture for fixture, _ in ledger.calls] == ["a"]


async def test_a_result_that_the_ledger_never_takes_is_buried_and_others_go_on(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settlement, "PAUSE_AFTER_FAILURE_S", 0)
    ledger, outlet, app = parts
    ledger.is_failing_for = "broken"
    app.deliver(SOURCE_TOPIC, 0, _results("broken", 1, "1x2"))
    app.deliver(SOURCE_TOPIC, 1, _results("a", 2, "1x2"))
    async with app:
        await eventually(lambda: app.acknowledged == [(0, 0), (0, 1)])
    (letter,) = [feed_pb2.DeadLetter.FromString(value) for value in outlet.values_of(DEAD_LETTER_TOPIC)]
    assert letter.reason == "AGENT_ERROR"
    assert "broken/uof:1/1/0/1x2/1" in letter.message


async def test_results_of_a_partition_that_is_gone_are_left_to_its_new_owner(parts: Parts) -> None:
    ledger, _, app = parts
    ledger.pages_left["a/uof:1/1/0/1x2/1"] = 10**9
    app.deliver(SOURCE_TOPIC, 0, _results("a", 1, "1x2"))
    async with app:
        await eventually(lambda: bool(ledger.calls))
        await app.on_partitions_revoked.send({TP(SOURCE_TOPIC, 0)})
        await asyncio.sleep(0.02)
        calls = len(ledger.calls)
        await asyncio.sleep(0.02)
        assert len(ledger.calls) == calls
    assert app.acknowledged == []
