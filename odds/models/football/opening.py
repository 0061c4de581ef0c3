"""What the markets of a match open at, by a model fitted to past results: before anybody else has quoted them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np

from markets.football import market_ids as ids
from markets.layout import MarketLayout
from odds.models.football.catalogue import catalogue, full_time_matrix
from odds.models.football.goal_models import FittedGoalModel
from odds.models.football.score_grids import Floats
from odds.models.football.score_views import SIZES

OPENING_MARKETS: Final = (
    ids.RESULT,
    *(ids.line_market_id(ids.TOTAL, line) for line in (1.5, 2.5, 3.5)),
    *(ids.line_market_id(ids.HANDICAP, line) for line in (-0.5, 0.5)),
)
"""The result, and lines enough for a joint distribution to be fitted to: other markets are read from that."""

_SIZES: Final = SIZES[1]


def opening_chances(model: FittedGoalModel, home_names: Sequence[str], away_names: Sequence[str]) -> Floats:
    """Return the fair probabilities of fixtures to come.

    Args:
        model: Fitted to past results of the competition.
        home_names: One a fixture, as the model knows them.
        away_names: As many.

    Returns:
        Shape (n, n_outcomes), columns as those of `opening_layout`.

    Raises:
        GoalModelMalformed: If a team is not in the model.
    """
    means = model.goal_means(home_names, away_names)
    grids = model.score_grid(*means, size=_SIZES.full_time).reshape(len(home_names), -1)
    layout, matrix = opening_layout(), full_time_matrix(_SIZES)
    columns = [
        catalogue().column(market_id, outcome_id)
        for place, market_id in enumerate(layout.market_ids)
        for outcome_id in layout.outcome_ids_of(place)
    ]
    wins, losses = grids @ matrix.win[:, columns], grids @ matrix.lose[:, columns]
    return np.asarray(wins / (wins + losses))


@lru_cache(maxsize=1)
def opening_layout() -> MarketLayout:
    """Return the markets that are opened."""
    known = catalogue().layout
    return MarketLayout.of_markets(
        (market_id, known.outcome_ids_of(known.market_index(market_id))) for market_id in OPENING_MARKETS
    )
