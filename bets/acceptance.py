"""Whether a bet is taken: what was asked against the book of the moment and the limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from bets.answer import BetRefusal, LegRefusal, Means, StakeBounds, refuse_legs
from bets.bet import Leg, Line
from bets.exposure import entries_of
from bets.request import BetRequest, LegRequest, PricePolicy
from compliance.permit import Permit
from kernel.errors import DomainError
from kernel.money import CurrencyMismatch, Money
from kernel.rates import Rates, ReferenceRate
from markets.fixture import MarketStatus
from markets.odds import ODDS_ONE_MILLI, potential_return_minor
from risk.limits import BetLimits, LimitTable, limits_for
from risk.ports import LimitedEntry, Reservation


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
class Terms:
    """What holds for bets in one currency.

    Attributes:
        table: The house's limits in it.
        rate: By which bets in it are reckoned in the reference currency.
    """

    table: LimitTable
    rate: ReferenceRate


def terms_by_currency(table: LimitTable, rates: Rates) -> Mapping[str, Terms]:
    """Return the terms of every currency that players may have accounts in, of limits in the reference currency."""
    offered = {currency: rates.rate_of(currency) for currency in rates.currencies}
    return {currency: Terms(table.in_currency(rate), rate) for currency, rate in offered.items()}


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
        lines: Which of the legs win together, each with the same share of the stake.
        stake: What the bettor pays.
        potential_return_minor: What is paid if every leg wins.
        limits: Those that hold for it.
        bounds: What may be staked on it.
        rate: By which it is reckoned in the reference currency.
        entries: What each of its legs adds to exposure, and the most we may lose with it.
        is_afforded: Whether the player has the means, as far as is known.
    """

    legs: tuple[Leg, ...]
    lines: tuple[Line, ...]
    stake: Money
    potential_return_minor: int
    limits: BetLimits
    bounds: StakeBounds
    rate: ReferenceRate
    entries: tuple[LimitedEntry, ...]
    is_afforded: bool = False

    @property
    def is_in_play(self) -> bool:
        """Return whether any of its fixtures is being played."""
        return any(leg.is_in_play for leg in self.legs)


def decide(
    asked: BetRequest,
    *,
    policy: PricePolicy,
    permitted: Permit | DomainError,
    find_book: Callable[[str], BookView | None],
    terms: Terms | None,
    means: Means | None,
) -> Plan | BetRefusal:
    """Return the bet as it would be taken, or why it is not taken and what would be.

    Args:
        asked: What is asked for.
        policy: What the bettor agrees to when a price has moved.
        permitted: Whether the player may bet so much now at all.
        find_book: Gives the current book of a fixture; None if there is none.
        terms: Those of the stake's currency; None where players have no accounts in it. Exposure is not looked at here:
            it has to be found out.
        means: What the player has, as far as is known, which refuses nothing: that is the ledger's to say. None if it
            is not known.
    """
    refusal = _refuse_request(asked, permitted)
    if refusal is not None:
        return refusal
    if terms is None:
        message = f"Stake must be in a currency that accounts are kept in, was in {asked.stake.currency}"
        return BetRefusal(CurrencyMismatch.reason, message)
    legs, refused = [], []
    for place, leg in enumerate(asked.legs):
        taken = _take_price(place, leg, find_book(leg.fixture_id), policy=policy)
        if isinstance(taken, Leg):
            legs.append(taken)
        else:
            refused.append(taken)
    if refused:
        return refuse_legs(tuple(refused))
    plan = _plan(asked, legs, terms)
    is_afforded = means is not None and refuse_means(plan, means) is None
    return _refuse_stake(plan) or (replace(plan, is_afforded=True) if is_afforded else plan)


def refuse_means(plan: Plan, means: Means) -> BetRefusal | None:
    """Return why the player cannot stake so much, None if they can."""
    bounds, stake_minor, currency = plan.bounds, plan.stake.amount_minor, plan.stake.currency
    room_minor = max(0, bounds.market_stake_minor_max - means.market_stake_minor)
    if stake_minor > room_minor:
        most = Money(bounds.market_stake_minor_max, currency)
        message = (
            f"Stakes of a player on {plan.legs[0].market_id} must be at most {most} together, "
            f"{Money(means.market_stake_minor, currency)} is open"
        )
        found = min(room_minor, bounds.stake_minor_max)
        return _with_stakes(BetReason.PLAYER_STAKE_LIMIT_EXCEEDED, message, found, bounds)
    if stake_minor > means.available_minor:
        message = f"Stake must be at most {Money(means.available_minor, currency)}, was {plan.stake}"
        found = min(means.available_minor, room_minor, bounds.stake_minor_max)
        return _with_stakes(BetReason.INSUFFICIENT_FUNDS, message, found, bounds)
    return None


