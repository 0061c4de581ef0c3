"""From the final scores of sets to every market of a match, from any live score."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from odds.model_input import RowFlag, RowFlags, count_rows, find_fine, flag_rows, spread_rows
from odds.models.line_shares import LineShares
from odds.models.tennis.rules import Counts, Flags, MatchRules, SetRules, TennisScores, are_open
from odds.models.tennis.sets import SetOutcomes, play_anew, play_on

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MatchOutcomes:
    """How matches may end; sets and games already played count. Flagged matches are NaN throughout.

    Attributes:
        set_scores: Shape (n_scores, 2), the final scores in sets.
        by_total: Shape (n_matches, n_scores, n_totals), chance of a final score together with a number of games.
        by_margin: Shape (n_matches, n_scores, n_margins), likewise with games of A minus games of B.
        least_total: Shape (n_matches,), games in the first column of `by_total`.
        least_margin: Shape (n_matches,), margin in the first column of `by_margin`.
        flags: A `RowFlag` a match.
    """

    set_scores: Counts
    by_total: Floats
    by_margin: Floats
    least_total: Counts
    least_margin: Counts
    flags: RowFlags

    def set_score_probabilities(self) -> Floats:
        """Return the chance of each final score, shape (n_matches, n_scores)."""
        return np.asarray(self.by_total.sum(axis=2))

    def win_probability(self) -> Floats:
        """Return A's chance to win, shape (n_matches,)."""
        return np.asarray(self.set_score_probabilities()[:, self.set_scores[:, 0] > self.set_scores[:, 1]].sum(axis=1))

    def total_sets(self, line: float) -> LineShares:
        """Return the shares of over the line."""
        return self._by_sets(self.set_scores.sum(axis=1) - line)

    def sets_handicap(self, handicap: float) -> LineShares:
        """Return the shares of A with this many sets added."""
        return self._by_sets(np.diff(self.set_scores[:, ::-1])[:, 0] + handicap)

    def total_games(self, lines: Floats) -> LineShares:
        """Return the shares of over the lines, shape (n_matches,)."""
        return self._split(self.by_total, self.least_total - lines)

    def games_handicap(self, handicaps: Floats) -> LineShares:
        """Return the shares of A with this many games added, shape (n_matches,)."""
        return self._split(self.by_margin, self.least_margin + handicaps)

    def _by_sets(self, distances: NDArray[np.floating]) -> LineShares:
        chances = self.set_score_probabilities()
        over, push, under = (chances[:, flags].sum(axis=1) for flags in _signs(distances))
        flags = np.where(np.isfinite(distances).all(), self.flags, RowFlag.LINE_OUT_OF_RANGE).astype(np.int8)
        fine = find_fine(flags)
        return LineShares.of_sound(over[fine], push[fine], under[fine], flags)

    def _split(self, joint: Floats, firsts: Floats) -> LineShares:
        """Return the chances of columns above, at and below zero, the first column being at `firsts`."""
        is_lined = np.isfinite(firsts) | (self.flags != RowFlag.FINE)
        flags = np.where(is_lined, self.flags, RowFlag.LINE_OUT_OF_RANGE).astype(np.int8)
        fine = find_fine(flags)
        chances = joint[fine].sum(axis=1)
        distances = firsts[fine, None] + np.arange(chances.shape[1])
        over, push, under = (np.where(sign, chances, 0.0).sum(axis=1) for sign in _signs(distances))
        return LineShares.of_sound(over, push, under, flags)


def flag_matches(serves: Floats, scores: TennisScores, rules: MatchRules) -> RowFlags:
    """Return a `RowFlag` a match: why every function here leaves it NaN, FINE where none does.

    Args:
        serves: Shape (n_matches, 2), chance of A and of B to win a point on the own serve, above 0 and below 1.
        scores: Where the matches stand.
        rules: The rules, of all of them.

    Raises:
        ModelInputInvalid: If there are not as many scores as chances.
    """
    return flag_rows(
        count_rows(serves, scores.sets),
        [
            (RowFlag.CHANCES_OUT_OF_RANGE, (serves > 0.0) & (serves < 1.0)),
            (RowFlag.TENNIS_SCORE_IMPOSSIBLE, are_open(scores, rules)),
        ],
    )


def price_matches(serves: Floats, scores: TennisScores, rules: MatchRules) -> MatchOutcomes:
    """Return how matches may end, from any score.

    Points are independent, and won on serve with a chance that stays what it is.

    Args:
        serves: Shape (n_matches, 2), chance of A and of B to win a point on the own serve, above 0 and below 1.
        scores: Where the matches stand.
        rules: The rules, of all of them.

    Source:
        Barnett and Clarke (2005); O'Malley (2008).
    """
    flags = flag_matches(serves, scores, rules)
    fine = find_fine(flags)
    before = np.where(flags[:, None] == RowFlag.FINE, scores.games_before, 0)
    sound = _price_sound(serves[fine], scores.rows(fine), rules)
    skipped = np.zeros(len(flags), dtype=np.int64)
    skipped[fine] = sound.games_skipped
    return MatchOutcomes(
        set_scores=np.array(_final_scores(rules.sets_to_win), dtype=np.int64),
        by_total=spread_rows(sound.by_total, flags),
        by_margin=spread_rows(sound.by_margin, flags),
        least_total=before.sum(axis=1) + 2 * skipped,
        least_margin=before[:, 0] - before[:, 1] - _margin_max(rules),
        flags=flags,
    )


