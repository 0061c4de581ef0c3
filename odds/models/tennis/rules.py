"""How a tennis match is played, and where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from markets.sports.tennis import FinalSet
from odds.model_input import ModelInputInvalid, count_rows

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Counts = NDArray[np.int64]

GAME_POINTS: Final = 4
ADVANTAGE_GAMES_MAX: Final = 70
"""Games each up to which the length of an advantage set is followed; longer ones count as that long (who wins them
stays exact). The longest ever ended 70-68."""


@dataclass(frozen=True, slots=True)
class MatchRules:
    """The rules of a match.

    Attributes:
        sets_to_win: 2 for the best of three, 3 for the best of five.
        final_set: How the last possible set is decided.
        has_deciding_point: Whether the point at deuce decides the game ("no-ad").

    Raises:
        ModelInputInvalid: If the sets to win are not 1 to 3, or nobody knows how the last one is decided.
    """

    sets_to_win: int
    final_set: FinalSet
    has_deciding_point: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.sets_to_win <= 3:
            raise ModelInputInvalid(f"Sets to win must be 1 to 3, was {self.sets_to_win}")
        if self.final_set is FinalSet.UNKNOWN:
            raise ModelInputInvalid("How the last set is decided must be known, was unknown")

    def set_rules(self, *, is_final: bool) -> SetRules:
        """Return the rules of a set, the last possible one or another."""
        return FINAL_SET_RULES[self.final_set] if is_final else ORDINARY_SET


@dataclass(frozen=True, slots=True)
class SetRules:
    """The rules of one set.

    Attributes:
        games_to_win: Games that win the set with two clear; 0 if it is a tie-break alone.
        tie_break_at: Games each at which the tie-break is played.
        tie_break_points: Points that win the tie-break with two clear; 0 if two games clear decide instead of one.
    """

    games_to_win: int
    tie_break_at: int
    tie_break_points: int


ORDINARY_SET: Final = SetRules(games_to_win=6, tie_break_at=6, tie_break_points=7)
FINAL_SET_RULES: Final = {
    FinalSet.LIKE_THE_OTHERS: ORDINARY_SET,
    FinalSet.LONG_TIE_BREAK: SetRules(games_to_win=6, tie_break_at=6, tie_break_points=10),
    FinalSet.TIE_BREAK_AT_TWELVE: SetRules(games_to_win=6, tie_break_at=12, tie_break_points=7),
    FinalSet.ADVANTAGE: SetRules(games_to_win=6, tie_break_at=ADVANTAGE_GAMES_MAX, tie_break_points=0),
    FinalSet.MATCH_TIE_BREAK: SetRules(games_to_win=0, tie_break_at=0, tie_break_points=10),
}


@dataclass(frozen=True, slots=True)
class TennisScores:
    """Where matches stand, one a row; player A is column 0, player B column 1.

    Attributes:
        sets: Shape (n_matches, 2), sets won.
        games: Shape (n_matches, 2), games won in the set being played.
        points: Shape (n_matches, 2), points won in the game or tie-break being played: 0, 1, 2, 3 for 0, 15, 30, 40;
            advantage is 4-3.
        is_a_serving: Shape (n_matches,), whether A serves the next point.
        games_before: Shape (n_matches, 2), games won in the sets that are over.

    Raises:
        ModelInputInvalid: If the columns differ in length, or are not of two players.
    """

    sets: Counts
    games: Counts
    points: Counts
    is_a_serving: Flags
    games_before: Counts

    def __post_init__(self) -> None:
        pairs = (self.sets, self.games, self.points, self.games_before)
        row_count = count_rows(self.is_a_serving, *pairs)
        if any(counts.shape != (row_count, 2) for counts in pairs):
            raise ModelInputInvalid(f"Two players a match were expected, was {[counts.shape for counts in pairs]}")

    def __len__(self) -> int:
        return len(self.sets)

    @classmethod
    def at_the_start(cls, is_a_serving: Flags) -> TennisScores:
        """Return matches of which no point was played."""
        nothing = np.zeros((len(is_a_serving), 2), dtype=np.int64)
        return cls(nothing, nothing, nothing, is_a_serving, nothing)

    def rows(self, positions: Counts) -> TennisScores:
        """Return the matches at these positions."""
        return TennisScores(
            self.sets[positions],
            self.games[positions],
            self.points[positions],
            self.is_a_serving[positions],
            self.games_before[positions],
        )


def are_open(scores: TennisScores, rules: MatchRules) -> Flags:
    """Tell which matches stand as a match can that is not over."""
    counts = np.concatenate([scores.sets, scores.games, scores.points, scores.games_before], axis=1)
    is_open = (counts >= 0).all(axis=1) & (scores.sets < rules.sets_to_win).all(axis=1)
    is_final = (scores.sets == rules.sets_to_win - 1).all(axis=1)
    open_in_final, open_before = (_is_set_open(scores, rules, rules.set_rules(is_final=last)) for last in (True, False))
    return np.asarray(is_open & np.where(is_final, open_in_final, open_before))


def _is_set_open(scores: TennisScores, rules: MatchRules, of_set: SetRules) -> Flags:
    """Tell in which matches the set being played is not over, and the game neither, were all under the rules of one."""
    least, most = _ends(scores.games)
    games_max = of_set.tie_break_at if of_set.tie_break_points else np.iinfo(np.int64).max
    is_set_open = (most < of_set.games_to_win) | ((most - least < 2) & (most <= games_max))
    is_tie_break = in_tie_break(scores.games, of_set)
    points_to_win = np.where(is_tie_break, of_set.tie_break_points, GAME_POINTS)
    least, most = _ends(scores.points)
    clear = np.where(is_tie_break | (not rules.has_deciding_point), 2, 1)
    return np.asarray(is_set_open & ((most < points_to_win) | (most - least < clear)))


def _ends(counts: Counts) -> tuple[Counts, Counts]:
    return np.minimum(counts[:, 0], counts[:, 1]), np.maximum(counts[:, 0], counts[:, 1])


def in_tie_break(games: Counts, of_set: SetRules) -> Flags:
    """Tell in which sets the tie-break is being played."""
    return np.asarray((games == of_set.tie_break_at).all(axis=1) & (of_set.tie_break_points > 0))
