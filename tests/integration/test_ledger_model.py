"""Random commands against the ledger and against a plain model of it: the same money, and a clean audit."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bets.answer import BetAnswer, PlaceCommand
from bets.bet import BetStatus
from bets.settlement import return_minor
from infra.audit import audit_ledger
from infra.settings import Settings
from infra.stores.postgres_chain import append_block
from kernel.money import Money
from markets.results import MarketResult, ResultKind
from pam.player import Player
from tests.ledger_world import LedgerWorld, build_command, correction, open_world, scratch_database, settlement
from tests.tries import tries

PLAYERS = 2
CASH_MINOR = 1_000

Value = TypeVar("Value")


@dataclass
class ModelPlayer:
    """What a player has and owes."""

    cash_minor: int
    debt_minor: int = 0

    def credit(self, amount_minor: int) -> None:
        repaid_minor = min(self.debt_minor, amount_minor)
        self.debt_minor -= repaid_minor
        self.cash_minor += amount_minor - repaid_minor

    def take_back(self, amount_minor: int) -> None:
        advanced_minor = max(0, amount_minor - self.cash_minor)
        self.debt_minor += advanced_minor
        self.cash_minor += advanced_minor - amount_minor


@dataclass
class ModelBet:
    """A bet, the result that stands on it and whether a cancellation does."""

    owner: ModelPlayer
    command: PlaceCommand
    paid_minor: int = 0
    result: tuple[int, BetStatus] | None = None
    is_cancelled: bool = False

    @property
    def stands(self) -> tuple[BetStatus, int]:
        if self.is_cancelled:
            return BetStatus.VOID, self.command.stake.amount_minor
        if self.result is not None:
            return self.result[1], self.result[0]
        return BetStatus.OPEN, 0

    def change(self, *, result: tuple[int, BetStatus] | None, is_cancelled: bool) -> None:
        was_cancelled = self.is_cancelled
        if (result, is_cancelled) == (self.result, was_cancelled):
            return
        self.result, self.is_cancelled = result, is_cancelled
        if was_cancelled and is_cancelled:
            return
        self.owner.take_back(self.paid_minor)
        self.paid_minor = self.stands[1]
        self.owner.credit(self.paid_minor)


@dataclass
class Model:
    """Everything that should be in the ledger."""

    players: list[ModelPlayer] = field(default_factory=lambda: [ModelPlayer(CASH_MINOR) for _ in range(PLAYERS)])
    bets: dict[UUID, ModelBet] = field(default_factory=dict)
    settled: set[str] = field(default_factory=set)
    cancelled: set[str] = field(default_factory=set)

    def apply(self, fixture_id: str, result: MarketResult) -> None:
        standing = self.settled if result.kind in (ResultKind.SETTLEMENT, ResultKind.SETTLEMENT_ROLLBACK) else None
        standing = self.cancelled if standing is None else standing
        if result.kind in (ResultKind.SETTLEMENT, ResultKind.CANCEL):
            standing.add(fixture_id)
        else:
            standing.discard(fixture_id)
        for _, bet in sorted(self.bets.items()):
            if bet.command.legs[0].fixture_id == fixture_id:
                self._apply_to(bet, result)

    def _apply_to(self, bet: ModelBet, result: MarketResult) -> None:
        match result.kind:
            case ResultKind.SETTLEMENT:
                leg = bet.command.legs[0]
                outcome = next(item for item in result.outcomes if item.outcome_id == leg.outcome_id)
                minor = return_minor(
                    stake_minor=bet.command.stake.amount_minor,
                    decimal_odds_milli=leg.decimal_odds_milli,
                    outcome=outcome,
                )
                is_void = outcome.void_factor_micro == 1_000_000
                status = BetStatus.VOID if is_void else BetStatus.SETTLED
                bet.change(result=(minor, status), is_cancelled=bet.is_cancelled)
            case ResultKind.SETTLEMENT_ROLLBACK:
                bet.change(result=None, is_cancelled=bet.is_cancelled)
            case ResultKind.CANCEL:
                bet.change(result=bet.result, is_cancelled=True)
            case ResultKind.CANCEL_ROLLBACK:
                bet.change(result=bet.result, is_cancelled=False)


class LedgerMachine(RuleBasedStateMachine):
    """Does the same to both."""

    database: Settings
    runner: asyncio.Runner

    def run(self, coroutine: Coroutine[Any, Any, Value]) -> Value:
        return self.runner.run(coroutine)

    @initialize()
    def open(self) -> None:
        self.model = Model()
        self.stack = AsyncExitStack()
        self.world: LedgerWorld = self.run(self.stack.enter_async_context(open_world(self.database)))
        self.players: list[Player] = [self.run(self.world.open_player(cash_minor=CASH_MINOR)) for _ in range(PLAYERS)]
        self.fixtures: list[str] = [uuid4().hex]
        self.answers: list[tuple[PlaceCommand, BetAnswer]] = []
        self.results: list[tuple[str, MarketResult, str]] = []

    @rule(player=st.integers(0, PLAYERS - 1), minor=st.integers(1, 2_000))
    def deposit(self, player: int, minor: int) -> None:
        account_id = self.players[player].cash_account_id
        self.run(self.world.wallet.deposit_test_money(uuid4(), account_id, Money(minor, "EUR")))
        self.model.players[player].cash_minor += minor

    @rule(
        player=st.integers(0, PLAYERS - 1),
        is_new=st.booleans(),
        is_newest=st.booleans(),
        outcome=st.sampled_from(["home", "home", "away"]),
        stakes=st.lists(st.integers(1, 900) | st.none(), min_size=1, max_size=3),
        odds_milli=st.integers(1_001, 5_000),
    )
    def bet(
        self,
        *,
        player: int,
        is_new: bool,
        is_newest: bool,
        outcome: str,
        stakes: list[int | None],
        odds_milli: int,
    ) -> None:
        if is_new:
            self.fixtures.append(uuid4().hex)
        fixture_id = self.fixtures[-1 if is_newest else 0]
        all_minor = self.model.players[player].cash_minor or 1
        commands = [
            build_command(
                self.players[player], minor or all_minor, fixture_id, odds_milli=odds_milli, outcome_id=outcome
            )
            for minor in stakes
        ]
        for command, answer in zip(commands, self.run(self._place(commands)), strict=True):
            self._expect(self.model.players[player], command, answer)
            self.answers.append((command, answer))

    async def _place(self, commands: list[PlaceCommand]) -> list[BetAnswer]:
        return await asyncio.gather(*(self.world.bets.place(command) for command in commands))

    def _expect(self, owner: ModelPlayer, command: PlaceCommand, answer: BetAnswer) -> None:
        fixture_id, stake_minor = command.legs[0].fixture_id, command.stake.amount_minor
        if fixture_id in self.model.settled | self.model.cancelled:
            assert answer.refusal is not None
            assert answer.refusal.reason == "MARKET_CLOSED"
        elif stake_minor > owner.cash_minor:
            assert answer.refusal is not None
            assert answer.refusal.stake_max_minor == owner.cash_minor
        else:
            owner.cash_minor -= stake_minor
            assert answer.bet is not None
            assert answer.balance is not None
            assert answer.balance.available_minor == owner.cash_minor
            self.model.bets[answer.bet.bet_id] = ModelBet(owner, command)

    @precondition(lambda self: self.answers)
    @rule(data=st.data())
    def ask_again(self, data: st.DataObject) -> None:
        command, answer = data.draw(st.sampled_from(self.answers))
        again = self.run(self.world.bets.place(command))
        assert (again.bet, again.refusal, again.balance) == (answer.bet, answer.refusal, answer.balance)
        assert again.is_replay

    @rule(
        place=st.integers(0, 2),
        result=st.sampled_from(
            [
                settlement(home_won=True),
                settlement(home_won=True),
                settlement(home_won=False),
                settlement(home_won=False, home_void_micro=1_000_000),
                settlement(home_won=True, home_void_micro=500_000),
                correction(ResultKind.SETTLEMENT_ROLLBACK),
                correction(ResultKind.SETTLEMENT_ROLLBACK),
                correction(ResultKind.CANCEL),
                correction(ResultKind.CANCEL_ROLLBACK),
            ]
        ),
        page_size=st.integers(1, 5),
    )
    def result(self, place: int, result: MarketResult, page_size: int) -> None:
        fixture_id, key = self.fixtures[-1 - place % len(self.fixtures)], uuid4().hex
        self.run(self.world.apply(fixture_id, result, key=key, page_size=page_size))
        self.model.apply(fixture_id, result)
        self.results.append((fixture_id, result, key))

    @precondition(lambda self: self.results)
    @rule(data=st.data())
    def deliver_again(self, data: st.DataObject) -> None:
        fixture_id, result, key = data.draw(st.sampled_from(self.results))
        assert self.run(self.world.apply(fixture_id, result, key=key)) == 0

    @rule()
    def chain(self) -> None:
        self.run(self._chain())

    async def _chain(self) -> None:
        async with self.world.pool.connection() as connection:
            await append_block(connection, transfers_max=7)

    @invariant()
    def balances_agree(self) -> None:
        for player, expected in zip(self.players, self.model.players, strict=True):
            found = (self.run(self.world.cash_minor(player)), -self.run(self.world.receivable_minor(player)))
            assert found == (expected.cash_minor, expected.debt_minor)

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        for bet_id, expected in self.model.bets.items():
            bet = self.run(self.world.bets.get_bet(expected.command.player_id, bet_id))
            assert bet is not None
            assert (bet.status, bet.return_minor) == expected.stands
        findings = self.run(audit_ledger(self.database, must_check_copy=False))
        self.run(self.stack.aclose())
        assert {finding.name: finding.violations for finding in findings if finding.violations} == {}


@pytest.fixture
def scratch(settings: Settings) -> Iterator[tuple[Settings, asyncio.Runner]]:
    without_clickhouse = settings.model_copy(update={"ports": settings.ports.model_copy(update={"clickhouse": 1})})
    with asyncio.Runner() as runner:
        database = scratch_database(without_clickhouse)
        yield runner.run(database.__aenter__()), runner
        runner.run(database.__aexit__(None, None, None))


@pytest.mark.timeout(600)  # a failing example is shrunk before it is shown
def test_the_ledger_does_what_its_model_does(scratch: tuple[Settings, asyncio.Runner]) -> None:
    class Machine(LedgerMachine):
        database, runner = scratch

    run_state_machine_as_test(
        Machine,
        settings=hypothesis_settings(
            tries(12), stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
