"""A deposit: what a player asks for once, and the attempts to get it from payment providers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from kernel.commands import fingerprint_of
from kernel.money import Money
from payments.provider import Method, Outcome

SECOND_US: Final = 1_000_000
ASK_AFTER_US: Final = tuple(s * SECOND_US for s in (3, 5, 15, 60, 300, 900, 3_600, 6 * 3_600, 24 * 3_600))
"""How long after it was asked for, and then after each answer that decides nothing, a provider is asked again."""
EXPIRES_AFTER_US: Final = 30 * 60 * SECOND_US
"""What a provider does not know so long after it was asked for, it never got."""


class AttemptState(StrEnum):
    """How far an attempt has come; one only goes on to a state that stands further below.

    So the order in which a provider's words arrive, and how often, makes no difference to where an attempt ends. Money
    that came in is the player's, also after a failure was told.
    """

    SUBMITTED = "submitted"
    UNKNOWN = "unknown"
    PENDING = "pending"
    AUTHORISED = "authorised"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    DECLINED = "declined"
    CREDITED = "credited"

    @property
    def is_open(self) -> bool:
        """Whether the provider may still take the money, and has not told that it did."""
        return _RANK[self] < _RANK[AttemptState.EXPIRED]

    @property
    def is_failed(self) -> bool:
        """Whether no money came, as far as the provider told."""
        return not self.is_open and self is not AttemptState.CREDITED


_RANK: Final = {state: rank for rank, state in enumerate(AttemptState)}
_STATE_BY_OUTCOME: Final[Mapping[Outcome, AttemptState]] = {
    Outcome.NO_ANSWER: AttemptState.UNKNOWN,
    Outcome.NOT_FOUND: AttemptState.UNKNOWN,
    Outcome.PENDING: AttemptState.PENDING,
    Outcome.AUTHORISED: AttemptState.AUTHORISED,
    Outcome.EXPIRED: AttemptState.EXPIRED,
    Outcome.CANCELLED: AttemptState.CANCELLED,
    Outcome.DECLINED: AttemptState.DECLINED,
    # The credit is made with the move, in one commit: there is nothing between.
    Outcome.CAPTURED: AttemptState.CREDITED,
}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One provider asked once for the money of a deposit.

    Attributes:
        reference: Our name for it at the provider, stored before the provider is asked.
        provider_reference: The provider's name for it, empty until one is told.
        code: Why it failed, in the provider's word.
        event_count: Rises by one with each move.
    """

    reference: UUID
    deposit_id: UUID
    provider: str
    amount: Money
    state: AttemptState
    provider_reference: str
    code: str
    event_count: int
    begun_time_us: int


@dataclass(frozen=True, slots=True)
class DepositAsked:
    """What a player asks for.

    Attributes:
        request_id: Makes it one deposit, however often it is asked for.
        instrument: The token of what is paid with.
    """

    request_id: UUID
    player_id: UUID
    account_id: int
    amount: Money
    method: Method
    instrument: str

    @property
    def key(self) -> str:
        """Return the key of its command."""
        return f"deposit/{self.player_id}:{self.request_id}"

    @property
    def fingerprint(self) -> bytes:
        """Return what tells it from another one under the same request id."""
        return fingerprint_of(
            self.account_id, self.amount.amount_minor, self.amount.currency, self.method, self.instrument
        )


@dataclass(frozen=True, slots=True)
class Deposit:
    """A deposit as it stands.

    Attributes:
        attempts: The first one first; there is always one.
    """

    deposit_id: UUID
    amount: Money
    method: Method
    asked_time_us: int
    attempts: tuple[Attempt, ...]

    @property
    def last(self) -> Attempt:
        """Return its last attempt."""
        return self.attempts[-1]

    @property
    def state(self) -> AttemptState:
        """Return where it stands: credited if any attempt was, otherwise where its last attempt stands."""
        if any(attempt.state is AttemptState.CREDITED for attempt in self.attempts):
            return AttemptState.CREDITED
        return self.last.state


@dataclass(frozen=True, slots=True)
class Route:
    """By which provider a deposit goes, and why.

    Attributes:
        provider: Whom it goes to.
        decision: What the decision was made from and whom else there was, by name, as it is stored.
    """

    provider: str
    decision: Mapping[str, Any]


def advance(state: AttemptState, outcome: Outcome, *, age_us: int) -> AttemptState:
    """Return where an attempt stands once an outcome is known.

    Args:
        state: Where it stood.
        outcome: What became known.
        age_us: How long ago the provider was asked for it.
    """
    told = _STATE_BY_OUTCOME[outcome]
    if outcome is Outcome.NOT_FOUND and age_us > EXPIRES_AFTER_US:
        told = AttemptState.EXPIRED
    return max(state, told, key=_RANK.__getitem__)
