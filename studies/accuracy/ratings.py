"""Ratings that follow results: Elo and Pi.

Matches are rated in their order. Those that share no team with an earlier one still to be rated are rated together,
which changes nothing but the speed. Every function rates under several settings at once: the first axis is the setting.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from odds.model_input import ModelInputInvalid, require

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

ELO_SPREAD: Final = 400.0
"""Rating points that make the better team ten times as likely."""
PI_SPREAD: Final = 3.0
"""Pi rating that makes a team expected to win by nine goals (10 - 1), and the weight of an error's logarithm."""
HOME, AWAY = 0, 1


@dataclass(frozen=True, slots=True)
class PlayedMatches:
    """Matches in the order of play; each of shape (n_matches,).

    Attributes:
        home: Row of the home team.
        away: Row of the away team.
        home_goals: Its goals.
        away_goals: Its opponent's goals.
    """

    home: Counts
    away: Counts
    home_goals: Counts
    away_goals: Counts

    def __post_init__(self) -> None:
        is_valid = (self.home != self.away) & (self.home >= 0) & (self.away >= 0)
        require(is_valid, expected="A match must be of two teams of row 0 or more", found=self.home)
        is_valid = (self.home_goals >= 0) & (self.away_goals >= 0)
        require(is_valid, expected="Goals must be 0 or more", found=np.minimum(self.home_goals, self.away_goals))


@dataclass(frozen=True, slots=True)
class EloSettings:
    """Settings of Elo ratings; each of shape (n_settings,).

    Attributes:
        step: Points that an entirely unexpected result moves.
        margin_power: Power of one plus the goal difference by which the step grows; 0.0 for none.
        home_advantage: Points added to the home team.
    """

    step: Floats
    margin_power: Floats
    home_advantage: Floats


@dataclass(frozen=True, slots=True)
class PiSettings:
    """Settings of Pi ratings; each of shape (n_settings,).

    Attributes:
        learning_rate: How far an error moves the rating of the ground played on; 0.035 in the paper.
        catch_up_rate: How much of that move the other ground's rating follows; 0.7 in the paper.
    """

    learning_rate: Floats
    catch_up_rate: Floats


@dataclass(frozen=True, slots=True)
class RatedMatches:
    """What ratings made of matches.

    Attributes:
        ratings: Shape (n_settings, n_teams) for Elo, (n_settings, n_teams, 2) for Pi: at home, away. After the last.
        forecasts: Shape (n_settings, n_matches), before each match: Elo's expected score of the home team (a draw is a
            half), or Pi's expected goal difference.
    """

    ratings: Floats
    forecasts: Floats


@dataclass(frozen=True, slots=True)
class OrderedLogit:
    """From one number to home, draw and away.

    Attributes:
        slope: How much the number counts.
        away_cut: Below it, with the logistic noise, the away team wins.
        home_cut: Above it the home team wins; at least `away_cut`.
    """

    slope: float
    away_cut: float
    home_cut: float

    def __post_init__(self) -> None:
        if not self.away_cut <= self.home_cut:
            raise ModelInputInvalid(f"The away cut must be at most the home cut, was {self}")

    def probabilities(self, differences: Floats) -> Floats:
        """Return the chances of home, draw and away, shape (n_matches, 3), each row summing to 1.0."""
        level = self.slope * differences
        home, away = expit(level - self.home_cut), expit(self.away_cut - level)
        return np.stack([home, np.maximum(1.0 - home - away, 0.0), away], axis=1)


def expected_score(differences: Floats) -> Floats:
    """Return Elo's expected score of a team rated higher by so many points, any shape."""
    return np.asarray(expit(differences * (np.log(10.0) / ELO_SPREAD)))


def rate_by_elo(matches: PlayedMatches, settings: EloSettings, ratings: Floats) -> RatedMatches:
    """Rate matches by Elo.

    Args:
        matches: In the order of play.
        settings: Rated under each.
        ratings: Shape (n_settings, n_teams), before the first match.

    Source:
        Elo (1978); the goal difference as in Hvattum and Arntzen (2010).
    """
    ratings = ratings.copy()
    forecasts = np.empty((len(ratings), len(matches.home)))
    difference = matches.home_goals - matches.away_goals
    results = (np.sign(difference) + 1.0) / 2.0
    for wave in find_waves(matches.home, matches.away):
        home, away = matches.home[wave], matches.away[wave]
        lead = ratings[:, home] - ratings[:, away] + settings.home_advantage[:, None]
        forecasts[:, wave] = expected_score(lead)
        growth = (1.0 + np.abs(difference[wave])) ** settings.margin_power[:, None]
        move = settings.step[:, None] * growth * (results[wave] - forecasts[:, wave])
        ratings[:, home] += move
        ratings[:, away] -= move
    return RatedMatches(ratings, forecasts)


