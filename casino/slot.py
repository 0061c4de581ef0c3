"""A slot: reels that stop by chance, a window on them, lines that pay by a table, and what that returns, exactly.

What comes out is a function of the game's version and of random numbers, and of nothing else: neither who plays, nor
for how much, nor what came before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import prod
from typing import Final

from casino.randomness import RandomNumbers
from kernel.errors import Category, DomainError, InvariantBroken

REELS_MAX: Final = 8
STOPS_MAX: Final = 200
ROWS_MAX: Final = 8
LINES_MAX: Final = 100
TIMES_MAX: Final = 1_000_000


class GameMalformed(DomainError):
    """A game cannot be what it says it is."""

    reason = "GAME_MALFORMED"
    category = Category.BROKEN


@dataclass(frozen=True, slots=True)
class Pay:
    """What so many of a symbol on a line pay, from the first reel on and no more of it.

    Attributes:
        times: The stake of the line is paid so often.
    """

    symbol: str
    count: int
    times: int


@dataclass(frozen=True, slots=True)
class LineWin:
    """That a line paid, by its place among the lines, and why."""

    line: int
    pay: Pay


@dataclass(frozen=True, slots=True)
class SlotGame:
    """One version of a slot; another reel, line or pay makes another version.

    Attributes:
        code: Names the game, in every version.
        version: Counts from 1.
        name: What players call it.
        reels: Symbols of each reel in their order; it goes round, and each stop is as likely as another.
        rows: How many symbols of a reel are seen, from its stop on.
        lines: Each names its row on every reel.
        pays: All that is paid.
        rtp: What it returns of stakes in the long run, as it says: it must be what its reels and pays make of it.
    """

    code: str
    version: int
    name: str
    reels: tuple[tuple[str, ...], ...]
    rows: int
    lines: tuple[tuple[int, ...], ...]
    pays: tuple[Pay, ...]
    rtp: Fraction
    _pay_by_run: Mapping[tuple[str, int], Pay] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check that it can be, and returns what it says.

        Raises:
            GameMalformed: If that is not so.
        """
        object.__setattr__(self, "_pay_by_run", {(pay.symbol, pay.count): pay for pay in self.pays})
        for complaint in self._find_complaints():
            raise GameMalformed(f"{self.code} version {self.version}: {complaint}")

    @property
    def stake_unit_minor(self) -> int:
        """Return what a stake is a multiple of: as much on every line."""
        return len(self.lines)

    @property
    def cycle(self) -> int:
        """Return how many equally likely ways to stop there are."""
        return prod(len(reel) for reel in self.reels)

    def draw(self, random: RandomNumbers) -> tuple[int, ...]:
        """Return where each reel stops, by one random number each, in their order.

        Raises:
            Unavailable: If no random number is to be had.
        """
        return tuple(random.below(len(reel)) for reel in self.reels)

    def window(self, stops: Sequence[int]) -> tuple[tuple[str, ...], ...]:
        """Return the symbols that are seen, by reel, from the top.

        Raises:
            InvariantBroken: If the reels cannot stop like that.
        """
        if len(stops) != len(self.reels) or any(
            not 0 <= stop < len(reel) for stop, reel in zip(stops, self.reels, strict=True)
        ):
            raise InvariantBroken(f"{self.code} version {self.version} cannot stop at {list(stops)}")
        return tuple(
            tuple(reel[(stop + row) % len(reel)] for row in range(self.rows))
            for stop, reel in zip(stops, self.reels, strict=True)
        )

    def line_wins(self, stops: Sequence[int]) -> tuple[LineWin, ...]:
        """Return which lines pay."""
        window = self.window(stops)
        runs = (_run_of([window[reel][row] for reel, row in enumerate(rows)]) for rows in self.lines)
        found = ((line, self._pay_by_run.get(run)) for line, run in enumerate(runs))
        return tuple(LineWin(line, pay) for line, pay in found if pay is not None)

    def win_minor(self, stops: Sequence[int], stake_minor: int) -> int:
        """Return what a stake wins.

        Raises:
            InvariantBroken: If the stake is not as much on every line.
        """
        line_stake_minor, left = divmod(stake_minor, self.stake_unit_minor)
        if left or stake_minor <= 0:
            raise InvariantBroken(f"Stake must be a multiple of {self.stake_unit_minor}, was {stake_minor}")
        return line_stake_minor * sum(win.pay.times for win in self.line_wins(stops))

    def _find_complaints(self) -> Iterator[str]:
        if self.version < 1 or not 0 < len(self.reels) <= REELS_MAX or not 0 < self.rows <= ROWS_MAX:
            yield f"it must have a version from 1, 1 to {REELS_MAX} reels and 1 to {ROWS_MAX} rows"
        if not all(self.rows <= len(reel) <= STOPS_MAX for reel in self.reels):
            yield f"every reel must have {self.rows} to {STOPS_MAX} stops"
        if not 0 < len(self.lines) <= LINES_MAX or len(set(self.lines)) < len(self.lines):
            yield f"it must have 1 to {LINES_MAX} lines, each once"
        if any(len(line) != len(self.reels) or not all(0 <= row < self.rows for row in line) for line in self.lines):
            yield "every line must name a row that is seen on each reel"
        symbols = {symbol for reel in self.reels for symbol in reel}
        if len(self._pay_by_run) < len(self.pays) or any(
            pay.symbol not in symbols or not 0 < pay.count <= len(self.reels) or not 0 < pay.times <= TIMES_MAX
            for pay in self.pays
        ):
            yield f"every pay must be of a symbol that it has, once for a count, and 1 to {TIMES_MAX} times"
        if (exact := exact_rtp(self.reels, self.pays)) != self.rtp:
            yield f"it must return {exact} of stakes, as its reels and pays do, says {self.rtp}"


def exact_rtp(reels: Sequence[Sequence[str]], pays: Sequence[Pay]) -> Fraction:
    """Return what reels and pays return of stakes in the long run.

    Every stop is as likely as another, so every row is: each line returns the same, whatever lines there are.
    """
    return sum((pay.times * _run_probability(reels, pay) for pay in pays), Fraction(0))


def _run_probability(reels: Sequence[Sequence[str]], pay: Pay) -> Fraction:
    shares = [Fraction(list(reel).count(pay.symbol), len(reel)) for reel in reels]
    ends = 1 - shares[pay.count] if pay.count < len(reels) else Fraction(1)
    return prod(shares[: pay.count], start=Fraction(1)) * ends


def _run_of(symbols: Sequence[str]) -> tuple[str, int]:
    first, count = symbols[0], 1
    while count < len(symbols) and symbols[count] == first:
        count += 1
    return first, count
