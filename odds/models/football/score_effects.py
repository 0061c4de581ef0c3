"""Matches in which the score changes how often each side scores: an exact chain over scores.

Between goals the rates are those of an ordinary match times a factor for who leads by how many. Time is measured by the
scoring of an ordinary match, so that the shape of the rate over the minutes takes no part. The chain is run by
uniformisation: jumps of a Poisson clock fast enough for every score, those that no goal fills left empty.

What holds: before the match, at kick-off and at every moment after, prices are those of the same chain from where the
match stands, so that kick-off is priced as before play and full time as its result. There is no rho. Dixon and Coles's
rho moves draws of few goals because real sides play on according to the score; the factors are that very thing, and
both would count it twice. So this is another model than `markets.price_matches` with rho, not that one refined: means
and factors must be fitted or chosen together, and a book in play must go on with the model it began with. Only with all
factors 1.0 and rho 0.0 are the two the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from odds.model_input import ModelInputInvalid, RowFlag
from odds.models.football.catalogue import catalogue
from odds.models.football.markets import MatchPrices, goals_to_come, model_flags, read_markets
from odds.models.football.match_states import GoalTiming, MatchStates, RedCardEffects
from odds.models.football.order_of_goals import NUMBERED_GOALS, RACES
from odds.models.football.score_grids import Flags, Floats, Integers
from odds.models.football.score_views import SIZES, GoalsToCome, GridSizes, HalfViews, ScoreViews

JUMPS_MAX = 400
TAIL_MAX = 1e-13
CHUNK_ROWS = 16
LEADS_SPAN = 7
"""Leads at half-time are told apart up to so many goals from the present one."""


@dataclass(frozen=True, slots=True)
class ScoreEffects:
    """Factors on the scoring rates by the home side's lead: two or more down, one down, level, one up, two or more up.

    Source:
        Dixon and Robinson (1998), The Statistician 47:523, whose factors by score state these generalise.
    """

    home_factors: tuple[float, float, float, float, float]
    away_factors: tuple[float, float, float, float, float]


def price_matches_with_score_effects(
    home_means: Floats,
    away_means: Floats,
    *,
    effects: ScoreEffects,
    states: MatchStates,
    timing: GoalTiming,
    red_cards: RedCardEffects,
) -> MatchPrices:
    """Price all markets of matches whose rates depend on the score.

    Args:
        home_means: Mean goals of the whole match were it level throughout, shape (n,), up to 12.
        away_means: As many.
        effects: What a lead does to the rates.
        states: Where the matches stand, n of them.
        timing: How goals spread over the minutes.
        red_cards: What players sent off do to the rates.

    Returns:
        Prices as `markets.price_matches` gives them; without effects they are the same within 1e-6, with rho 0.

    Raises:
        ModelInputInvalid: If the columns differ in length or a factor is not above 0.0 and below 10.0.
    """
    if not all(0.0 < factor < 10.0 for factor in (*effects.home_factors, *effects.away_factors)):
        raise ModelInputInvalid("Score effects must be above 0.0 and below 10.0")
    rhos = np.zeros(len(states))
    flags = model_flags(home_means, away_means, rhos, states.flags())
    wins = np.full((len(flags), catalogue().layout.outcome_count), np.nan)
    fine = np.flatnonzero(flags == RowFlag.FINE)
    goals = goals_to_come(
        home_means[fine],
        away_means[fine],
        rhos=rhos[fine],
        states=states.rows(fine),
        timing=timing,
        red_cards=red_cards,
    )
    sizes = goals.sizes()
    for size in np.unique(sizes).tolist():
        rows = np.flatnonzero(sizes == size)
        for begin in range(0, len(rows), CHUNK_ROWS):
            part = goals.rows(rows[begin : begin + CHUNK_ROWS])
            prices = np.empty((len(part.rhos), wins.shape[1]))
            read_markets(chain_views(part, effects, SIZES[size]), part.states, catalogue(), prices)
            wins[fine[rows[begin : begin + CHUNK_ROWS]]] = prices
    return MatchPrices(catalogue(), wins, flags)


def chain_views(goals: GoalsToCome, effects: ScoreEffects, sizes: GridSizes) -> ScoreViews:
    """Return the score views of matches under score effects; rho takes no part."""
    states = goals.states
    is_split = states.is_after_first_half()
    home_before = np.where(is_split, states.half_time_home_goals, states.home_goals)
    away_before = np.where(is_split, states.half_time_away_goals, states.away_goals)
    whole = _run(goals.first_half + goals.second_half, states.home_goals, states.away_goals, effects, sizes.full_time)
    before = _run(goals.first_half, home_before, away_before, effects, sizes.half)
    second_half, results, totals = _second_half(goals, before.masses, home_before - away_before, effects, sizes)
    return ScoreViews(
        sizes,
        whole.masses.reshape(len(states), -1),
        HalfViews(before.masses.reshape(len(states), -1), second_half, results, totals),
        _orders(whole, states),
        None if goals.shares_after is None else _minutes(goals, goals.shares_after, effects),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Chain:
    masses: Floats
    home_goals: Floats
    away_goals: Floats


def _run(
    means: Floats,
    home_now: Integers,
    away_now: Integers,
    effects: ScoreEffects,
    size: int,
    *,
    leads: Integers | None = None,
) -> _Chain:
    """Return where chains end, and how often each side scores from each score, shape (n, size, size).

    Scores count up from `home_now` and `away_now`; `leads` replaces the lead those have, where it was made elsewhere.
    """
    home, away = np.arange(size)[:, None], np.arange(size)[None, :]
    shift = np.zeros(len(home_now), dtype=np.int64) if leads is None else leads - home_now + away_now
    places = np.clip(home - away + shift[:, None, None], -2, 2) + 2
    rates = [
        means[side][:, None, None] * np.array((effects.home_factors, effects.away_factors)[side])[places]
        for side in (0, 1)
    ]
    fastest = np.maximum((rates[0] + rates[1]).max(axis=(1, 2)), 1e-12)
    homes, aways = (rate / fastest[:, None, None] for rate in rates)
    here = np.zeros((len(home_now), size, size))
    here[np.arange(len(here)), home_now, away_now] = 1.0
    masses, scored_home, scored_away = np.zeros_like(here), np.zeros_like(here), np.zeros_like(here)
    weight, left = np.exp(-fastest), -np.expm1(-fastest)
    for jump in range(1, JUMPS_MAX):
        masses += weight[:, None, None] * here
        if left.max() < TAIL_MAX:
            break
        home_moves, away_moves = here * homes, here * aways
        scored_home += left[:, None, None] * home_moves
        scored_away += left[:, None, None] * away_moves
        here = _jump(here, home_moves, away_moves)
        weight = weight * fastest / jump
        left = np.maximum(left - weight, 0.0)
    return _Chain(masses / masses.sum(axis=(1, 2), keepdims=True), scored_home, scored_away)


def _jump(here: Floats, home_moves: Floats, away_moves: Floats) -> Floats:
    """Move a step; a goal beyond the grid steps back instead, which keeps odd and even apart."""
    after = here - home_moves - away_moves
    after[:, 1:, :] += home_moves[:, :-1, :]
    after[:, -2, :] += home_moves[:, -1, :]
    after[:, :, 1:] += away_moves[:, :, :-1]
    after[:, :, -2] += away_moves[:, :, -1]
    return after


def _second_half(
    goals: GoalsToCome, before: Floats, present: Integers, effects: ScoreEffects, sizes: GridSizes
) -> tuple[Floats, Floats, Floats]:
    """Return second-half scores, (half-time, full-time) results and which half has more goals.

    `before` is where first halves end, `present` the lead in them now, or at their end where that is past.
    """
    states, count, size = goals.states, len(before), sizes.half
    is_split = states.is_after_first_half()
    scored = [
        np.where(is_split, now - half_time, 0)
        for now, half_time in (
            (states.home_goals, states.half_time_home_goals),
            (states.away_goals, states.half_time_away_goals),
        )
    ]
    home, away = (axis.ravel() for axis in np.indices((size, size)))
    leads, by_sum = home - away, np.eye(2 * size - 1)[home + away]
    moves = np.clip(leads - present[:, None], -LEADS_SPAN, LEADS_SPAN)
    score, results, totals = np.zeros((count, size * size)), np.zeros((count, 3, 3)), np.zeros((count, 3))
    for move in range(-LEADS_SPAN, LEADS_SPAN + 1):
        lead = present + move
        first = before.reshape(count, -1) * (moves == move)
        shares = first.sum(axis=1)
        now = lead + scored[0] - scored[1]
        after = _run(goals.second_half, scored[0], scored[1], effects, size, leads=now).masses.reshape(count, -1)
        score += shares[:, None] * after
        by_total = first @ by_sum, after @ by_sum
        final = np.sign(leads + lead[:, None])
        for place, sign in enumerate((1, 0, -1)):
            results[np.arange(count), 1 - np.sign(lead), place] += shares * (after * (final == sign)).sum(axis=1)
        below = np.cumsum(by_total[1], axis=1)
        equal = (by_total[0] * by_total[1]).sum(axis=1)
        more = (by_total[0] * below).sum(axis=1) - equal
        totals += np.stack([more, equal, shares - more - equal], axis=1)
    return score, results.reshape(count, 9), np.maximum(totals, 0.0)


def _orders(chain: _Chain, states: MatchStates) -> Floats:
    size = chain.masses.shape[1]
    home, away = np.indices((size, size))
    count = len(states)
    columns = []
    for goal in NUMBERED_GOALS:
        at = (home + away) == goal - 1
        won = chain.home_goals[:, at].sum(axis=1), chain.away_goals[:, at].sum(axis=1)
        is_past = states.home_goals + states.away_goals >= goal
        columns.append(_settle(won, states.home_goals > 0, states.away_goals > 0, is_past))
    for goals in RACES:
        won = (
            chain.home_goals[:, goals - 1, :goals].sum(axis=1),
            chain.away_goals[:, :goals, goals - 1].sum(axis=1),
        )
        is_home, is_away = states.home_goals >= goals, states.away_goals >= goals
        columns.append(_settle(won, is_home, is_away, is_home | is_away))
    return np.concatenate(columns, axis=1).reshape(count, -1)


def _settle(won: tuple[Floats, Floats], is_home: Flags, is_away: Flags, is_past: Flags) -> Floats:
    """Return home, none, away; what is past is certain where one side alone can have done it, NaN elsewhere."""
    known = np.where(is_home & is_away, np.nan, 1.0)
    home = np.where(is_past, known * is_home, won[0])
    away = np.where(is_past, known * is_away, won[1])
    return np.stack([home, 1.0 - home - away, away], axis=1)


def _minutes(goals: GoalsToCome, shares_after: Floats, effects: ScoreEffects) -> Floats:
    """Return when the next goal falls: until it does the score, and with it the rate, stays as it is."""
    states = goals.states
    place = np.clip(states.home_goals - states.away_goals, -2, 2) + 2
    means = goals.first_half + goals.second_half
    rate = means[0] * np.array(effects.home_factors)[place] + means[1] * np.array(effects.away_factors)[place]
    survival = np.exp(-rate[:, None] * (1.0 - shares_after))
    until = np.hstack([np.ones((len(states), 1)), survival])
    return np.hstack([until[:, :-1] - until[:, 1:], survival[:, -1:]])