def rate_by_pi(matches: PlayedMatches, settings: PiSettings, ratings: Floats) -> RatedMatches:
    """Rate matches by Pi: each team at home and away, by how far the goal difference is from what was expected.

    Args:
        matches: In the order of play.
        settings: Rated under each.
        ratings: Shape (n_settings, n_teams, 2), at home and away, before the first match.

    Source:
        Constantinou and Fenton (2013).
    """
    ratings = ratings.copy()
    forecasts = np.empty((len(ratings), len(matches.home)))
    difference = matches.home_goals - matches.away_goals
    learning, catch_up = settings.learning_rate[:, None], settings.catch_up_rate[:, None]
    for wave in find_waves(matches.home, matches.away):
        home, away = matches.home[wave], matches.away[wave]
        expected = expected_goals_ahead(ratings[:, home, HOME]) - expected_goals_ahead(ratings[:, away, AWAY])
        forecasts[:, wave] = expected
        error = difference[wave] - expected
        move = learning * np.sign(error) * PI_SPREAD * np.log10(1.0 + np.abs(error))
        ratings[:, home, HOME] += move
        ratings[:, home, AWAY] += catch_up * move
        ratings[:, away, AWAY] -= move
        ratings[:, away, HOME] -= catch_up * move
    return RatedMatches(ratings, forecasts)


def expected_goals_ahead(ratings: Floats) -> Floats:
    """Return by how many goals a team of a Pi rating is expected to beat an average one, any shape."""
    return np.asarray(np.sign(ratings) * np.expm1(np.abs(ratings) * (np.log(10.0) / PI_SPREAD)))


def find_waves(home: Counts, away: Counts) -> list[Counts]:
    """Return matches in groups to be rated one after the other, no team twice in a group.

    Args:
        home: Shape (n_matches,), row of the home team, in the order of play.
        away: Likewise of the away team.

    Returns:
        Positions of matches; of a team's matches the earlier is always in an earlier group.
    """
    wave_by_team: dict[int, int] = {}
    waves: list[list[int]] = []
    for position, pair in enumerate(zip(home.tolist(), away.tolist(), strict=True)):
        wave = max(wave_by_team.get(team, -1) for team in pair) + 1
        wave_by_team.update(dict.fromkeys(pair, wave))
        if wave == len(waves):
            waves.append([])
        waves[wave].append(position)
    return [np.array(wave, dtype=np.int64) for wave in waves]


def fit_ordered_logit(differences: Floats, results: Counts) -> OrderedLogit:
    """Find the ordered logit under which results are likeliest.

    Args:
        differences: Shape (n_matches,), what tells the teams apart.
        results: Shape (n_matches,), 0 home, 1 draw, 2 away; each must occur.

    Raises:
        ModelInputInvalid: If a result is missing, or no likeliest model is found.
    """
    seen = np.bincount(results, minlength=3)
    require((seen > 0) & (len(seen) == 3), expected="Each of home, draw, away must occur", found=seen)
    scale = float(np.std(differences)) or 1.0
    rows = np.arange(len(results))

    def loss(values: Floats) -> float:
        model = OrderedLogit(float(values[0]), float(values[1]), float(values[1] + np.exp(values[2])))
        chances = model.probabilities(differences / scale)[rows, results]
        return -float(np.log(np.maximum(chances, np.finfo(np.float64).tiny)).mean())

    found = minimize(loss, np.array([1.0, -0.5, 0.0]), method="BFGS", options={"gtol": 1e-6})
    slope, away_cut, width = (float(value) for value in found.x)
    if not np.isfinite(found.x).all() or float(np.abs(found.jac).max()) > 1e-4:
        raise ModelInputInvalid(f"A likeliest model was expected, was {found.message}")
    return OrderedLogit(slope / scale, away_cut, away_cut + float(np.exp(width)))
