"""The questions asked of the forecasts, each answered by one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from odds.margin.methods import MarginMethod
from studies.accuracy.comparisons import JUDGED, METRICS, BlockMean, Line, block_mean, compare
from studies.accuracy.goal_model_walk import DIXON_COLES, MODELS, POISSON
from studies.accuracy.metrics import log_losses
from studies.accuracy.plots import Forecast
from studies.accuracy.prices import (
    REFERENCE_METHOD,
    Bets,
    are_known,
    fair_by,
    fair_by_every_method,
    imply_over,
    name_of,
    take_bets,
)
from studies.accuracy.seasons import BOOKMAKERS, MatchTable
from studies.accuracy.walks import Walks

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

CLOSING: Final = "PSC"
AVERAGE: Final = "BbAv"
LARGEST: Final = "B365"
"""The largest of the bookmakers that priced every match."""
SCORED_FROM: Final = 2012
"""The season before is forecast too, but only to choose settings by: its own could not be chosen by anything."""
TAKEN_BEFORE_THE_CLOSE: Final = ("PS", LARGEST, AVERAGE, "BbMx")
PLOTTED_METHODS: Final = (
    MarginMethod.MULTIPLICATIVE,
    MarginMethod.SHIN,
    MarginMethod.POWER,
    MarginMethod.ODDS_RATIO,
)
TAIL: Final = 0.1
"""Longshots and favourites are the tenth of prices at either end."""


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Everything there is to judge by."""

    table: MatchTable
    walks: Walks

    def fair(self, book: str) -> Floats:
        """Return a bookmaker's fair probabilities by the reference method, shape (n_matches, 3)."""
        return fair_by(self.table.decimal_odds[book], REFERENCE_METHOD)

    def is_scored(self, last_year: int | None = None) -> Flags:
        """Return which matches models are scored on, shape (n_matches,)."""
        years = self.table.season_years
        return np.asarray((years >= SCORED_FROM) & (years <= (years.max() if last_year is None else last_year)))

    def compare(self, forecasts: Mapping[str, Floats], *, reference: str, rows: Flags) -> list[Line]:
        """Compare forecasts of home, draw and away on some matches, in half-week blocks."""
        return compare(
            {name: each[rows] for name, each in forecasts.items()},
            reference=reference,
            results=self.table.results[rows],
            blocks=self.table.half_weeks[rows],
        )


@dataclass(frozen=True, slots=True, eq=False)
class MethodCells:
    """How margin methods fare on one bookmaker's prices.

    Attributes:
        book: Its name.
        matches: Matches that every method could price.
        refused: Matches that some method could not.
        overround: Mean sum of the implied probabilities, of all.
        differences: To the reference method, by score and method.
    """

    book: str
    matches: int
    refused: int
    overround: float
    differences: Mapping[str, Mapping[MarginMethod, BlockMean]]


def models_at_the_close(evidence: Evidence) -> list[Line]:
    """Hold every model against Pinnacle's closing prices."""
    forecasts = {BOOKMAKERS[CLOSING]: evidence.fair(CLOSING), **evidence.walks.results}
    return evidence.compare(
        forecasts, reference=BOOKMAKERS[CLOSING], rows=evidence.is_scored() & are_known(*forecasts.values())
    )


def errors_by_month(evidence: Evidence) -> list[float]:
    """Return by how much the standard errors of `models_at_the_close` grow if whole months are the blocks."""
    closing = evidence.fair(CLOSING)
    rows = evidence.is_scored() & are_known(closing, *evidence.walks.results.values())
    results = evidence.table.results[rows]
    growths = []
    for score in (METRICS[name] for name in JUDGED):
        reference = score(closing[rows], results)
        for forecasts in evidence.walks.results.values():
            differences = score(forecasts[rows], results) - reference
            errors = [
                block_mean(differences, each[rows]) for each in (evidence.table.half_weeks, evidence.table.months)
            ]
            growths.append(errors[1].standard_error / errors[0].standard_error)
    return growths


def methods_at_the_close(evidence: Evidence) -> list[Line]:
    """Hold every margin method against the reference, on Pinnacle's closing prices."""
    fair = fair_by_every_method(evidence.table.decimal_odds[CLOSING], has_namesakes=True)
    forecasts = {name_of(method): each for method, each in fair.items()}
    return evidence.compare(forecasts, reference=name_of(REFERENCE_METHOD), rows=are_known(*forecasts.values()))


def bookmakers_before_the_close(evidence: Evidence) -> list[Line]:
    """Hold prices collected one to three days before against Pinnacle's closing ones, on matches that all priced."""
    closed = are_known(evidence.fair(CLOSING))
    books = [book for book in BOOKMAKERS if are_known(evidence.fair(book))[closed].mean() > 0.99]
    forecasts = {BOOKMAKERS[book]: evidence.fair(book) for book in books}
    return evidence.compare(forecasts, reference=BOOKMAKERS[CLOSING], rows=are_known(*forecasts.values()))


def methods_by_bookmaker(evidence: Evidence) -> list[MethodCells]:
    """Hold every margin method against the reference on every bookmaker's prices."""
    return [_method_cells(evidence, book) for book in BOOKMAKERS]


def models_before_the_close(evidence: Evidence) -> list[Line]:
    """Hold every model against the average of all bookmakers, collected one to three days before."""
    forecasts = {BOOKMAKERS[AVERAGE]: evidence.fair(AVERAGE), **evidence.walks.results}
    return evidence.compare(
        forecasts, reference=BOOKMAKERS[AVERAGE], rows=evidence.is_scored() & are_known(*forecasts.values())
    )


