"""Simulated odds providers: what each says about a match, when, and how wrongly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from odds.margin.application import apply_margin
from odds.margin.methods import MarginMethod
from overround.odds.v1 import fixture_pb2
from simulation.contests.contest import Contest, MarketTruth, Results, Turn

PRE_MATCH_INTERVAL_S = 120.0
IN_PLAY_INTERVAL_S = 20.0
# How long a provider says nothing but "stop" after something decisive: a goal, a red card.
STOP_SECONDS = 40.0
DECIDED_PROBABILITY = 0.992
DECIMAL_ODDS_MIN = 1.01
DECIMAL_ODDS_MAX = 501.0
PRICED_HORIZON_S = 60 * 60.0


@dataclass(frozen=True, slots=True)
class ProviderProfile:
    """How one provider behaves."""

    provider_id: str
    overround: float
    # Standard deviation of its error in the log of a side's strength, and how fast it changes (0 never, 1 at once).
    noise: float
    noise_change: float
    delay_s: float
    # Share of its messages with one price gone wrong.
    outlier_share: float
    outages_per_day: float
    outage_s: float
    # One provider a match reports what counts for settlement.
    is_official: bool = False


PROFILES = (
    ProviderProfile("sim-alpha", 1.045, 0.010, 0.02, 3.0, 0.000, 1.0, 240.0, is_official=True),
    ProviderProfile("sim-bravo", 1.060, 0.020, 0.03, 6.0, 0.002, 3.0, 400.0),
    ProviderProfile("sim-charlie", 1.075, 0.035, 0.05, 11.0, 0.006, 5.0, 600.0),
)


@dataclass(frozen=True, slots=True)
class MarketQuote:
    """A provider's prices for one market; None where it offers none."""

    market_id: str
    outcome_ids: tuple[str, ...]
    decimal_odds: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class ProviderReport:
    """One message of a provider about one fixture, `elapsed_s` after its start (negative before it)."""

    elapsed_s: float
    state: fixture_pb2.MatchState
    quotes: tuple[MarketQuote, ...] = ()
    is_bet_stop: bool = False
    results: Results = field(default_factory=dict)


def report_contest(
    contest: Contest, profile: ProviderProfile, seeds: Sequence[int], *, quoted_from_s: float
) -> Iterator[ProviderReport]:
    """Yield all that a provider says about a fixture, in order of time.

    It sees play `delay_s` late; its opinion of the sides' strengths wanders around the truth.

    Args:
        contest: The fixture.
        profile: Who reports.
        seeds: What fixes all of its errors.
        quoted_from_s: Reports before this time come without prices; the others are the same whatever it is.
    """
    generator = np.random.default_rng(seeds)
    noise = np.zeros(2)
    for index, (elapsed_s, turn) in enumerate(report_times(contest, profile, generator)):
        seen_s = elapsed_s - profile.delay_s
        state = contest.state_at(seen_s)
        noise = wander(noise, profile, generator)
        if turn is not None and turn.is_decisive:
            results = turn.results if profile.is_official else {}
            yield ProviderReport(elapsed_s, state, is_bet_stop=True, results=results)
        elif state.status == fixture_pb2.FIXTURE_STATUS_ENDED:
            results = contest.results() if profile.is_official else {}
            yield ProviderReport(elapsed_s, state, is_bet_stop=True, results=results)
        elif elapsed_s < quoted_from_s:
            yield ProviderReport(elapsed_s, state)
        else:
            slips = np.random.default_rng((*seeds, index))
            yield ProviderReport(elapsed_s, state, quote_contest(contest, seen_s, profile, noise, slips))


