"""What other packages do of the same work; none of them knows batches. `make bench-odds` installs them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import goto_conversion
import penaltyblog
import shin

from markets.football.selections import MATCH_LINES
from odds.models.football.results import MatchResults

SIDES: Final = ("home", "away")
SCORES: Final = range(MATCH_LINES.correct_score_goals_max + 1)


MARGIN_METHODS: Final[Mapping[str, Callable[[list[float]], object]]] = {
    "shin (Rust), Shin": shin.calculate_implied_probabilities,
    "goto_conversion, its Shin": goto_conversion.efficient_shin_conversion,
    "penaltyblog, Shin": partial(penaltyblog.implied.calculate_implied, method="shin"),
    "goto_conversion, goto": goto_conversion.goto_conversion,
}
"""What takes the margin out of one book of decimal odds."""


def penaltyblog_markets(home_mean: float, away_mean: float, rho: float) -> int:
    """Price all of a match's markets that penaltyblog knows, on the lines that are offered here; return how many."""
    grid = penaltyblog.models.create_dixon_coles_grid(home_mean, away_mean, rho)
    prices = [*grid.home_draw_away, grid.double_chance_1x, grid.double_chance_12, grid.double_chance_x2]
    prices += [grid.draw_no_bet_home, grid.draw_no_bet_away, grid.btts_yes, grid.btts_no]
    prices += [grid.win_to_nil_home(), grid.win_to_nil_away()]
    for line in MATCH_LINES.totals:
        under, _, over = grid.totals(line)
        prices += [under, over]
    for line in MATCH_LINES.handicaps:
        prices += [grid.asian_handicap_probs(side, line)["win"] for side in SIDES]
    prices += [grid.exact_score(home, away) for home in SCORES for away in SCORES]
    prices += grid.total_goals_distribution()[: MATCH_LINES.exact_goals_max].tolist()
    return len(prices)


def penaltyblog_goal_means(home: float, draw: float, away: float) -> object:
    """Find the goal means behind chances of home, draw and away."""
    return penaltyblog.models.goal_expectancy(home, draw, away)


def penaltyblog_dixon_coles(results: MatchResults) -> float:
    """Fit Dixon and Coles's model; return its log-likelihood."""
    teams = [[results.teams[place] for place in side.tolist()] for side in (results.home_teams, results.away_teams)]
    goals = [side.astype(int).tolist() for side in (results.home_goals, results.away_goals)]
    model = penaltyblog.models.DixonColesGoalModel(*goals, *teams)
    model.fit()
    return float(model.loglikelihood)
