"""Price every market of many matches at once, before or during play."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from markets.catalogue import market_of
from markets.football import market_ids as ids
from odds.model_input import ModelInputInvalid, RowFlag
from odds.models.football.catalogue import Catalogue, catalogue, final_score_wins, half_matrix
from odds.models.football.match_states import GoalTiming, MatchStates, RedCardEffects, ScoringLeft
from odds.models.football.order_of_goals import MINUTE_BANDS, NUMBERED_GOALS
from odds.models.football.score_grids import Flags, Floats, rho_is_possible
from odds.models.football.score_views import ALL_VIEWS, SIZES, GoalsToCome, ScoreViews, WantedViews, score_views

GOAL_MEAN_MAX = 12.0
OPEN_MIN = 1e-9
CHUNK_ROWS = 256
"""Matches priced at a time: their grids and prices then stay in the processor's cache."""

_FINE = int(RowFlag.FINE)


@dataclass(frozen=True, slots=True, eq=False)
class StakeParts:
    """What becomes of a stake on one outcome, one row a match; the five sum to 1.0."""

    win: Floats
    half_win: Floats
    push: Floats
    half_lose: Floats
    lose: Floats


@dataclass(frozen=True, slots=True, eq=False)
class MatchPrices:
    """Every outcome of every match, columns as in the catalogue.

    Attributes:
        catalogue: What the columns are.
        win_weights: Expected part of a stake that wins, shape (n_matches, n_outcomes). NaN where a market is about
            something past that the score does not tell, and throughout a flagged row.
        flags: A `RowFlag` a match, int8.
    """

    catalogue: Catalogue
    win_weights: Floats
    flags: NDArray[np.int8]

    def lose_weights(self) -> Floats:
        """Return the expected part of a stake that loses; what neither wins nor loses is handed back.

        An outcome on a line loses what its mirror wins, any other loses the rest.
        """
        loses = 1.0 - self.win_weights
        loses[:, self.catalogue.mirrored] = self.win_weights[:, self.catalogue.mirrors]
        return np.asarray(loses)

    def fair_probabilities(self) -> Floats:
        """Return one over the fair odds: win / (win + lose), what is handed back set aside.

        Where a stake is handed back for certain it is 1.0, odds of 1.0 returning that stake.
        """
        fair = np.empty_like(self.win_weights)
        for begin in range(0, len(fair), CHUNK_ROWS):
            wins, rows = self.win_weights[begin : begin + CHUNK_ROWS], fair[begin : begin + CHUNK_ROWS]
            mirrored = wins[:, self.catalogue.mirrored]
            decided = mirrored + wins[:, self.catalogue.mirrors]
            is_back = decided == 0.0
            rows[:] = wins
            rows[:, self.catalogue.mirrored] = (mirrored + is_back) / (decided + is_back)
        return fair

    def fair_decimal_odds(self) -> Floats:
        """Return 1 + lose / win: infinite for what cannot win any more."""
        with np.errstate(divide="ignore"):
            return np.asarray(1.0 / self.fair_probabilities())

    def is_open(self) -> Flags:
        """Return which outcomes can still both win and lose, each by more than 1e-9 of a stake."""
        return np.asarray((self.win_weights > OPEN_MIN) & (self.lose_weights() > OPEN_MIN))

    def stake_parts(self, market_id: str, outcome_id: str) -> StakeParts:
        """Return what becomes of a stake on an outcome, split as its line splits it.

        Raises:
            MarketUnknown: If there is no such market.
            OutcomeUnknown: If the market has no such outcome.
        """
        column = self.catalogue.column(market_id, outcome_id)
        win, lose = self.win_weights[:, column], self.lose_weights()[:, column]
        back = 1.0 - win - lose
        none = np.zeros_like(win)
        if column not in self.catalogue.mirrored or not ids.is_quarter_line(_line(market_id)):
            return StakeParts(win, none, back, none, lose)
        if _whole_neighbour_is_below(market_id) == (outcome_id in {ids.OVER, ids.AWAY}):
            return StakeParts(win, none, none, 2.0 * back, lose - back)
        return StakeParts(win - back, 2.0 * back, none, none, lose)


def goals_to_come(
    home_means: Floats,
    away_means: Floats,
    *,
    rhos: Floats,
    states: MatchStates,
    timing: GoalTiming,
    red_cards: RedCardEffects,
) -> GoalsToCome:
    """Return the goals still to come in matches, halves apart.

    Args:
        home_means: Mean goals of the whole match with full sides, before it began, shape (n,).
        away_means: As many.
        rhos: Dixon and Coles's rho, shape (n,).
        states: Where the matches stand, n of them.
        timing: How goals spread over the minutes.
        red_cards: What players sent off do to the rates.
    """
    return _goals_to_come(home_means, away_means, rhos, ScoringLeft.of(states, timing, red_cards), ALL_VIEWS)


def price_matches(
    home_means: Floats,
    away_means: Floats,
    *,
    rhos: Floats,
    states: MatchStates,
    timing: GoalTiming,
    red_cards: RedCardEffects,
) -> MatchPrices:
    """Price all markets of matches, whatever stage each is at.

    Args:
        home_means: Mean goals of the whole match with full sides, before it began, shape (n,).
        away_means: As many.
        rhos: Dixon and Coles's rho, shape (n,).
        states: Where the matches stand, n of them.
        timing: How goals spread over the minutes.
        red_cards: What players sent off do to the rates.

    Returns:
        Prices within 2e-8 of an unbounded grid on the final score and within 2e-6 elsewhere, where means are below 6; a
        row that cannot be priced is NaN throughout and says why in `flags`, and leaves the others as they are.

    Raises:
        ModelInputInvalid: If the columns differ in length.
    """
    left = ScoringLeft.of(states, timing, red_cards)
    return price_columns(home_means, away_means, rhos=rhos, left=left, columns=catalogue())


