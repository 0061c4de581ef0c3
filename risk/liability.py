"""Liability of a fixture: stakes taken and payouts owed under each outcome of its markets, folded from bets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Self

from kernel.errors import Category, DomainError
from markets.catalogue import winners_of
from markets.winners import worst_loss_minor


class OutboxPosition(NamedTuple):
    """Where an event stands in the ledger's outbox; events of a fixture come in rising order."""

    transaction_id: int
    row_id: int


BEFORE_ALL = OutboxPosition(0, 0)


class LiabilityBelowZero(DomainError):
    """A bet leaves a market that it never entered."""

    reason = "LIABILITY_BELOW_ZERO"
    category = Category.BROKEN


class BookCurrencyMismatch(DomainError):
    """A bet is not reckoned in the currency of the fixture's book: it has no rate, or one into another."""

    reason = "BOOK_CURRENCY_MISMATCH"
    category = Category.BROKEN


@dataclass(frozen=True, slots=True)
class LegChange:
    """A bet enters (amounts above zero) or leaves (below zero) the open position of a market.

    Attributes:
        stake_minor: Minor units of `currency`; zero where it is less than one of them.
        payout_minor: What we would pay if the outcome won, stake included; it has the sign, and is never zero.
        currency: That of the book, where the leg carried a rate into it.
        is_acceptance: Whether the bet is new, and not one that comes back or goes.
    """

    position: OutboxPosition
    market_id: str
    outcome_id: str
    stake_minor: int
    payout_minor: int
    currency: str
    is_acceptance: bool


@dataclass(frozen=True, slots=True)
class OutcomeLiability:
    """Open bets on one outcome, amounts in minor units."""

    stake_minor: int
    payout_minor: int
    bet_count: int

    def with_change(self, change: LegChange) -> Self:
        """Return the liability after the change.

        Raises:
            LiabilityBelowZero: If less than nothing would be left.
        """
        after = replace(
            self,
            stake_minor=self.stake_minor + change.stake_minor,
            payout_minor=self.payout_minor + change.payout_minor,
            bet_count=self.bet_count + (1 if change.payout_minor > 0 else -1),
        )
        if min(after.stake_minor, after.payout_minor, after.bet_count) < 0:
            raise LiabilityBelowZero(
                f"Stake {-change.stake_minor} cannot leave {change.market_id} {change.outcome_id}, "
                f"which holds {self.stake_minor} in {self.bet_count} bets"
            )
        return after


NO_BETS = OutcomeLiability(0, 0, 0)


@dataclass(frozen=True, slots=True)
class MarketLiability:
    """Open bets on one market by outcome; outcomes without bets are not in it."""

    market_id: str
    outcomes: Mapping[str, OutcomeLiability] = field(default_factory=dict)

    @property
    def stake_minor(self) -> int:
        """Stakes of all open bets."""
        return sum(outcome.stake_minor for outcome in self.outcomes.values())

    @property
    def bet_count(self) -> int:
        """All open bets."""
        return sum(outcome.bet_count for outcome in self.outcomes.values())

    def worst_loss_minor(self) -> int:
        """Return the largest amount we could lose, zero if every result pays us."""
        return worst_loss_minor(
            {outcome_id: outcome.payout_minor for outcome_id, outcome in self.outcomes.items()},
            stake_minor=self.stake_minor,
            winners=winners_of(self.market_id),
        )

    def with_change(self, change: LegChange) -> Self:
        """Return the liability after the change.

        Raises:
            LiabilityBelowZero: If less than nothing would be left.
        """
        outcomes = dict(self.outcomes)
        after = outcomes.pop(change.outcome_id, NO_BETS).with_change(change)
        if after.bet_count:
            outcomes[change.outcome_id] = after
        return replace(self, outcomes=outcomes)


@dataclass(frozen=True, slots=True)
class FixtureLiability:
    """Open bets on one fixture by market; markets without bets are not in it.

    Attributes:
        version: Rises with every change.
        turnover_minor: Stakes ever accepted.
        position: Of the newest change in it; one as old or older changes nothing.
        time_us: Of the newest change in it, microseconds since the Unix epoch, UTC.
    """

    fixture_id: str
    currency: str
    version: int = 0
    markets: Mapping[str, MarketLiability] = field(default_factory=dict)
    turnover_minor: int = 0
    position: OutboxPosition = BEFORE_ALL
    time_us: int = 0

    def worst_loss_minor(self) -> int:
        """Return the sum over markets of their worst losses: a bound, as markets of a fixture depend on each other."""
        return sum(market.worst_loss_minor() for market in self.markets.values())


@dataclass(frozen=True, slots=True)
class Folded:
    """A fixture's liability after some changes, and the changes that could not be counted, with the reason."""

    liability: FixtureLiability
    refused: tuple[tuple[LegChange, DomainError], ...]


def fold(liability: FixtureLiability, changes: Iterable[LegChange], *, time_us: int) -> Folded:
    """Count the changes that are newer than the liability; the same object comes back if none is.

    Changes must come in rising order of position, repetitions allowed.
    """
    markets = dict(liability.markets)
    turnover_minor, position = liability.turnover_minor, liability.position
    refused: list[tuple[LegChange, DomainError]] = []
    for change in changes:
        if change.position <= position:
            continue
        position = change.position
        try:
            _expect_currency(liability, change)
            _count(markets, change)
        except DomainError as refusal:
            refused.append((change, refusal))
            continue
        turnover_minor += change.stake_minor if change.is_acceptance else 0
    if position == liability.position:
        return Folded(liability, ())
    after = replace(
        liability,
        version=max(liability.version + 1, time_us),
        markets=markets,
        turnover_minor=turnover_minor,
        position=position,
        time_us=time_us,
    )
    return Folded(after, tuple(refused))


def without_bets(liability: FixtureLiability, *, time_us: int) -> FixtureLiability:
    """Return the liability with no bet open any more: what was in it counts once more only if it comes once more."""
    return replace(liability, version=max(liability.version + 1, time_us), markets={}, time_us=time_us)


def _expect_currency(liability: FixtureLiability, change: LegChange) -> None:
    if change.currency != liability.currency:
        raise BookCurrencyMismatch(f"Bets of this book must be in {liability.currency}, was in {change.currency}")


def _count(markets: dict[str, MarketLiability], change: LegChange) -> None:
    market = markets.get(change.market_id) or MarketLiability(change.market_id)
    after = market.with_change(change)
    if after.outcomes:
        markets[change.market_id] = after
    else:
        markets.pop(change.market_id, None)