def models_alone(evidence: Evidence) -> list[Line]:
    """Hold every model against the simplest goal model, in all seasons, with and without prices."""
    forecasts = {POISSON.name: evidence.walks.results[POISSON.name], **evidence.walks.results}
    return evidence.compare(
        forecasts, reference=POISSON.name, rows=evidence.is_scored() & are_known(*forecasts.values())
    )


def totals_before_the_close(evidence: Evidence) -> list[Line]:
    """Hold over and under 2.5 goals by every way against the average price."""
    table = evidence.table
    fair = fair_by_every_method(table.totals_decimal_odds[AVERAGE], has_namesakes=True)
    forecasts = {f"average price, {name_of(method)}": each for method, each in fair.items()}
    results_fair = evidence.fair(AVERAGE)
    for name, rhos in (("rho 0", np.zeros(len(table.days))), ("rho of Dixon-Coles", evidence.walks.rhos)):
        rows = np.flatnonzero(are_known(results_fair, rhos[:, None]))
        over = np.full(len(table.days), np.nan)
        over[rows] = imply_over(results_fair[rows], rhos[rows])
        forecasts[f"implied by average 1x2, {name}"] = np.stack([over, 1.0 - over], axis=1)
    forecasts |= evidence.walks.totals
    rows_known = evidence.is_scored() & are_known(*forecasts.values())
    return compare(
        {name: each[rows_known] for name, each in forecasts.items()},
        reference=f"average price, {name_of(REFERENCE_METHOD)}",
        results=np.asarray((table.home_goals + table.away_goals <= 2)[rows_known], dtype=np.int64),
        blocks=table.half_weeks[rows_known],
    )


def bets_before_the_close(evidence: Evidence) -> list[tuple[str, str, Bets]]:
    """Return what prices taken before the close were worth at it: whose, by whose choice, and how much."""
    closing = evidence.fair(CLOSING)
    choices = {"every price": None, f"{DIXON_COLES.name}'s choice": evidence.walks.results[DIXON_COLES.name]}
    lines = []
    for choice, chances in choices.items():
        for book in TAKEN_BEFORE_THE_CLOSE:
            bets = take_bets(evidence.table, evidence.table.decimal_odds[book], closing, chances)
            if bets is not None:
                lines.append((BOOKMAKERS[book], choice, bets))
    return lines


def longshots_and_favourites(evidence: Evidence) -> list[tuple[str, BlockMean, BlockMean]]:
    """Return by how much longshots and favourites came true more often than each method of removal says."""
    decimal_odds = evidence.table.decimal_odds[LARGEST]
    fair = fair_by_every_method(decimal_odds, has_namesakes=False)
    rows = are_known(*fair.values())
    happened = np.arange(3) == evidence.table.results[rows, None]
    implied = 1.0 / decimal_odds[rows]
    low, high = np.quantile(implied, [TAIL, 1.0 - TAIL])
    blocks = np.repeat(evidence.table.half_weeks[rows, None], 3, axis=1)
    lines = []
    for method, each in fair.items():
        left_over = happened - each[rows]
        tails = [block_mean(left_over[tail], blocks[tail]) for tail in (implied <= low, implied >= high)]
        lines.append((name_of(method), tails[0], tails[1]))
    return lines


def best_goal_model_before(evidence: Evidence) -> str:
    """Return the goal model with the lowest log loss in the seasons before the first closing prices."""
    closed = are_known(evidence.fair(CLOSING))
    first = int(evidence.table.season_years[closed].min())
    forecasts = {model.name: evidence.walks.results[model.name] for model in MODELS}
    rows = are_known(*forecasts.values()) & (evidence.table.season_years < first)
    results = evidence.table.results[rows]
    return min(forecasts, key=lambda name: float(log_losses(forecasts[name][rows], results).mean()))


def plotted_reliability(evidence: Evidence) -> dict[str, Forecast]:
    """Return closing prices and the best goal model, on the same matches."""
    model = best_goal_model_before(evidence)
    forecasts = {f"{BOOKMAKERS[CLOSING]}": evidence.fair(CLOSING), model: evidence.walks.results[model]}
    return _plotted(evidence, forecasts)


def plotted_bias(evidence: Evidence) -> dict[str, Forecast]:
    """Return the largest bookmaker's prices by four methods of removal."""
    decimal_odds = evidence.table.decimal_odds[LARGEST]
    return _plotted(evidence, {name_of(method): fair_by(decimal_odds, method) for method in PLOTTED_METHODS})


def _plotted(evidence: Evidence, forecasts: Mapping[str, Floats]) -> dict[str, Forecast]:
    rows = are_known(*forecasts.values())
    return {name: Forecast(each[rows], evidence.table.results[rows]) for name, each in forecasts.items()}


def _method_cells(evidence: Evidence, book: str) -> MethodCells:
    decimal_odds = evidence.table.decimal_odds[book]
    priced = are_known(decimal_odds)
    fair = fair_by_every_method(decimal_odds, has_namesakes=False)
    rows = are_known(*fair.values())
    results, blocks = evidence.table.results[rows], evidence.table.half_weeks[rows]
    differences = {
        name: _differences({method: METRICS[name](each[rows], results) for method, each in fair.items()}, blocks)
        for name in JUDGED
    }
    return MethodCells(
        BOOKMAKERS[book],
        int(rows.sum()),
        int((priced & ~rows).sum()),
        float((1.0 / decimal_odds[priced]).sum(axis=1).mean()),
        differences,
    )


def _differences(scores: Mapping[MarginMethod, Floats], blocks: NDArray[np.int64]) -> dict[MarginMethod, BlockMean]:
    reference = scores[REFERENCE_METHOD]
    return {
        method: block_mean(each - reference, blocks)
        for method, each in scores.items()
        if method is not REFERENCE_METHOD
    }
