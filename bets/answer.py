"""The command that places a bet, and the one answer it gets for ever."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from bets.bet import Bet, Leg, Line
from kernel.errors import Category, DomainError
from kernel.money import Money
from kernel.rates import ReferenceRate
from wallet.balance import Balance


class TooManyRefusals(DomainError):
    """So many bets of the player were refused lately that this refusal is not stored; the call decided nothing."""

    reason = "TOO_MANY_REFUSALS"
    category = Category.BUSY


@dataclass(frozen=True, slots=True)
class LegRefusal:
    """Why a leg was not taken, by its place in the bet, and at what price it would be; None if that is no trouble."""

    leg: int
    reason: str
    message: str
    decimal_odds_milli: int | None = None
    book_version: int | None = None


@dataclass(frozen=True, slots=True)
class BetRefusal:
    """Why a bet was not taken, and what would be; figures that are not the trouble are None.

    Attributes:
        stake_max_minor: The most on a line.
        stake_min_minor: The least on a line.
        legs: Those that are the trouble, if any is; the first one's reason is that of the bet.
    """

    reason: str
    message: str
    stake_max_minor: int | None = None
    stake_min_minor: int | None = None
    legs: tuple[LegRefusal, ...] = ()


def refuse_legs(legs: tuple[LegRefusal, ...]) -> BetRefusal:
    """Return the refusal of a bet for its legs, of which one at least is refused."""
    return BetRefusal(legs[0].reason, legs[0].message, legs=legs)


@dataclass(frozen=True, slots=True)
class StakeBounds:
    """What may be staked, in minor units, for the ledger to hold against what it alone knows for certain.

    Attributes:
        stake_minor_min: The least on this bet.
        stake_minor_max: The most on this bet.
        market_stake_minor_max: The most that the player may have open on the market.
    """

    stake_minor_min: int
    stake_minor_max: int
    market_stake_minor_max: int


@dataclass(frozen=True, slots=True)
class PlaceCommand:
    """A bet that has passed every check but the ledger's own, or a refusal that must be remembered.

    Attributes:
        fingerprint: 32 bytes over the business fields of the request (`kernel.commands.fingerprint_of`).
        stake: Of all its lines, the same on each.
        potential_return_minor: What is paid if every leg wins.
        refusal: Set where the checks before the ledger refused: then that answer is stored and nothing moves.
        bounds: None where nothing but the player's cash bounds the stake.
        not_after_us: By the ledger's clock; it decides nothing that comes later. None for whenever it comes.
        rate: By which the bet is reckoned in the reference currency for as long as it is open; None with a refusal.
    """

    request_id: UUID
    player_id: UUID
    cash_account_id: int
    fingerprint: bytes
    legs: tuple[Leg, ...]
    lines: tuple[Line, ...]
    stake: Money
    potential_return_minor: int
    refusal: BetRefusal | None
    bounds: StakeBounds | None = None
    not_after_us: int | None = None
    rate: ReferenceRate | None = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class BetAnswer:
    """The answer to a place command: a bet with the balance after it, or a refusal.

    Attributes:
        bet: The bet as it was accepted, whatever has happened to it since.
        is_replay: Whether the answer was given before.
    """

    bet: Bet | None
    refusal: BetRefusal | None
    balance: Balance | None
    is_replay: bool


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What the ledger is asked before a bet is decided; the fingerprint as in the command that may follow."""

    request_id: UUID
    player_id: UUID
    cash_account_id: int
    fingerprint: bytes
    fixture_id: str
    market_id: str


@dataclass(frozen=True, slots=True)
class Claim:
    """The wish to set a stake aside before the in-play delay, so that nothing else can spend it meanwhile.

    Attributes:
        inquiry: Whose it is and what it is for.
        stake_minor: The stake.
        market_stake_minor_max: The most that the player may have open or claimed on the market.
        until_us: By the ledger's clock; a claim that is not decided by then is over.
    """

    inquiry: Inquiry
    stake_minor: int
    market_stake_minor_max: int
    until_us: int


@dataclass(frozen=True, slots=True)
class Means:
    """What a player can still stake, in minor units.

    Attributes:
        available_minor: Cash that no bet under way takes.
        market_stake_minor: What is open or under way on the market already.
    """

    available_minor: int
    market_stake_minor: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What the ledger knows that bears on a bet, as it stood a moment ago; claims of other requests are taken off.

    Attributes:
        answer: What the request was answered before, None if it was not.
        is_claimed: Whether the request's stake is set aside, so that it is decided after the delay and not before.
        available_minor: What the player can stake.
        market_stake_minor: Stakes of the player's open bets and claims on the market.
        time_us: The ledger's clock.
    """

    answer: BetAnswer | None
    is_claimed: bool
    available_minor: int
    market_stake_minor: int
    time_us: int

    @property
    def means(self) -> Means:
        """Return what the player can stake on the market."""
        return Means(self.available_minor, self.market_stake_minor)