def price_columns(
    home_means: Floats, away_means: Floats, *, rhos: Floats, left: ScoringLeft, columns: Catalogue
) -> MatchPrices:
    """Price some markets of matches, as `price_matches` does all.

    Args:
        home_means: Mean goals of the whole match with full sides, before it began, shape (n,).
        away_means: As many.
        rhos: Dixon and Coles's rho, shape (n,).
        left: Where the matches stand, n of them.
        columns: What to price.

    Raises:
        ModelInputInvalid: If the columns differ in length.
    """
    flags = model_flags(home_means, away_means, rhos, left.flags)
    wins = np.empty((len(flags), columns.layout.outcome_count))
    fine = np.flatnonzero(flags == _FINE)
    if len(fine) < len(flags):
        wins[flags != _FINE] = np.nan
        home_means, away_means, rhos, left = home_means[fine], away_means[fine], rhos[fine], left.rows(fine)
    if len(fine):
        _price_in_chunks(_goals_to_come(home_means, away_means, rhos, left, columns.wanted), fine, columns, wins)
    return MatchPrices(columns, wins, flags)


def _goals_to_come(
    home_means: Floats, away_means: Floats, rhos: Floats, left: ScoringLeft, wanted: WantedViews
) -> GoalsToCome:
    means = np.array((home_means, away_means))
    shares_after = None
    if wanted.minutes:
        first, second = left.timing.shares_left(left.states)
        whole = (first + second)[:, None]
        after = left.timing.shares_left_after(left.states, MINUTE_BANDS)
        shares_after = np.divide(after, whole, out=np.zeros_like(after), where=whole > 0.0)
    return GoalsToCome(
        home_means, away_means, rhos, means * left.first_half, means * left.second_half, left.states, shares_after
    )


def read_markets(views: ScoreViews, states: MatchStates, columns: Catalogue, out: Floats) -> None:
    """Write the win weights of outcomes, read from score views, into rows of prices, shape (n, n_outcomes).

    Outcomes that need a view that there is not stay as they are.
    """
    begin, half = columns.full_time_count, columns.half_count
    np.matmul(views.full_time, final_score_wins(columns, views.sizes), out=out[:, :begin])
    if views.halves is not None:
        halves = half_matrix(views.sizes).win
        np.matmul(views.halves.first, halves, out=out[:, begin : begin + half])
        np.matmul(views.halves.second, halves, out=out[:, begin + half : begin + 2 * half])
        out[:, columns.results_begin : columns.results_begin + 9] = views.halves.results
        out[:, columns.results_begin + 9 : columns.orders_begin] = views.halves.totals
    if views.orders is not None:
        out[:, columns.orders_begin : columns.minutes_begin] = views.orders
    if views.minutes is not None:
        _write_minutes(views.minutes, states, out[:, columns.minutes_begin :])


def _price_in_chunks(goals: GoalsToCome, targets: NDArray[np.int64], columns: Catalogue, wins: Floats) -> None:
    wanted = columns.wanted
    sizes = goals.sizes()
    if len(wins) <= CHUNK_ROWS and np.count_nonzero(sizes == sizes[0]) == len(wins):
        read_markets(score_views(goals, SIZES[sizes[0]], wanted), goals.states, columns, wins)
        return
    for size in np.unique(sizes).tolist():
        rows = np.flatnonzero(sizes == size)
        for begin in range(0, len(rows), CHUNK_ROWS):
            chunk = rows[begin : begin + CHUNK_ROWS]
            part = goals.rows(chunk)
            places = targets[chunk]
            is_run = places[-1] - places[0] == len(places) - 1
            prices = wins[places[0] : places[-1] + 1] if is_run else np.empty((len(chunk), wins.shape[1]))
            read_markets(score_views(part, SIZES[size], wanted), part.states, columns, prices)
            if not is_run:
                wins[places] = prices


def _write_minutes(minutes: Floats, states: MatchStates, out: Floats) -> None:
    band_count = len(MINUTE_BANDS) + 1
    next_goals = states.home_goals + states.away_goals
    out[:] = np.nan
    for index in np.unique(next_goals[next_goals < len(NUMBERED_GOALS)]).tolist():
        rows = next_goals == index
        out[rows, index * band_count : (index + 1) * band_count] = minutes[rows]


def model_flags(home_means: Floats, away_means: Floats, rhos: Floats, flags: NDArray[np.int8]) -> NDArray[np.int8]:
    """Return a `RowFlag` a match: what is impossible about its goals, or about where it stands, as given.

    Raises:
        ModelInputInvalid: If the columns differ in length.
    """
    if any(column.shape != flags.shape for column in (home_means, away_means, rhos)):
        raise ModelInputInvalid(f"Means and rhos must have {len(flags)} rows, as the states have")
    flags = flags.copy()
    with np.errstate(invalid="ignore"):
        flags[~rho_is_possible(home_means, away_means, rhos)] = RowFlag.RHO_OUT_OF_RANGE
        is_possible = [(means >= 0.0) & (means <= GOAL_MEAN_MAX) for means in (home_means, away_means)]
    flags[~(is_possible[0] & is_possible[1])] = RowFlag.GOAL_MEANS_OUT_OF_RANGE
    return flags


def _line(market_id: str) -> float:
    return market_of(market_id).line or 0.0


def _whole_neighbour_is_below(market_id: str) -> bool:
    return round(_line(market_id) * 4) % 4 == 1
