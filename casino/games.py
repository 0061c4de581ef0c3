"""Which games are offered on a day, on what terms, and every version that was ever played."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from casino.slot import SlotGame
from kernel.errors import Category, DomainError, InvariantBroken
from kernel.money import Money
from kernel.rates import ReferenceRate


class GameUnknown(DomainError):
    """There is no game of that code, or none today."""

    reason = "GAME_UNKNOWN"
    category = Category.UNKNOWN


class StakeTooLow(DomainError):
    """A stake is below the least of a game."""

    reason = "STAKE_BELOW_MINIMUM"
    category = Category.RULE


class StakeTooHigh(DomainError):
    """A stake is above the most of a game."""

    reason = "STAKE_LIMIT_EXCEEDED"
    category = Category.RULE


class StakeNotOnLines(DomainError):
    """A stake cannot be shared out over the lines of a game in whole minor units."""

    reason = "STAKE_NOT_DIVISIBLE"
    category = Category.RULE


@dataclass(frozen=True, slots=True)
class GameTerms:
    """On what terms a game is played, in minor units of a currency.

    Attributes:
        stake_minor_min: The least stake of a spin.
        stake_minor_max: The most.
        cycle_ms: A player's spins are at least so far apart, whatever they play.
    """

    stake_minor_min: int
    stake_minor_max: int
    cycle_ms: int

    def in_currency(self, rate: ReferenceRate, *, unit_minor: int) -> GameTerms:
        """Return the terms in a currency: the least goes up and the most down, to a multiple of the unit."""
        least = -(-rate.from_reference_up(self.stake_minor_min) // unit_minor) * unit_minor
        most = rate.from_reference_down(self.stake_minor_max) // unit_minor * unit_minor
        return GameTerms(least, most, self.cycle_ms)


@dataclass(frozen=True, slots=True)
class GameEdition:
    """A version of a game with its terms, from a day on.

    Attributes:
        terms: In the reference currency.
    """

    from_day: date
    game: SlotGame
    terms: GameTerms


@dataclass(frozen=True, slots=True)
class OfferedGame:
    """A game as it is offered to somebody: the terms are in the currency of their account."""

    game: SlotGame
    terms: GameTerms
    currency: str

    def expect_stake(self, stake: Money) -> None:
        """Refuse a stake that the game does not take.

        Raises:
            StakeTooLow: If it is below the least.
            StakeTooHigh: If it is above the most.
            StakeNotOnLines: If it is not as much on every line.
        """
        least, most = (
            Money(minor, self.currency) for minor in (self.terms.stake_minor_min, self.terms.stake_minor_max)
        )
        figures = {"stake_min_minor": str(least.amount_minor), "stake_max_minor": str(most.amount_minor)}
        if stake.amount_minor < least.amount_minor:
            raise StakeTooLow(f"Stake must be at least {least}, was {stake}", figures=figures)
        if stake.amount_minor > most.amount_minor:
            raise StakeTooHigh(f"Stake must be at most {most}, was {stake}", figures=figures)
        if left := stake.amount_minor % self.game.stake_unit_minor:
            raise StakeNotOnLines(
                f"Stake must be as much on each of {self.game.stake_unit_minor} lines, was {stake}",
                figures=figures | {"stake_max_minor": str(stake.amount_minor - left)},
            )


class Games:
    """All games, in all editions.

    Args:
        editions: Of each game by its code, the oldest first, each with a version of its own.
    """

    def __init__(self, editions: Mapping[str, Sequence[GameEdition]]) -> None:
        self.editions = editions
        self._by_version = {
            (edition.game.code, edition.game.version): edition for rows in editions.values() for edition in rows
        }

    def on(self, day: date) -> list[GameEdition]:
        """Return what is offered on a day, by code."""
        begun = [[row for row in rows if row.from_day <= day] for _, rows in sorted(self.editions.items())]
        return [rows[-1] for rows in begun if rows]

    def find(self, code: str, day: date) -> GameEdition:
        """Return the edition of a game on a day.

        Raises:
            GameUnknown: If there is none.
        """
        for edition in self.on(day):
            if edition.game.code == code:
                return edition
        raise GameUnknown(f"Game must be one that is offered today, {code[:40]!r} is none")

    def edition(self, code: str, version: int) -> GameEdition:
        """Return a game as it was in a version.

        Raises:
            InvariantBroken: If it never was.
        """
        edition = self._by_version.get((code, version))
        if edition is None:
            raise InvariantBroken(f"Version {version} of {code} must be kept, it was played, and is not there")
        return edition
