"""Whether a bet is taken: what was asked against the book of the moment and the limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from bets.answer import BetRefusal, Means, StakeBounds
from bets.bet import Leg
from bets.request import BetRequest, LegRequest, PricePolicy
from compliance.permit import Permit
from kernel.errors import DomainError
from kernel.money import Money
from markets.fixture import MarketStatus
from markets.odds import ODDS_ONE_MILLI, potential_return_minor
from risk.exposure import MarketExposure
from risk.limits import BetLimits, LimitTable, limits_for
from risk.ports import ExposureEntry


class BetReason(StrEnum):
    """Why a bet is refused by rule; never changed once published. The ledger remembers such an answer."""

    BET_TYPE_UNSUPPORTED = "BET_TYPE_UNSUPPORTED"
    FIXTURE_UNKNOWN = "FIXTURE_UNKNOWN"
    MARKET_UNKNOWN = "MARKET_UNKNOWN"
    OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
    BOOK_VERSION_UNKNOWN = "BOOK_VERSION_UNKNOWN"
    MARKET_SUSPENDED = "MARKET_SUSPENDED"
    MARKET_CLOSED = "MARKET_CLOSED"
    OUTCOME_NOT_OFFERED = "OUTCOME_NOT_OFFERED"
    PRICE_CHANGED = "PRICE_CHANGED"
    STAKE_BELOW_MINIMUM = "STAKE_BELOW_MINIMUM"
    STAKE_LIMIT_EXCEEDED = "STAKE_LIMIT_EXCEEDED"
    LIABILITY_LIMIT_EXCEEDED = "LIABILITY_LIMIT_EXCEEDED"
    PLAYER_STAKE_LIMIT_EXCEEDED = "PLAYER_STAKE_LIMIT_EXCEEDED"
    INSUFFICIENT_FUNDS = "INSUFFICIENT_FUNDS"


@dataclass(frozen=True, slots=True)
class MarketView:
    """What the book of the moment says about one market; odds that pay no more than the stake are not offered."""

    status: MarketStatus
    decimal_odds_milli_by_outcome: Mapping[str, int]


class BookView(Protocol):
    """What the acceptance of a bet needs to see of a book."""

    @property
    def fixture_id(self) -> str:
        """Return the fixture it prices."""
        ...

    @property
    def fixture_name(self) -> str:
        """Return the fixture as people say it: "Ajax v Feyenoord"."""
        ...

    @property
    def version(self) -> int:
        """Return the version of the book."""
        ...

    @property
    def is_in_play(self) -> bool:
        """Return whether the fixture is being played."""
        ...

    def find_market(self, market_id: str) -> MarketView | None:
        """Return the market as it stands, None if the book has none of that id."""
        ...


@dataclass(frozen=True, slots=True)
class Plan:
    """A bet as it would be taken now: everything about it that is worked out, once, for all who come after.

    Attributes:
        legs: At the prices at which they would be taken.
        stake: What the bettor pays.
        potential_return_minor: What is paid if every leg wins.
        limits: Those that hold for it.
        bounds: What may be staked on it.
        entry: What it adds to exposure.
    """

    legs: tuple[Leg, ...]
    stake: Money
    potential_return_minor: int
    limits: BetLimits
    bounds: StakeBounds
    entry: ExposureEntry

    @property
    def is_in_play(self) -> bool:
        """Return whether any of its fixtures is being played."""
        return any(leg.is_in_play for leg in self.legs)


def decide(
    request: BetRequest, *, permitted: Permit | DomainError, book: BookView | None, table: LimitTable
) -> Plan | BetRefusal:
    """Return the bet as it would be taken, or why it is not taken and what would be.

    Args:
        request: What is asked for.
        permitted: Whether the player may bet so much now at all.
        book: The current book of the leg's fixture; None if there is none.
        table: The house's limits. Means and exposure are not looked at here: they have to be found out.
    """
    refusal = _refuse_request(request, permitted)
    if refusal is not None:
        return refusal
    leg = _take_price(request.legs[0], book, policy=request.price_policy)
    if isinstance(leg, BetRefusal):
        return leg
    plan = _plan(leg, request.stake, limits_for(table, market_id=leg.market_id, is_in_play=leg.is_in_play))
    return _refuse_stake(plan) or plan


def refuse_means(plan: Plan, means: Means) -> BetRefusal | None:
    """Return why the player cannot stake so much, None if they can."""
    bounds, stake_minor, currency = plan.bounds, plan.stake.amount_minor, plan.stake.currency
    room_minor = max(0, bounds.market_stake_minor_max - means.market_stake_minor)
    if stake_minor > room_minor:
        most = Money(bounds.market_stake_minor_max, currency)
        message = (
            f"Stakes of a player on {plan.entry.market_id} must be at most {most} together, "
            f"{Money(means.market_stake_minor, currency)} is open"
        )
        found = min(room_minor, bounds.stake_minor_max)
        return _with_stakes(BetReason.PLAYER_STAKE_LIMIT_EXCEEDED, message, found, bounds)
    if stake_minor > means.available_minor:
        message = f"Stake must be at most {Money(means.available_minor, currency)}, was {plan.stake}"
        found = min(means.available_minor, room_minor, bounds.stake_minor_max)
        return _with_stakes(BetReason.INSUFFICIENT_FUNDS, message, found, bounds)
    return None


def refuse_liability(plan: Plan, exposure: MarketExposure) -> BetRefusal:
    """Return the refusal of a bet that would cost too much, with the largest stake that would be taken now."""
    (leg,) = plan.legs
    room_minor = exposure.stake_max_minor(
        leg.outcome_id,
        decimal_odds_milli=leg.decimal_odds_milli,
        loss_minor_max=plan.limits.market_loss_minor_max,
    )
    stake_minor_max = _takeable(min(room_minor, plan.bounds.stake_minor_max), plan.bounds)
    most = Money(stake_minor_max, plan.stake.currency)
    message = f"Stake must be at most {most} for what we may lose on {leg.market_id}"
    return _with_stakes(BetReason.LIABILITY_LIMIT_EXCEEDED, message, stake_minor_max, plan.bounds)


def _plan(leg: Leg, stake: Money, limits: BetLimits) -> Plan:
    legs, stake_minor = (leg,), stake.amount_minor
    payout_minor = potential_return_minor(stake_minor, *(leg.decimal_odds_milli for leg in legs))
    return Plan(
        legs=legs,
        stake=stake,
        potential_return_minor=payout_minor,
        limits=limits,
        bounds=StakeBounds(
            stake_minor_min=limits.stake_minor_min,
            stake_minor_max=limits.stake_max_at(leg.decimal_odds_milli),
            market_stake_minor_max=limits.player_stake_minor_max,
        ),
        entry=ExposureEntry(leg.fixture_id, leg.market_id, leg.outcome_id, stake_minor, payout_minor),
    )


def _refuse_request(request: BetRequest, permitted: Permit | DomainError) -> BetRefusal | None:
    if isinstance(permitted, DomainError):
        return BetRefusal(permitted.reason, permitted.message)
    if len(request.legs) != 1:
        return BetRefusal(BetReason.BET_TYPE_UNSUPPORTED, f"Bet must be a single, had {len(request.legs)} legs")
    return None


def _take_price(asked: LegRequest, book: BookView | None, *, policy: PricePolicy) -> Leg | BetRefusal:
    if book is None:
        return BetRefusal(BetReason.FIXTURE_UNKNOWN, f"Fixture must have a book, {asked.fixture_id!r} has none")
    market = book.find_market(asked.market_id)
    if market is None:
        return BetRefusal(BetReason.MARKET_UNKNOWN, f"Book must have the market, it has no {asked.market_id!r}")
    decimal_odds_milli = market.decimal_odds_milli_by_outcome.get(asked.outcome_id)
    if decimal_odds_milli is None:
        return BetRefusal(BetReason.OUTCOME_UNKNOWN, f"Market must have the outcome, it has no {asked.outcome_id!r}")
    if asked.book_version > book.version:
        message = f"Book version must be at most {book.version}, was {asked.book_version}"
        return _with_price(BetReason.BOOK_VERSION_UNKNOWN, message, decimal_odds_milli, book)
    refusal = _refuse_market(asked, market.status, decimal_odds_milli)
    if refusal is None and not _agrees(policy, asked=asked.decimal_odds_milli, now=decimal_odds_milli):
        message = f"Price asked for was {asked.decimal_odds_milli}, is now {decimal_odds_milli}"
        refusal = _with_price(BetReason.PRICE_CHANGED, message, decimal_odds_milli, book)
    return refusal or Leg(
        fixture_id=asked.fixture_id,
        market_id=asked.market_id,
        outcome_id=asked.outcome_id,
        decimal_odds_milli=decimal_odds_milli,
        book_version=book.version,
        is_in_play=book.is_in_play,
        fixture_name=book.fixture_name,
    )


def _refuse_market(asked: LegRequest, status: MarketStatus, decimal_odds_milli: int) -> BetRefusal | None:
    if status == MarketStatus.SUSPENDED:
        return BetRefusal(BetReason.MARKET_SUSPENDED, f"Market must be open, {asked.market_id} is suspended")
    if status != MarketStatus.OPEN:
        return BetRefusal(BetReason.MARKET_CLOSED, f"Market must be open, {asked.market_id} takes no more bets")
    if decimal_odds_milli <= ODDS_ONE_MILLI:
        return BetRefusal(BetReason.OUTCOME_NOT_OFFERED, f"Outcome must be offered, {asked.outcome_id} has no price")
    return None


def _agrees(policy: PricePolicy, *, asked: int, now: int) -> bool:
    if policy == PricePolicy.ANY:
        return True
    return now >= asked if policy == PricePolicy.BETTER_ONLY else now == asked


def _with_price(reason: BetReason, message: str, decimal_odds_milli: int, book: BookView) -> BetRefusal:
    offered = decimal_odds_milli or None
    return BetRefusal(reason, message, decimal_odds_milli=offered, book_version=book.version if offered else None)


def _refuse_stake(plan: Plan) -> BetRefusal | None:
    stake, bounds = plan.stake, plan.bounds
    stake_minor_max = _takeable(bounds.stake_minor_max, bounds)
    least, most = Money(bounds.stake_minor_min, stake.currency), Money(stake_minor_max, stake.currency)
    if stake.amount_minor < bounds.stake_minor_min:
        message = f"Stake must be at least {least} and at most {most}, was {stake}"
        return _with_stakes(BetReason.STAKE_BELOW_MINIMUM, message, stake_minor_max, bounds)
    if stake.amount_minor > stake_minor_max:
        message = f"Stake must be at most {most} and at least {least}, was {stake}"
        return _with_stakes(BetReason.STAKE_LIMIT_EXCEEDED, message, stake_minor_max, bounds)
    return None


def _with_stakes(reason: BetReason, message: str, stake_max_minor: int, bounds: StakeBounds) -> BetRefusal:
    """Name the least with the most, so that nobody takes the one for the other."""
    return BetRefusal(
        reason,
        message,
        stake_max_minor=_takeable(stake_max_minor, bounds),
        stake_min_minor=bounds.stake_minor_min,
    )


def _takeable(stake_minor_max: int, bounds: StakeBounds) -> int:
    """Return zero for a maximum below the minimum: no stake would be taken at all."""
    return stake_minor_max if stake_minor_max >= bounds.stake_minor_min else 0
