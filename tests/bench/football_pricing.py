"""Football models and prices, microseconds a match on one pinned core: `python -m tests.bench.football_pricing`."""

from __future__ import annotations

import csv
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np

from infra.house import read_house
from infra.settings import HOUSE_DIR
from markets.fixture import Period
from odds.models.builder_legs import BuilderLeg
from odds.models.football.bet_builder import next_legs, price_legs
from odds.models.football.catalogue import Catalogue, catalogue, part_of_catalogue
from odds.models.football.goal_family import GoalFamily
from odds.models.football.goal_models import GoalModelSpec, fit_goal_model
from odds.models.football.implied_means import PriceTargets, imply_goal_means
from odds.models.football.markets import MatchPrices, goals_to_come, price_columns, price_matches
from odds.models.football.match_scores import match_scores
from odds.models.football.match_states import GoalTiming, MatchStates, RedCardEffects, ScoringLeft
from odds.models.football.results import MatchResults
from tests.bench import peers

SEASON = Path(__file__).resolve().parents[3] / "shared" / "data" / "football" / "E0_2011-2012.csv"
RUNS, PEER_RUNS = 15, 5
BATCH = 1_000
TIMING, RED_CARDS = GoalTiming(), RedCardEffects()
QUOTED = ("1x2", "total:0.5", "total:1.5", "total:2.5", "total:3.5", "total:4.5")
USUAL_OFFER = frozenset({*read_house(HOUSE_DIR).pricing.own_offers["football"], *QUOTED})
TARGETS = (("1x2", "home"), ("1x2", "draw"), ("1x2", "away"), ("total:2.5", "over"), ("total:2.5", "under"))


def best_us(work: Callable[[], object], *, runs: int = RUNS) -> float:
    """Return the shortest time of some runs in microseconds; the shortest is the least disturbed."""
    work()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times) * 1e6


def beside(what: str, work: Callable[[], object]) -> str:
    """Return what penaltyblog takes for the same, or for what it can do of it."""
    return f"penaltyblog {best_us(work, runs=PEER_RUNS):,.0f} us, {what}"


def live_states(random: np.random.Generator) -> MatchStates:
    """Return matches spread over both halves."""
    is_second = random.random(BATCH) < 0.5
    minutes = np.where(is_second, 45.0 + random.uniform(0, 48, BATCH), random.uniform(0, 46, BATCH))
    before = random.poisson(0.6, (2, BATCH))
    after = random.poisson(0.4, (2, BATCH)) * is_second
    cards = (random.random((2, BATCH)) < 0.05).astype(np.int64)
    periods = np.where(is_second, int(Period.SECOND_HALF), int(Period.FIRST_HALF))
    return MatchStates(periods, minutes, np.full(BATCH, np.nan), *(before + after), *before, *cards)


def report(name: str, microseconds: float, others: str) -> None:
    """Print one line of the table."""
    sys.stdout.write(f"| {name} | {microseconds:,.2f} us | {others} |\n")


def main() -> None:
    """Print the table."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    sys.stdout.write("| work | here | beside |\n|---|---|---|\n")
    random = np.random.default_rng(1)
    home, away = random.uniform(0.6, 2.2, BATCH), random.uniform(0.5, 1.9, BATCH)
    rhos = np.full(BATCH, -0.05)
    fresh, live = MatchStates.before_kick_off(BATCH), live_states(random)

    def price(states: MatchStates, columns: Catalogue) -> MatchPrices:
        left = ScoringLeft.of(states, TIMING, RED_CARDS)
        return price_columns(home, away, rhos=rhos, left=left, columns=columns)

    one_match = (float(home[0]), float(away[0]), float(rhos[0]))
    count = peers.penaltyblog_markets(*one_match)
    peer = beside(f"its {count} prices", lambda: peers.penaltyblog_markets(*one_match))
    for offer in (part_of_catalogue(USUAL_OFFER), catalogue()):
        outcomes = offer.layout.outcome_count
        report(
            f"{outcomes} outcomes before play, {BATCH} matches, each",
            best_us(partial(price, fresh, offer)) / BATCH,
            peer,
        )
        report(
            f"{outcomes} outcomes in play, {BATCH} matches, each",
            best_us(partial(price, live, offer)) / BATCH,
            "nobody",
        )
    prices = price_matches(home, away, rhos=rhos, states=fresh, timing=TIMING, red_cards=RED_CARDS)
    fair = prices.fair_probabilities()
    report("fair probabilities from what wins, each", best_us(prices.fair_probabilities) / BATCH, "")
    columns = np.stack([fair[:, prices.catalogue.column(*column)] for column in TARGETS], axis=1)
    targets = PriceTargets(TARGETS, columns, np.ones(len(TARGETS)))
    report(
        "1x2 and a total to means, each",
        best_us(lambda: imply_goal_means(targets, rhos=rhos, states=fresh, timing=TIMING, red_cards=RED_CARDS)) / BATCH,
        beside("from the 1x2 alone", lambda: peers.penaltyblog_goal_means(*columns[0, :3].tolist())),
    )
    match = match_scores(
        goals_to_come(
            home[:1], away[:1], rhos=rhos[:1], states=MatchStates.before_kick_off(1), timing=TIMING, red_cards=RED_CARDS
        )
    )
    legs = [BuilderLeg("1x2", "home"), BuilderLeg("total:2.5", "over"), BuilderLeg("first_half_1x2", "draw")]
    report("a conjunction of three legs", best_us(lambda: price_legs(match, legs)), "")
    report("every leg that can be added to them", best_us(lambda: next_legs(match, legs)), "")
    if SEASON.exists():
        results, spec = read_season(), GoalModelSpec(GoalFamily.DIXON_COLES)
        reached, peers_reached = fit_goal_model(results, spec).log_likelihood, peers.penaltyblog_dixon_coles(results)
        report(
            f"Dixon-Coles fit, 380 matches, to a log-likelihood of {reached:.4f}",
            best_us(lambda: fit_goal_model(results, spec)),
            beside(f"to {peers_reached:.4f}", lambda: peers.penaltyblog_dixon_coles(results)),
        )


def read_season() -> MatchResults:
    """Return the season that fits are measured on."""
    with SEASON.open(encoding="latin-1") as lines:
        rows = [row for row in csv.DictReader(lines) if row["FTHG"]]
    names = [[row[name] for row in rows] for name in ("HomeTeam", "AwayTeam")]
    goals = [[int(row[name]) for row in rows] for name in ("FTHG", "FTAG")]
    return MatchResults.of(names[0], names[1], goals[0], goals[1])


if __name__ == "__main__":
    main()
