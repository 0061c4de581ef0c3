"""Random claims, bets, crashes and passing time against the ledger and a plain model of it, and a clean audit."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
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

from bets.answer import BetAnswer, BetRefusal, PlaceCommand, StakeBounds
from infra.audit import audit_ledger
from infra.settings import Settings
from kernel.money import Money
from pam.player import Player
from tests.ledger_world import LedgerWorld, build_command, claim_of, inquiry_of, open_world, scratch_database
from tests.tries import tries

CASH_MINOR = 1_000
MARKET_MINOR_MAX = 600
BOUNDS = StakeBounds(stake_minor_min=1, stake_minor_max=10_000, market_stake_minor_max=MARKET_MINOR_MAX)
REFUSAL = BetRefusal("PRICE_CHANGED", "Price is another now")
LATER_US = 60_000_000

Value = TypeVar("Value")


@dataclass
class Model:
    """What one player has, what is claimed of it, and what was decided."""

    cash_minor: int = CASH_MINOR
    claims: dict[UUID, PlaceCommand] = field(default_factory=dict)
    bets: dict[UUID, PlaceCommand] = field(default_factory=dict)
    refused: set[UUID] = field(default_factory=set)

    @property
    def available_minor(self) -> int:
        return self.cash_minor - sum(command.stake.amount_minor for command in self.claims.values())

    def room_minor(self, fixture_id: str) -> int:
        taken = [*self.claims.values(), *self.bets.values()]
        staked_minor = sum(item.stake.amount_minor for item in taken if item.legs[0].fixture_id == fixture_id)
        return MARKET_MINOR_MAX - staked_minor

    def has_means_for(self, command: PlaceCommand) -> bool:
        most_minor = min(self.available_minor, self.room_minor(command.legs[0].fixture_id))
        return command.stake.amount_minor <= most_minor

    def claim(self, command: PlaceCommand) -> bool:
        """Claim a command that nothing decided; return whether it is claimed."""
        if command.request_id in self.claims or self.has_means_for(command):
            self.claims[command.request_id] = command
        return command.request_id in self.claims

    def place(self, command: PlaceCommand) -> bool:
        """Decide a command, or find it decided; return whether it is a bet."""
        key = command.request_id
        if key not in self.bets and key not in self.refused:
            is_claimed = self.claims.pop(key, None) is not None
            if command.refusal is None and (is_claimed or self.has_means_for(command)):
                self.cash_minor -= command.stake.amount_minor
                self.bets[key] = command
            else:
                self.refused.add(key)
        return key in self.bets


class ClaimMachine(RuleBasedStateMachine):
    """Does the same to both; a gateway that crashed is one of whose command nothing more is heard."""

    database: Settings
    runner: asyncio.Runner

    def run(self, coroutine: Coroutine[Any, Any, Value]) -> Value:
        return self.runner.run(coroutine)

    @initialize()
    def open(self) -> None:
        self.model = Model()
        self.stack = AsyncExitStack()
        self.gateways: list[LedgerWorld] = [
            self.run(self.stack.enter_async_context(open_world(self.database))) for _ in range(2)
        ]
        self.world = self.gateways[0]
        self.player: Player = self.run(self.world.open_player(cash_minor=CASH_MINOR))
        self.fixtures = [uuid4().hex, uuid4().hex]
        self.begun: list[PlaceCommand] = []

    def new_command(self, place: int, stake_minor: int) -> PlaceCommand:
        command = replace(build_command(self.player, stake_minor, self.fixtures[place]), bounds=BOUNDS)
        self.begun.append(command)
        return command

    @rule(minor=st.integers(1, 500))
    def deposit(self, minor: int) -> None:
        self.run(self.world.wallet.deposit_test_money(uuid4(), self.player.cash_account_id, Money(minor, "EUR")))
        self.model.cash_minor += minor

    @rule(place=st.integers(0, 1), stake_minor=st.integers(1, 500))
    def claim(self, place: int, stake_minor: int) -> None:
        self.expect_claim(self.new_command(place, stake_minor), gateway=0)

    @precondition(lambda self: self.begun)
    @rule(data=st.data(), gateway=st.integers(0, 1))
    def claim_again(self, data: st.DataObject, gateway: int) -> None:
        self.expect_claim(data.draw(st.sampled_from(self.begun)), gateway=gateway)

    def expect_claim(self, command: PlaceCommand, *, gateway: int) -> None:
        standing = self.run(self.claim_until_later(command, gateway=gateway))
        is_decided = command.request_id in self.model.bets.keys() | self.model.refused
        assert (standing.answer is not None) is is_decided
        assert standing.is_claimed is (not is_decided and self.model.claim(command))

    async def claim_until_later(self, command: PlaceCommand, *, gateway: int) -> Any:
        until_us = await self.world.now_us() + LATER_US
        wanted = claim_of(command, until_us=until_us, market_stake_minor_max=MARKET_MINOR_MAX)
        return await self.gateways[gateway].bets.claim(wanted)

    @rule(
        data=st.data(),
        new=st.lists(st.tuples(st.integers(0, 1), st.integers(1, 500)), max_size=2),
        old=st.integers(0, 3),
        refuses=st.lists(st.booleans(), min_size=5, max_size=5),
        gateway=st.integers(0, 1),
    )
    def place(
        self, *, data: st.DataObject, new: list[tuple[int, int]], old: int, refuses: list[bool], gateway: int
    ) -> None:
        """Decide what was claimed and what was not in one batch, some of it against the bettor."""
        known = data.draw(st.permutations(self.begun))[:old] if self.begun else []
        commands = [*known, *(self.new_command(place, stake_minor) for place, stake_minor in new)]
        commands = [
            replace(command, refusal=REFUSAL if is_refused else None)
            for command, is_refused in zip(commands, refuses, strict=False)
        ]
        answers = self.run(self.place_together(commands, gateway=gateway))
        for command, answer in zip(commands, answers, strict=True):
            assert (answer.bet is not None) is self.model.place(command)

    async def place_together(self, commands: list[PlaceCommand], *, gateway: int) -> list[BetAnswer]:
        return await asyncio.gather(*(self.gateways[gateway].bets.place(command) for command in commands))

    @rule()
    def let_time_pass(self) -> None:
        self.run(self.world.let_claims_end(self.player))
        self.model.claims.clear()

    @rule()
    def sweep(self) -> None:
        self.run(self.world.fetch("SELECT ledger.sweep_holds(100)"))
        balance = self.run(self.world.wallet.balance(self.player.cash_account_id))
        claimed_minor = self.model.cash_minor - self.model.available_minor
        assert (balance.available_minor, balance.held_minor) == (self.model.available_minor, claimed_minor)

    @invariant()
    def means_agree(self) -> None:
        assert self.model.available_minor >= 0
        for fixture_id in self.fixtures:
            command = build_command(self.player, 1, fixture_id)
            standing = self.run(self.world.bets.look(inquiry_of(command)))
            room_minor = MARKET_MINOR_MAX - standing.market_stake_minor
            assert (standing.available_minor, room_minor) == (
                self.model.available_minor,
                self.model.room_minor(fixture_id),
            )

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
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
def test_claims_do_what_their_model_does(scratch: tuple[Settings, asyncio.Runner]) -> None:
    class Machine(ClaimMachine):
        database, runner = scratch

    run_state_machine_as_test(
        Machine,
        settings=hypothesis_settings(
            tries(12), stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
