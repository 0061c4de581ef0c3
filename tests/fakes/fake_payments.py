"""Hand-written fakes of what deposits need: a provider and a store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID, uuid4

from kernel.commands import RequestIdReused
from payments.deposit import Attempt, AttemptState, Deposit, DepositAsked, Route
from payments.ports import Begun
from payments.provider import Outcome, PayIn, Told


class FakeProvider:
    """Answers what it is told to, with what it was asked."""

    def __init__(self, outcome: Outcome = Outcome.CAPTURED, *, code: str = "") -> None:
        self.outcome = outcome
        self.code = code
        self.asked: list[PayIn] = []

    async def pay_in(self, order: PayIn) -> Told:
        self.asked.append(order)
        return Told(order.reference, self.outcome, f"pay-{order.reference}", order.amount, self.code)

    async def find_pay_in(self, reference: UUID) -> Told:
        return Told(reference, self.outcome, f"pay-{reference}", self.asked[-1].amount)

    def read_notification(self, body: bytes) -> Told:
        reference, outcome = body.decode().split()
        return Told(UUID(reference), Outcome(outcome), f"pay-{reference}", self.asked[-1].amount)


class FakeDeposits:
    """Keeps deposits, counts credits, and lets another move an attempt first as often as it is told to."""

    def __init__(self) -> None:
        self.deposits: dict[UUID, Deposit] = {}
        self.asked: dict[tuple[UUID, UUID], tuple[bytes, UUID]] = {}
        self.credits: list[UUID] = []
        self.moved_by_others = 0
        self.is_blocked = False

    async def find_asked(self, asked: DepositAsked) -> Deposit | None:
        fingerprint, deposit_id = self.asked.get((asked.player_id, asked.request_id), (b"", None))
        if deposit_id is None:
            return None
        if fingerprint != asked.fingerprint:
            raise RequestIdReused("Deposit was asked for before with another content")
        return self.deposits[deposit_id]

    async def begin(self, asked: DepositAsked, route: Route) -> Begun:
        attempt = Attempt(
            uuid4(), uuid4(), route.provider, asked.amount, AttemptState.SUBMITTED, "", "", 1, begun_time_us=0
        )
        deposit = Deposit(attempt.deposit_id, asked.amount, asked.method, 0, (attempt,))
        self.deposits[deposit.deposit_id] = deposit
        self.asked[asked.player_id, asked.request_id] = asked.fingerprint, deposit.deposit_id
        return Begun(deposit, is_new=True)

    async def begin_next(self, deposit: Deposit, route: Route) -> Deposit | None:
        if self.deposits[deposit.deposit_id] != deposit or self.is_blocked:
            return None
        attempt = replace(
            deposit.last,
            reference=uuid4(),
            provider=route.provider,
            state=AttemptState.SUBMITTED,
            code="",
            event_count=1,
        )
        self.deposits[deposit.deposit_id] = replace(
            deposit, attempts=(*deposit.attempts, replace(attempt, provider_reference=""))
        )
        return self.deposits[deposit.deposit_id]

    async def find(self, player_id: UUID, deposit_id: UUID) -> Deposit | None:
        return self.deposits.get(deposit_id)

    async def find_attempt(self, reference: UUID) -> Attempt | None:
        attempts = (attempt for deposit in self.deposits.values() for attempt in deposit.attempts)
        return next((attempt for attempt in attempts if attempt.reference == reference), None)

    async def move(self, attempt: Attempt, state: AttemptState, told: Told) -> bool:
        if self.moved_by_others:
            self.moved_by_others -= 1
            return False
        moved = replace(
            attempt,
            state=state,
            provider_reference=told.provider_reference or attempt.provider_reference,
            code=told.code,
            event_count=attempt.event_count + 1,
        )
        deposit = self.deposits[attempt.deposit_id]
        others = tuple(moved if each.reference == attempt.reference else each for each in deposit.attempts)
        self.deposits[attempt.deposit_id] = replace(deposit, attempts=others)
        if state is AttemptState.CREDITED:
            self.credits.append(attempt.reference)
        return True

    async def take_due(self, *, attempts_max: int) -> Sequence[Attempt]:
        return [deposit.attempts[0] for deposit in self.deposits.values() if deposit.state.is_open][:attempts_max]