def report_times(
    contest: Contest, profile: ProviderProfile, generator: np.random.Generator
) -> list[tuple[float, Turn | None]]:
    """Return when the provider speaks, and what it speaks of where betting stops for it."""
    start_s, stop_s = -PRICED_HORIZON_S, contest.duration_s
    seen = [(turn.elapsed_s + profile.delay_s, turn) for turn in contest.turns]
    decisive = [(time_s, turn) for time_s, turn in seen if turn.is_decisive]
    spoken = spread(start_s, 0.0, PRE_MATCH_INTERVAL_S, generator) + spread(0.0, stop_s, IN_PLAY_INTERVAL_S, generator)
    spoken += [time_s for time_s, turn in seen if not turn.is_decisive]
    times: list[tuple[float, Turn | None]] = [
        (time_s, None)
        for time_s in spoken
        if time_s < stop_s and all(not 0 <= time_s - stop < STOP_SECONDS for stop, _ in decisive)
    ]
    times += decisive
    times.append((stop_s + profile.delay_s, None))
    return sorted(times, key=lambda pair: pair[0])


def spread(start_s: float, stop_s: float, interval_s: float, generator: np.random.Generator) -> list[float]:
    """Return times about `interval_s` apart, each moved a little so that no two feeds beat together."""
    count = int((stop_s - start_s) / interval_s)
    times = start_s + (np.arange(count) + generator.uniform(0.1, 0.9, count)) * interval_s
    return [float(time_s) for time_s in times]


def wander(noise: NDArray[np.float64], profile: ProviderProfile, generator: np.random.Generator) -> NDArray[np.float64]:
    """Return the next error of an opinion: a stationary first-order autoregression."""
    keep = 1.0 - profile.noise_change
    step = profile.noise * np.sqrt(1.0 - keep * keep)
    return np.asarray(keep * noise + step * generator.standard_normal(2))


def quote_contest(
    contest: Contest,
    seen_s: float,
    profile: ProviderProfile,
    noise: NDArray[np.float64],
    generator: np.random.Generator,
) -> tuple[MarketQuote, ...]:
    """Return the provider's prices for every market still open."""
    quotes = quote_markets(contest.truths(seen_s, noise), profile.overround)
    if quotes and generator.uniform() < profile.outlier_share:
        index = int(generator.integers(len(quotes)))
        quotes[index] = distort(quotes[index], factor=float(generator.uniform(1.5, 3.0)))
    return tuple(quotes)


def quote_markets(truths: Sequence[MarketTruth], overround: float) -> list[MarketQuote]:
    """Return prices with the margin spread by power, long ones shortened most; a decided market is offered no more."""
    fair = np.full((len(truths), max((len(truth.outcome_ids) for truth in truths), default=0)), np.nan)
    for row, truth in zip(fair, truths, strict=True):
        if truth.probabilities.max() <= DECIDED_PROBABILITY:
            row[: len(truth.outcome_ids)] = truth.probabilities
    fair[fair <= 0.0] = np.nan
    wanted = overround * np.nansum(fair, axis=1)
    implied = apply_margin(fair, overrounds=wanted, method=MarginMethod.POWER).probabilities.tolist()
    return [
        MarketQuote(truth.market_id, truth.outcome_ids, tuple(map(quote_price, row[: len(truth.outcome_ids)])))
        for truth, row in zip(truths, implied, strict=True)
    ]


def quote_price(implied_probability: float) -> float | None:
    """Return decimal odds, cut to cents; None where nobody would quote, as for what cannot be (NaN)."""
    if not implied_probability * DECIMAL_ODDS_MAX > 1.0:
        return None
    return max(DECIMAL_ODDS_MIN, int(100.0 / implied_probability) / 100.0)


def distort(quote: MarketQuote, *, factor: float) -> MarketQuote:
    """Return the quote with its first price wrong by a factor, as a slip of the finger makes it."""
    first = quote.decimal_odds[0]
    wrong = None if first is None else round(min(first * factor, DECIMAL_ODDS_MAX), 2)
    return MarketQuote(quote.market_id, quote.outcome_ids, (wrong, *quote.decimal_odds[1:]))


def draw_outages(
    profile: ProviderProfile, *, day_s: float, generator: np.random.Generator
) -> list[tuple[float, float]]:
    """Return the stretches of the day, from and to in seconds, in which the provider is silent."""
    starts = np.sort(generator.uniform(0.0, day_s, generator.poisson(profile.outages_per_day)))
    return [(float(start), float(start + generator.exponential(profile.outage_s))) for start in starts]