def refuse_liability(plan: Plan, full: Reservation) -> BetRefusal:
    """Return the refusal of a bet that would cost too much, with the largest stake that would be taken now."""
    place = full.entry.leg
    leg = plan.legs[place]
    room_minor = full.exposure.stake_max_in_currency_minor(
        leg.outcome_id,
        rate=plan.rate,
        decimal_odds_milli=leg.decimal_odds_milli,
        loss_minor_max=plan.entries[place].loss_minor_max,
    )
    stake_minor_max = _takeable(min(room_minor, plan.bounds.stake_minor_max), plan.bounds)
    most = Money(stake_minor_max, plan.stake.currency)
    message = f"Stake must be at most {most} for what we may lose on {leg.market_id}"
    refused = (LegRefusal(place, BetReason.LIABILITY_LIMIT_EXCEEDED, message),)
    return replace(_with_stakes(refused[0].reason, message, stake_minor_max, plan.bounds), legs=refused)


def _plan(asked: BetRequest, legs: Sequence[Leg], terms: Terms) -> Plan:
    (leg,) = legs
    stake_minor = asked.stake.amount_minor
    payout_minor = sum(
        potential_return_minor(asked.line_stake.amount_minor, *(legs[place].decimal_odds_milli for place in line))
        for line in asked.lines
    )
    limits = limits_for(terms.table, market_id=leg.market_id, is_in_play=leg.is_in_play)
    return Plan(
        legs=tuple(legs),
        lines=asked.lines,
        stake=asked.stake,
        potential_return_minor=payout_minor,
        limits=limits,
        bounds=StakeBounds(
            stake_minor_min=limits.stake_minor_min,
            stake_minor_max=limits.stake_max_at(leg.decimal_odds_milli),
            market_stake_minor_max=limits.player_stake_minor_max,
        ),
        rate=terms.rate,
        entries=tuple(
            LimitedEntry(entry, limits.market_loss_minor_max)
            for entry in entries_of(legs, terms.rate, stake_minor=stake_minor, payout_minor=payout_minor)
        ),
    )


def _refuse_request(asked: BetRequest, permitted: Permit | DomainError) -> BetRefusal | None:
    if isinstance(permitted, DomainError):
        return BetRefusal(permitted.reason, permitted.message)
    if not asked.is_single:
        found = f"{len(asked.lines)} lines of {len(asked.legs)} legs"
        return BetRefusal(
            BetReason.BET_TYPE_UNSUPPORTED,
            f"Bet must be a single, one line of one leg, was {found}; bet each by itself",
        )
    return None


def _take_price(place: int, asked: LegRequest, book: BookView | None, *, policy: PricePolicy) -> Leg | LegRefusal:
    if book is None:
        message = f"Fixture must have a book, {asked.fixture_id!r} has none"
        return LegRefusal(place, BetReason.FIXTURE_UNKNOWN, message)
    market = book.find_market(asked.market_id)
    if market is None:
        message = f"Book must have the market, it has no {asked.market_id!r}"
        return LegRefusal(place, BetReason.MARKET_UNKNOWN, message)
    decimal_odds_milli = market.decimal_odds_milli_by_outcome.get(asked.outcome_id)
    if decimal_odds_milli is None:
        message = f"Market must have the outcome, it has no {asked.outcome_id!r}"
        return LegRefusal(place, BetReason.OUTCOME_UNKNOWN, message)
    if asked.book_version > book.version:
        message = f"Book version must be at most {book.version}, was {asked.book_version}"
        return _with_price(place, BetReason.BOOK_VERSION_UNKNOWN, message, decimal_odds_milli, book)
    refusal = _refuse_market(place, asked, market.status, decimal_odds_milli)
    if refusal is None and not _agrees(policy, asked=asked.decimal_odds_milli, now=decimal_odds_milli):
        message = f"Price asked for was {asked.decimal_odds_milli}, is now {decimal_odds_milli}"
        refusal = _with_price(place, BetReason.PRICE_CHANGED, message, decimal_odds_milli, book)
    return refusal or Leg(
        fixture_id=asked.fixture_id,
        market_id=asked.market_id,
        outcome_id=asked.outcome_id,
        decimal_odds_milli=decimal_odds_milli,
        book_version=book.version,
        is_in_play=book.is_in_play,
        fixture_name=book.fixture_name,
    )


def _refuse_market(place: int, asked: LegRequest, status: MarketStatus, decimal_odds_milli: int) -> LegRefusal | None:
    if status == MarketStatus.SUSPENDED:
        message = f"Market must be open, {asked.market_id} is suspended"
        return LegRefusal(place, BetReason.MARKET_SUSPENDED, message)
    if status != MarketStatus.OPEN:
        message = f"Market must be open, {asked.market_id} takes no more bets"
        return LegRefusal(place, BetReason.MARKET_CLOSED, message)
    if decimal_odds_milli <= ODDS_ONE_MILLI:
        message = f"Outcome must be offered, {asked.outcome_id} has no price"
        return LegRefusal(place, BetReason.OUTCOME_NOT_OFFERED, message)
    return None


def _agrees(policy: PricePolicy, *, asked: int, now: int) -> bool:
    if policy == PricePolicy.ANY:
        return True
    return now >= asked if policy == PricePolicy.BETTER_ONLY else now == asked


def _with_price(place: int, reason: BetReason, message: str, decimal_odds_milli: int, book: BookView) -> LegRefusal:
    offered = decimal_odds_milli or None
    return LegRefusal(place, reason, message, offered, book.version if offered else None)


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


def _with_stakes(reason: str, message: str, stake_max_minor: int, bounds: StakeBounds) -> BetRefusal:
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
