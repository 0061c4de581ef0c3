"""From the chance to win a game to the final score of a set, from any score."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from odds.models.tennis.points import serves_first_point, win_game, win_tie_break
from odds.models.tennis.rules import Counts, Flags, MatchRules, SetRules, TennisScores, in_tie_break

Floats = NDArray[np.float64]
Cell = tuple[int, int]

EQUIVALENT_GAMES = 5
"""From here on only the lead counts in an advantage set."""


@dataclass(frozen=True, slots=True)
class SetOutcomes:
    """How sets may end.

    Attributes:
        scores: Shape (n_scores, 2), games of A and of B at the end.
        probabilities: Shape (n_sets, n_scores), each row summing to 1.0.
        is_a_next: Shape (n_sets, n_scores), whether A serves first in the set that follows.
        games_skipped: Shape (n_sets,), games each that are to be added to `scores` (advantage sets past five all).
    """

    scores: Counts
    probabilities: Floats
    is_a_next: Flags
    games_skipped: Counts

    def win_probability(self) -> Floats:
        """Return A's chance to win each set, shape (n_sets,)."""
        return np.asarray(self.probabilities[:, self.scores[:, 0] > self.scores[:, 1]].sum(axis=1))


def play_on(serves: Floats, scores: TennisScores, rules: MatchRules, of_set: SetRules) -> SetOutcomes:
    """Return how the sets being played may end.

    Args:
        serves: Shape (n_sets, 2), chance of A and of B to win a point on the own serve.
        scores: Where the matches stand.
        rules: The rules of the matches.
        of_set: The rules of these sets.
    """
    is_tie_break = in_tie_break(scores.games, of_set)
    is_a_serving = np.where(is_tie_break, serves_first_point(scores.points, scores.is_a_serving), scores.is_a_serving)
    skipped = np.zeros(len(serves), dtype=np.int64)
    if of_set.games_to_win and not of_set.tie_break_points:
        skipped = np.maximum(scores.games.min(axis=1) - EQUIVALENT_GAMES, 0)
    games = scores.games - skipped[:, None]
    current = _win_current(serves, scores, rules, of_set, is_tie_break)
    return _outcomes(serves, games, is_a_serving, current=current, rules=rules, of_set=of_set, skipped=skipped)


def play_anew(serves: Floats, is_a_serving: Flags, rules: MatchRules, of_set: SetRules) -> SetOutcomes:
    """Return how sets may end of which nothing was played.

    Args:
        serves: Shape (n_sets, 2), chance of A and of B to win a point on the own serve.
        is_a_serving: Shape (n_sets,), whether A serves first.
        rules: The rules of the matches.
        of_set: The rules of these sets.
    """
    return play_on(serves, TennisScores.at_the_start(is_a_serving), rules, of_set)


def _win_current(
    serves: Floats, scores: TennisScores, rules: MatchRules, of_set: SetRules, is_tie_break: Flags
) -> Floats:
    is_a_serving = scores.is_a_serving
    serve = np.where(is_a_serving, serves[:, 0], serves[:, 1])
    # Rows in a tie-break are worked out as well and thrown away: their points count differently.
    points = np.where(is_a_serving[:, None], scores.points, scores.points[:, ::-1])
    points = np.where(is_tie_break[:, None], 0, points)
    held = win_game(serve, points, has_deciding_point=rules.has_deciding_point)
    won = np.where(is_a_serving, held, 1.0 - held)
    rows = np.flatnonzero(is_tie_break)
    if len(rows):
        won[rows] = win_tie_break(
            serves[rows], scores.points[rows], is_a_serving[rows], points_to_win=of_set.tie_break_points
        )
    return won