@dataclass(frozen=True, slots=True)
class _SoundOutcomes:
    by_total: Floats
    by_margin: Floats
    games_skipped: Counts


def _price_sound(serves: Floats, scores: TennisScores, rules: MatchRules) -> _SoundOutcomes:
    final = _final_scores(rules.sets_to_win)
    n_matches, games_max = len(serves), _games_max(rules)
    by_total = np.zeros((n_matches, len(final), games_max + 1))
    by_margin = np.zeros((n_matches, len(final), 2 * _margin_max(rules) + 1))
    skipped = np.zeros(n_matches, dtype=np.int64)
    for at, rows in _by_set_score(scores):
        table = _SetTable.build(serves[rows], scores.rows(rows), rules, at)
        skipped[rows] = table.live.games_skipped
        by_total[rows] = _walk(table, np.array([1, 1]), 0, by_total.shape[1:])
        by_margin[rows] = _walk(table, np.array([1, -1]), _margin_max(rules), by_margin.shape[1:])
    return _SoundOutcomes(by_total, by_margin, skipped)


def price_current_sets(
    serves: Floats, scores: TennisScores, rules: MatchRules, *, is_final: bool
) -> tuple[SetOutcomes, RowFlags]:
    """Return how the sets being played may end: their winner, and their correct score.

    Args:
        serves: Shape (n_matches, 2), chance of A and of B to win a point on the own serve, above 0 and below 1.
        scores: Where the matches stand, all in the last possible set or none.
        rules: The rules, of all of them.
        is_final: Whether it is the last possible set; a match in another one is flagged.

    Returns:
        Outcomes of every set, NaN in flagged rows, and a `RowFlag` a match.
    """
    flags = flag_matches(serves, scores, rules)
    is_last = (scores.sets == rules.sets_to_win - 1).all(axis=1)
    flags[(is_last != is_final) & (flags == RowFlag.FINE)] = RowFlag.TENNIS_SCORE_IMPOSSIBLE
    fine = find_fine(flags)
    sound = play_on(serves[fine], scores.rows(fine), rules, rules.set_rules(is_final=is_final))
    is_a_next = np.zeros((len(flags), len(sound.scores)), dtype=np.bool_)
    skipped = np.zeros(len(flags), dtype=np.int64)
    is_a_next[fine], skipped[fine] = sound.is_a_next, sound.games_skipped
    return SetOutcomes(sound.scores, spread_rows(sound.probabilities, flags), is_a_next, skipped), flags


def win_matches(serves: Floats, scores: TennisScores, rules: MatchRules) -> Floats:
    """Return A's chance to win each match, from any score.

    The quick way to one market: who serves first in a set does not change who wins it.

    Args:
        serves: Shape (n_matches, 2), chance of A and of B to win a point on the own serve, above 0 and below 1.
        scores: Where the matches stand.
        rules: The rules, of all of them.

    Returns:
        Shape (n_matches,), the same as `price_matches` gives, within 1e-12; NaN as `flag_matches` says.
    """
    flags = flag_matches(serves, scores, rules)
    fine = find_fine(flags)
    return spread_rows(_win_matches(serves[fine], scores.rows(fine), rules), flags)


def _win_matches(serves: Floats, scores: TennisScores, rules: MatchRules) -> Floats:
    to_win = rules.sets_to_win
    is_a_serving = np.ones(len(serves), dtype=bool)
    ordinary, last = (
        play_anew(serves, is_a_serving, rules, rules.set_rules(is_final=is_final)).win_probability()
        for is_final in (False, True)
    )
    chances = np.zeros((to_win + 1, to_win + 1, len(serves)))
    chances[to_win] = 1.0
    for a, b in ((a, b) for a in range(to_win - 1, -1, -1) for b in range(to_win - 1, -1, -1)):
        win = last if a == b == to_win - 1 else ordinary
        chances[a, b] = win * chances[a + 1, b] + (1.0 - win) * chances[a, b + 1]
    won = np.empty(len(serves))
    for (a, b), rows in _by_set_score(scores):
        of_set = rules.set_rules(is_final=a == b == to_win - 1)
        live = play_on(serves[rows], scores.rows(rows), rules, of_set).win_probability()
        won[rows] = live * chances[a + 1, b, rows] + (1.0 - live) * chances[a, b + 1, rows]
    return won


