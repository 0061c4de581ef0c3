"""Random results of two providers, some unreadable or referred, with decisions and crashes, against a plain model."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from infra.audit import audit_ledger
from infra.settings import Settings
from infra.stores.postgres_parked import PostgresParkedResults
from infra.stores.postgres_settlement import PostgresSettlementLedger
from kernel.clock import SystemClock
from markets.results import MarketResult, ResultKind
from overround.feed.v1 import feed_pb2
from streams import parked_results, settlement_pages
from streams.parked_results import Parking
from streams.settlement import SettlementAgent
from streams.settlement_pages import Pages
from tests.fakes.fake_faust import FakeApp
from tests.integration.test_ledger_model import Model, ModelBet, ModelPlayer
from tests.ledger_world import LedgerWorld, build_command, correction, open_world, scratch_database, settlement
from tests.tries import tries
from wire.results import build_market_result
from wire.topics import RESULTS

CASH_MINOR = 100_000
SETTLE_LIMIT_S = 20
PROVIDERS = ("uof:1", "betfair")

Value = TypeVar("Value")
Word = MarketResult | None
"""A result, or something that cannot be read."""


@dataclass
class ModelParked:
    """A result that waits."""

    key: str
    provider_id: str
    word: Word
    is_referred: bool
    holds_queue: bool
    is_held: bool
    contradicts: bool = False


@dataclass
class ModelFixture:
    """What stands on the one market of a fixture, by whom, and what waits."""

    fixture_id: str
    settled: tuple[str, MarketResult] | None = None
    cancelled_by: set[str] = field(default_factory=set)
    waiting: list[ModelParked] = field(default_factory=list)
    applied: list[tuple[str, str, ResultKind]] = field(default_factory=list)

    def compare(self, provider_id: str, word: MarketResult) -> str:
        """Say what a word is beside those of others; what is new waits too while their contradiction is undecided."""
        compared = self._compare_with_others(provider_id, word)
        has_case = any(parked.contradicts and parked.is_held for parked in self.waiting)
        return "contradicts" if compared == "new" and has_case else compared

    def _compare_with_others(self, provider_id: str, word: MarketResult) -> str:
        other = self.settled if self.settled is not None and self.settled[0] != provider_id else None
        others = self.cancelled_by - {provider_id}
        match word.kind:
            case ResultKind.SETTLEMENT if other is not None:
                return "said" if other[1].outcomes == word.outcomes else "contradicts"
            case ResultKind.SETTLEMENT:
                return "contradicts" if others else "new"
            case ResultKind.SETTLEMENT_ROLLBACK:
                return "contradicts" if other else "new"
            case ResultKind.CANCEL if other is not None:
                return "contradicts"
            case ResultKind.CANCEL:
                return "said" if others else "new"
            case ResultKind.CANCEL_ROLLBACK:
                return "contradicts" if others else "new"

    def stand(self, provider_id: str, word: MarketResult) -> None:
        match word.kind:
            case ResultKind.SETTLEMENT:
                self.settled = (provider_id, word)
            case ResultKind.SETTLEMENT_ROLLBACK:
                self.settled = None
            case ResultKind.CANCEL:
                self.cancelled_by.add(provider_id)
            case ResultKind.CANCEL_ROLLBACK:
                self.cancelled_by.clear()

    @property
    def is_held_up(self) -> bool:
        return any(parked.holds_queue for parked in self.waiting)


class ParkedMachine(RuleBasedStateMachine):
    """Tells both the same and compares what players have."""

    database: Settings
    runner: asyncio.Runner

    def run(self, coroutine: Coroutine[Any, Any, Value]) -> Value:
        return self.runner.run(coroutine)

    @initialize()
    def open(self) -> None:
        self.stack = AsyncExitStack()
        self.run(self._open())
        self.money = Model(players=[ModelPlayer(CASH_MINOR) for _ in range(2)])
        self.fixtures: list[ModelFixture] = []
        self.log: list[tuple[str, bytes]] = []
        self.seen = 0

    async def _open(self) -> None:
        self.world: LedgerWorld = await self.stack.enter_async_context(open_world(self.database))
        self.players = [await self.world.open_player(cash_minor=CASH_MINOR) for _ in range(2)]

    @rule(stakes=st.lists(st.integers(1, 500), min_size=1, max_size=6), odds_milli=st.integers(1_001, 5_000))
    def bet_on_a_new_fixture(self, stakes: list[int], odds_milli: int) -> None:
        fixture = ModelFixture(uuid4().hex)
        self.fixtures.append(fixture)
        for number, stake_minor in enumerate(stakes):
            player, owner = self.players[number % 2], self.money.players[number % 2]
            if stake_minor > owner.cash_minor:
                continue
            outcome_id = ("home", "away", "home")[number % 3]
            command = build_command(
                player, stake_minor, fixture.fixture_id, odds_milli=odds_milli, outcome_id=outcome_id
            )
            answer = self.run(self.world.bets.place(command))
            assert answer.bet is not None
            owner.cash_minor -= stake_minor
            self.money.bets[answer.bet.bet_id] = ModelBet(owner, command)

    @precondition(lambda self: self.fixtures)
    @rule(
        place=st.integers(0, 2),
        words=st.lists(
            st.tuples(
                st.sampled_from(PROVIDERS),
                st.sampled_from(
                    [
                        settlement(home_won=True),
                        settlement(home_won=True),
                        settlement(home_won=False),
                        correction(ResultKind.SETTLEMENT_ROLLBACK),
                        correction(ResultKind.CANCEL),
                        correction(ResultKind.CANCEL_ROLLBACK),
                        None,
                    ]
                ),
                st.sampled_from([False, False, False, True]),
            ),
            min_size=1,
            max_size=4,
        ),
        crashes=st.integers(0, 2),
    )
    def results(self, place: int, words: list[tuple[str, Word, bool]], crashes: int) -> None:
        fixture = self.fixtures[-1 - place % len(self.fixtures)]
        for provider_id, word, is_referred in words:
            sequence = len(self.log) + 1
            self.log.append((fixture.fixture_id, _encode(fixture.fixture_id, provider_id, sequence, word, is_referred)))
            self._offer(fixture, ModelParked(
                f"{fixture.fixture_id}/{provider_id}/{sequence}/0/{'' if word is None else '1x2'}/"
                f"{1 if word is None else int(word.kind)}",
                provider_id, word, is_referred and word is not None, True, False,
            ))  # fmt: skip
        self.run(self._settle(crashes))
        self._compare()

    @precondition(lambda self: any(fixture.waiting for fixture in self.fixtures))
    @rule(data=st.data(), is_redone=st.booleans())
    def decide(self, data: st.DataObject, *, is_redone: bool) -> None:
        fixture = data.draw(st.sampled_from([fixture for fixture in self.fixtures if fixture.waiting]))
        parked = data.draw(st.sampled_from([parked for parked in fixture.waiting if parked.is_held]))
        rows = self.run(self.world.fetch("SELECT parked_id FROM bets.parked_result WHERE result_key = $1", parked.key))
        decision = "redo" if is_redone else "drop"
        complaint = self.run(
            self.world.parked.decide(rows[0]["parked_id"], decision, reason="model", decided_by="model")
        )
        is_outdated = is_redone and parked.word is not None and self._is_outdated(fixture, parked)
        assert complaint == ("outdated" if is_outdated else None)
        if is_redone and parked.word is None:
            # It cannot be read again, once its turn has come.
            parked.is_held = next(item for item in fixture.waiting if item.holds_queue) is parked
        elif not is_outdated:
            fixture.waiting.remove(parked)
            if is_redone and parked.word is not None:
                self._apply(fixture, parked, parked.word)
            self._drain(fixture)
        self.run(self._settle(0))
        self._compare()

    @precondition(lambda self: self.log)
    @rule(data=st.data())
    def deliver_again(self, data: st.DataObject) -> None:
        self.log.append(data.draw(st.sampled_from(self.log)))
        self.run(self._settle(0))
        self._compare()

    # The model

    def _is_outdated(self, fixture: ModelFixture, parked: ModelParked) -> bool:
        assert parked.word is not None
        is_settlement = parked.word.kind <= ResultKind.SETTLEMENT_ROLLBACK
        after = self.parked_at[parked.key]
        return any(
            provider_id == parked.provider_id and (kind <= ResultKind.SETTLEMENT_ROLLBACK) == is_settlement
            for provider_id, _, kind in fixture.applied[after:]
        )

    @property
    def parked_at(self) -> dict[str, int]:
        if not hasattr(self, "_parked_at"):
            self._parked_at: dict[str, int] = {}
        return self._parked_at

    def _offer(self, fixture: ModelFixture, told: ModelParked) -> None:
        if fixture.is_held_up and told.word is not None:
            told.is_held, told.holds_queue = told.is_referred, not told.is_referred
            self._park(fixture, told)
        else:
            self._take(fixture, told)

    def _take(self, fixture: ModelFixture, told: ModelParked) -> None:
        if told.word is None:
            told.is_held = True
        elif fixture.compare(told.provider_id, told.word) == "said":
            return
        elif told.is_referred or fixture.compare(told.provider_id, told.word) == "contradicts":
            told.is_held, told.holds_queue = True, False
            told.contradicts = fixture.compare(told.provider_id, told.word) == "contradicts"
        else:
            self._apply(fixture, told, told.word)
            return
        self._park(fixture, told)

    def _park(self, fixture: ModelFixture, told: ModelParked) -> None:
        self.parked_at.setdefault(told.key, len(fixture.applied))
        fixture.waiting.append(told)

    def _apply(self, fixture: ModelFixture, told: ModelParked, word: MarketResult) -> None:
        fixture.stand(told.provider_id, word)
        fixture.applied.append((told.provider_id, told.key, word.kind))
        self.money.apply(fixture.fixture_id, word)

    def _drain(self, fixture: ModelFixture) -> None:
        queue = [parked for parked in fixture.waiting if parked.holds_queue]
        for parked in queue:
            parked.is_held |= parked.word is None
            if parked.is_held:
                return
            fixture.waiting.remove(parked)
            self._take(fixture, parked)

    # The product

    async def _settle(self, crashes: int) -> None:
        """Run agents on what is not acknowledged; all but the last die after some pages, wherever they are."""
        for pages_done in range(crashes):
            await self._run_agent(dies_after_s=0.01 * (pages_done + 1))
        await self._run_agent(dies_after_s=None)

    async def _run_agent(self, *, dies_after_s: float | None) -> None:
        app: Any = FakeApp()
        store = PostgresParkedResults(self.world.pool)
        pages = Pages(PostgresSettlementLedger(self.world.pool), SystemClock(), page_size_max=1)
        SettlementAgent(pages=pages, parking=Parking(store, pages), workers=2).attach(app)
        for offset, (_, encoded) in enumerate(self.log[self.seen :]):
            app.deliver(RESULTS.name, offset, encoded)
        async with app:
            if dies_after_s is not None:
                await asyncio.sleep(dies_after_s)
                return
            async with asyncio.timeout(SETTLE_LIMIT_S):
                while len(app.acknowledged) < len(self.log) - self.seen or await store.list_due(1):  # noqa: ASYNC110 (two stores)
                    await asyncio.sleep(0.002)
        self.seen = len(self.log)

    def _compare(self) -> None:
        found = [
            (self.run(self.world.cash_minor(player)), -self.run(self.world.receivable_minor(player)))
            for player in self.players
        ]
        assert found == [(expected.cash_minor, expected.debt_minor) for expected in self.money.players]
        waiting = {
            (row["fixture_id"], row["state"], row["holds_queue"])
            for row in self.run(self.world.parked.list_waiting(1_000))
            if row["fixture_id"] in {fixture.fixture_id for fixture in self.fixtures}
        }
        assert waiting == {
            (fixture.fixture_id, "held" if parked.is_held else "due", parked.holds_queue)
            for fixture in self.fixtures
            for parked in fixture.waiting
        }

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        for bet_id, expected in self.money.bets.items():
            bet = self.run(self.world.bets.get_bet(expected.command.player_id, bet_id))
            assert bet is not None
            assert (bet.status, bet.return_minor) == expected.stands
        findings = self.run(audit_ledger(self.database, must_check_copy=False))
        self.run(self.stack.aclose())
        assert {finding.name: finding.violations for finding in findings if finding.violations} == {}


def _encode(fixture_id: str, provider_id: str, sequence: int, word: Word, is_referred: bool) -> bytes:
    result = feed_pb2.MarketResult(kind=feed_pb2.RESULT_KIND_SETTLEMENT) if word is None else build_market_result(word)
    if word is not None and is_referred:
        result.referral_reason = "LOOK_FIRST"
    return feed_pb2.FixtureResults(
        provider_id=provider_id, fixture_id=fixture_id, sequence=sequence, results=[result]
    ).SerializeToString()


@pytest.fixture
def scratch(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Settings, asyncio.Runner]]:
    monkeypatch.setattr(parked_results, "LOOK_INTERVAL_S", 0.01)
    monkeypatch.setattr(settlement_pages, "REST_PER_PAGE", 0)
    without_clickhouse = settings.model_copy(update={"ports": settings.ports.model_copy(update={"clickhouse": 1})})
    with asyncio.Runner() as runner:
        database = scratch_database(without_clickhouse)
        yield runner.run(database.__aenter__()), runner
        runner.run(database.__aexit__(None, None, None))


@pytest.mark.timeout(600)  # a failing example is shrunk before it is shown
def test_results_that_wait_end_as_their_model_does(scratch: tuple[Settings, asyncio.Runner]) -> None:
    class Machine(ParkedMachine):
        database, runner = scratch

    run_state_machine_as_test(
        Machine,
        settings=hypothesis_settings(
            tries(8), stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