def _outcomes(
    serves: Floats,
    games: Counts,
    is_a_serving: Flags,
    *,
    current: Floats,
    rules: MatchRules,
    of_set: SetRules,
    skipped: Counts,
) -> SetOutcomes:
    chart = _chart(of_set)
    n_sets, n_cells, rows = len(serves), len(chart.cells), np.arange(len(serves))
    played = games.sum(axis=1)
    totals = np.arange(2 * of_set.tie_break_at + 1)[:, None]
    is_a_due = is_a_serving ^ ((totals - played) % 2 == 1)
    nothing = np.zeros((n_sets, 2), dtype=np.int64)
    held = [win_game(serves[:, side], nothing, has_deciding_point=rules.has_deciding_point) for side in (0, 1)]
    chances = np.where(is_a_due, held[0], 1.0 - held[1])
    chances[-1] = _win_at_the_tie(serves, is_a_due[-1], np.stack(held), of_set)
    chances[played, rows] = current
    mass = np.zeros((n_cells + len(chart.scores), n_sets))
    mass[chart.position[games[:, 0], games[:, 1]], rows] = 1.0
    for cell, (total, won, lost) in enumerate(zip(chart.totals, chart.if_won, chart.if_lost, strict=True)):
        gained = mass[cell] * chances[total]
        mass[won] += gained
        mass[lost] += mass[cell] - gained
    is_a_next = is_a_serving[:, None] ^ ((chart.scores.sum(axis=1) - played[:, None]) % 2 == 1)
    return SetOutcomes(chart.scores, np.ascontiguousarray(mass[n_cells:].T), is_a_next, skipped)


def _win_at_the_tie(serves: Floats, is_a_first: Flags, held: Floats, of_set: SetRules) -> Floats:
    """Return A's chance in a tie-break not begun, or where there is none to get two games clear from a tie."""
    if of_set.tie_break_points:
        nothing = np.zeros((len(serves), 2), dtype=np.int64)
        return win_tie_break(serves, nothing, is_a_first, points_to_win=of_set.tie_break_points)
    both, neither = held[0] * (1.0 - held[1]), (1.0 - held[0]) * held[1]
    return np.asarray(both / (both + neither))


@dataclass(frozen=True, slots=True)
class _Chart:
    """All scores of a set, in the order of play; positions from len(cells) on are final scores."""

    cells: tuple[Cell, ...]
    totals: tuple[int, ...]
    if_won: tuple[int, ...]
    if_lost: tuple[int, ...]
    scores: Counts
    position: Counts


@lru_cache(maxsize=16)
def _chart(of_set: SetRules) -> _Chart:
    top = of_set.tie_break_at
    side = range(top + 1) if of_set.games_to_win else range(1)
    grid = [(a, b) for a in side for b in side if (a, b) == (top, top) or not _is_over((a, b), of_set)]
    cells = tuple(sorted(grid, key=sum))
    scores = sorted({_after(cell, step, of_set) for cell in cells for step in ((1, 0), (0, 1))} - set(cells))
    place = {cell: index for index, cell in enumerate((*cells, *scores))}
    position = np.zeros((len(side), len(side)), dtype=np.int64)
    for index, cell in enumerate(cells):
        position[cell] = index
    return _Chart(
        cells=cells,
        totals=tuple(sum(cell) for cell in cells),
        if_won=tuple(place[_after(cell, (1, 0), of_set)] for cell in cells),
        if_lost=tuple(place[_after(cell, (0, 1), of_set)] for cell in cells),
        scores=np.array(scores, dtype=np.int64),
        position=position,
    )


def _after(cell: Cell, step: Cell, of_set: SetRules) -> Cell:
    """Return the score after a game; from the tie without a tie-break it takes two."""
    is_tie = cell == (of_set.tie_break_at, of_set.tie_break_at)
    games = 2 if is_tie and not of_set.tie_break_points else 1
    return cell[0] + games * step[0], cell[1] + games * step[1]


def _is_over(cell: Cell, of_set: SetRules) -> bool:
    return max(cell) >= of_set.games_to_win and abs(cell[0] - cell[1]) >= 2