def _by_set_score(scores: TennisScores) -> Iterator[tuple[tuple[int, int], Counts]]:
    for a, b in np.unique(scores.sets, axis=0).tolist():
        yield (a, b), np.flatnonzero((scores.sets == (a, b)).all(axis=1))


@dataclass(frozen=True, slots=True)
class _SetTable:
    """How each set of matches may end that all stand at one score in sets."""

    at: tuple[int, int]
    sets_to_win: int
    live: SetOutcomes
    ordinary: tuple[SetOutcomes, SetOutcomes]
    last: tuple[SetOutcomes, SetOutcomes]

    @classmethod
    def build(cls, serves: Floats, scores: TennisScores, rules: MatchRules, at: tuple[int, int]) -> _SetTable:
        def anew(of_set: SetRules) -> tuple[SetOutcomes, SetOutcomes]:
            b_first, a_first = (
                play_anew(serves, np.full(len(serves), first), rules, of_set) for first in (False, True)
            )
            return b_first, a_first

        is_final = at == (rules.sets_to_win - 1, rules.sets_to_win - 1)
        ordinary_rules, last_rules = rules.set_rules(is_final=False), rules.set_rules(is_final=True)
        ordinary = anew(ordinary_rules)
        return cls(
            at=at,
            sets_to_win=rules.sets_to_win,
            live=play_on(serves, scores, rules, rules.set_rules(is_final=is_final)),
            ordinary=ordinary,
            last=ordinary if last_rules == ordinary_rules else anew(last_rules),
        )

    def fresh(self, at: tuple[int, int], is_a_first: int) -> SetOutcomes:
        is_last = at == (self.sets_to_win - 1, self.sets_to_win - 1)
        return (self.last if is_last else self.ordinary)[is_a_first]


def _walk(table: _SetTable, weights: Counts, origin: int, shape: tuple[int, ...]) -> Floats:
    """Play set after set; each state holds the chances of what the games so far, weighted, come to."""
    n_matches, width = len(table.live.probabilities), shape[1]
    final = _final_scores(table.sets_to_win)
    ended = {score: np.zeros((n_matches, width)) for score in final}
    states: dict[tuple[int, int, int], Floats] = {}

    def play(at: tuple[int, int], before: Floats, outcomes: SetOutcomes) -> None:
        for (is_a_win, is_a_next, shift), chances in _grouped(outcomes, weights).items():
            score = (at[0] + is_a_win, at[1] + 1 - is_a_win)
            after = ended[score] if score in ended else states.setdefault((*score, is_a_next), np.zeros_like(before))
            _add_shifted(after, before * chances[:, None], shift)

    start = np.zeros((n_matches, width))
    start[:, origin] = 1.0
    play(table.at, start, table.live)
    while states:
        a, b, is_a_first = min(states, key=sum)
        before = states.pop((a, b, is_a_first))
        play((a, b), before, table.fresh((a, b), is_a_first))
    return np.stack([ended[score] for score in final], axis=1)


def _grouped(outcomes: SetOutcomes, weights: Counts) -> dict[tuple[int, int, int], Floats]:
    """Return the chances of the ends of a set by winner, next server and what the games come to."""
    groups: dict[tuple[int, int, int], Floats] = {}
    values = (outcomes.scores @ weights).tolist()
    wins = (outcomes.scores[:, 0] > outcomes.scores[:, 1]).tolist()
    for index, (is_win, value) in enumerate(zip(wins, values, strict=True)):
        is_a_next = outcomes.is_a_next[:, index]
        for side in (0, 1):
            chances = np.where(is_a_next == side, outcomes.probabilities[:, index], 0.0)
            if chances.any():
                key = (int(is_win), side, value)
                groups[key] = groups[key] + chances if key in groups else chances
    return groups


def _add_shifted(after: Floats, before: Floats, shift: int) -> None:
    if shift > 0:
        after[:, shift:] += before[:, :-shift]
    elif shift < 0:
        after[:, :shift] += before[:, -shift:]
    else:
        after += before


def _final_scores(sets_to_win: int) -> tuple[tuple[int, int], ...]:
    won = [(sets_to_win, lost) for lost in range(sets_to_win)]
    return (*won, *((b, a) for a, b in reversed(won)))


def _games_max(rules: MatchRules) -> int:
    ordinary, last = (rules.set_rules(is_final=is_final).tie_break_at for is_final in (False, True))
    return (2 * rules.sets_to_win - 2) * (2 * ordinary + 1) + 2 * last + 2


def _margin_max(rules: MatchRules) -> int:
    return 6 * rules.sets_to_win


def _signs(distances: NDArray[np.floating]) -> tuple[Flags, Flags, Flags]:
    return np.asarray(distances > 0.0), np.asarray(distances == 0.0), np.asarray(distances < 0.0)
