"""Every forecaster walked through every season, settings chosen on the way by earlier seasons alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from studies.accuracy.choice import base_rates, choose_settings, take_chosen
from studies.accuracy.goal_model_walk import (
    DIXON_COLES,
    MODELS,
    Advance,
    WalkedModel,
    refits_of,
    walk_goal_model,
)
from studies.accuracy.history import forecast_years
from studies.accuracy.rating_walk import ELO, PI, walk_elo, walk_pi
from studies.accuracy.seasons import MatchTable

Floats = NDArray[np.float64]

HALF_LIVES_DAYS: Final = (365.0, 90.0, 180.0, 730.0, 1_460.0)
"""Among which earlier seasons choose; the first is for the first season, which has none before it."""
GOALS_LINE: Final = 2.5
BASE_RATE: Final = "base rate"
ELO_NAME, PI_NAME = "Elo, ordered logit", "Pi, ordered logit"


@dataclass(frozen=True, slots=True, eq=False)
class Walks:
    """What was forecast.

    Attributes:
        results: Home, draw and away by forecaster, shape (n_matches, 3); NaN where it has no past to go by.
        totals: Over and under 2.5 goals by forecaster, shape (n_matches, 2).
        rhos: Rho of Dixon and Coles's model before each match, shape (n_matches,).
        settings: What was chosen, in words, by setting and season.
    """

    results: Mapping[str, Floats]
    totals: Mapping[str, Floats]
    rhos: Floats
    settings: Mapping[str, Mapping[int, str]]


def refits_in_all(table: MatchTable) -> int:
    """Return how many fits `walk_all` makes."""
    return (len(HALF_LIVES_DAYS) + len(MODELS)) * refits_of(table, dict.fromkeys(forecast_years(table), 0.0))


def walk_all(table: MatchTable, *, advance: Advance, say: Callable[[str], None]) -> Walks:
    """Walk every forecaster.

    Args:
        table: All matches.
        advance: Called after every fit.
        say: Told which forecaster is walking.
    """
    half_lives = choose_half_lives(table, advance=advance, say=say)
    settings = {"half-life of a match, days": {year: f"{days:.0f}" for year, days in half_lives.items()}}
    results: dict[str, Floats] = {}
    totals: dict[str, Floats] = {}
    rhos = np.full(len(table.days), np.nan)
    for model in MODELS:
        say(model.name)
        forecasts = walk_goal_model(table, model, half_lives, advance)
        chosen = choose_settings(table, forecasts.probabilities)
        results[model.name] = take_chosen(table, forecasts.probabilities, chosen)
        over = take_chosen(table, forecasts.over_probabilities, chosen)
        totals[model.name] = np.stack([over, 1.0 - over], axis=1)
        if model == DIXON_COLES:
            rhos = forecasts.rhos
        if len(model.gammas) > 1:
            settings["Rue-Salvesen gamma"] = {year: f"{model.gammas[place]:.2f}" for year, place in chosen.items()}
    for name, forecasts_of_all in ((ELO_NAME, walk_elo(table)), (PI_NAME, walk_pi(table))):
        chosen = choose_settings(table, forecasts_of_all)
        results[name] = take_chosen(table, forecasts_of_all, chosen)
        settings[name] = {year: _rating_setting(name, place) for year, place in chosen.items()}
    results[BASE_RATE] = base_rates(table, np.arange(3) == table.results[:, None])
    is_over = table.home_goals + table.away_goals > GOALS_LINE
    totals[BASE_RATE] = base_rates(table, np.stack([is_over, ~is_over], axis=1))
    return Walks(results, totals, rhos, settings)


def choose_half_lives(table: MatchTable, *, advance: Advance, say: Callable[[str], None]) -> dict[int, float]:
    """Return, by season, the half-life under which Dixon and Coles's model did best in the seasons before.

    Every goal model takes it: they differ in how goals scatter, not in how fast teams change.
    """
    candidates = []
    for days in HALF_LIVES_DAYS:
        say(f"{DIXON_COLES.name}, half-life {days:.0f} days")
        candidates.append(_walk_at(table, DIXON_COLES, days, advance))
    chosen = choose_settings(table, np.stack(candidates))
    return {year: HALF_LIVES_DAYS[place] for year, place in chosen.items()}


def _walk_at(table: MatchTable, model: WalkedModel, days: float, advance: Advance) -> Floats:
    years = dict.fromkeys(forecast_years(table), days)
    return np.asarray(walk_goal_model(table, model, years, advance).probabilities[0])


def _rating_setting(name: str, place: int) -> str:
    if name == ELO_NAME:
        return f"step {ELO.step[place]:.0f}, margin power {ELO.margin_power[place]:.0f}"
    return f"learning {PI.learning_rate[place]:.3f}, catch-up {PI.catch_up_rate[place]:.1f}"
