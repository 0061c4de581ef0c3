"""Simulated bettors: who they are, when they come, what they want."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from simulation.contests.contest import Contest

BETTORS_PER_MATCH = 90.0
KICK_OFF_RUSH_S = 15 * 60.0
GOAL_RUSH_S = 4 * 60.0
PRE_MATCH_HORIZON_S = 50 * 60.0
SHARP_EDGE_MIN = 0.03
BONUS_DECIMAL_ODDS = 2.0
SPIN_SHARE = 0.3
SPIN_STAKES_MINOR = (20, 50, 100, 200)


class BettorKind(Enum):
    """Why somebody bets."""

    RECREATIONAL = "recreational"
    SHARP = "sharp"
    BONUS_HUNTER = "bonus hunter"


KIND_SHARES = {BettorKind.RECREATIONAL: 0.86, BettorKind.SHARP: 0.06, BettorKind.BONUS_HUNTER: 0.08}
STAKE_MEDIAN_MINOR = {BettorKind.RECREATIONAL: 800, BettorKind.SHARP: 12_000, BettorKind.BONUS_HUNTER: 1_000}
STAKE_SPREAD = {BettorKind.RECREATIONAL: 0.9, BettorKind.SHARP: 0.6, BettorKind.BONUS_HUNTER: 0.1}


@dataclass(frozen=True, slots=True)
class Arrival:
    """Somebody who comes to bet on a match, `elapsed_s` after kick-off; `taste` in [0, 1) decides between equals."""

    elapsed_s: float
    bettor: int
    kind: BettorKind
    stake_minor: int
    market_id: str
    taste: float
    accepts_any_price: bool


@dataclass(frozen=True, slots=True)
class Selection:
    """A price on offer and the true probability of its outcome."""

    market_id: str
    outcome_id: str
    decimal_odds_milli: int
    true_probability: float


def draw_arrivals(contest: Contest, *, population: int, generator: np.random.Generator) -> list[Arrival]:
    """Draw everybody who comes for a fixture, in order of time.

    The rate rises towards the start, is low in play, and jumps after what people come for: a goal, a set.
    """
    times_s = np.concatenate([draw_before_kick_off(generator), draw_in_play(contest, generator)])
    markets = contest.popular_markets
    return [
        draw_arrival(float(time_s), markets, population=population, generator=generator) for time_s in np.sort(times_s)
    ]


def draw_before_kick_off(generator: np.random.Generator) -> NDArray[np.float64]:
    """Return times before kick-off, most of them close to it."""
    times_s = -generator.exponential(KICK_OFF_RUSH_S, generator.poisson(0.6 * BETTORS_PER_MATCH))
    return np.asarray(times_s[times_s > -PRE_MATCH_HORIZON_S])


def draw_in_play(contest: Contest, generator: np.random.Generator) -> NDArray[np.float64]:
    """Return times in play: an even trickle, and a rush after each goal."""
    trickle = generator.uniform(0.0, contest.duration_s, generator.poisson(0.25 * BETTORS_PER_MATCH))
    rushes = [
        rush_s + generator.exponential(GOAL_RUSH_S, generator.poisson(0.08 * BETTORS_PER_MATCH))
        for rush_s in contest.rushes_s
    ]
    times_s = np.concatenate([trickle, *rushes])
    return np.asarray(times_s[times_s < contest.duration_s])


def draw_arrival(
    elapsed_s: float, markets: Sequence[str], *, population: int, generator: np.random.Generator
) -> Arrival:
    """Draw who comes and what they have in mind."""
    kinds = list(KIND_SHARES)
    kind = kinds[int(generator.choice(len(kinds), p=list(KIND_SHARES.values())))]
    stake_minor = STAKE_MEDIAN_MINOR[kind] * float(np.exp(STAKE_SPREAD[kind] * generator.standard_normal()))
    return Arrival(
        elapsed_s=elapsed_s,
        bettor=int(generator.integers(population)),
        kind=kind,
        stake_minor=max(50, 50 * round(stake_minor / 50)),
        market_id=markets[int(generator.integers(len(markets)))],
        taste=float(generator.uniform()),
        accepts_any_price=bool(generator.uniform() < 0.5),
    )


def choose(arrival: Arrival, offers: Sequence[Selection]) -> Selection | None:
    """Return what the bettor takes of all that is on offer; None where nothing pleases."""
    if arrival.kind is BettorKind.SHARP:
        return choose_value(offers)
    if arrival.kind is BettorKind.BONUS_HUNTER:
        return choose_near_even(offers)
    return choose_for_fun([offer for offer in offers if offer.market_id == arrival.market_id], taste=arrival.taste)


def spin_stake_minor(arrival: Arrival) -> int:
    """Return for how much somebody spins a slot while their bet is on, zero for who does not."""
    is_tempted = arrival.kind is BettorKind.RECREATIONAL and arrival.taste < SPIN_SHARE
    return SPIN_STAKES_MINOR[arrival.stake_minor // 50 % len(SPIN_STAKES_MINOR)] if is_tempted else 0


def choose_value(offers: Sequence[Selection]) -> Selection | None:
    """Return the offer with the largest expected gain, if it is worth the trouble."""
    best = max(offers, key=expected_gain, default=None)
    return best if best is not None and expected_gain(best) > SHARP_EDGE_MIN else None


def expected_gain(offer: Selection) -> float:
    """Return the expected profit of one unit staked."""
    return offer.true_probability * offer.decimal_odds_milli / 1000.0 - 1.0


def choose_near_even(offers: Sequence[Selection]) -> Selection | None:
    """Return the shortest price that a bonus would count."""
    counting = [offer for offer in offers if offer.decimal_odds_milli >= BONUS_DECIMAL_ODDS * 1000]
    return min(counting, key=lambda offer: offer.decimal_odds_milli, default=None)


def choose_for_fun(offers: Sequence[Selection], *, taste: float) -> Selection | None:
    """Return one of a market's offers, the likelier the more often."""
    weights = np.cumsum([1000.0 / offer.decimal_odds_milli for offer in offers])
    if not offers:
        return None
    return offers[min(int(np.searchsorted(weights, taste * weights[-1], side="right")), len(offers) - 1)]
