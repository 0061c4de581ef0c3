"""Every sport of the simulated day, from its draw through pricing to the settlement of our own markets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import pytest

from infra.house import read_house
from infra.settings import ROOT
from markets.catalogue import SPORTS
from markets.fixture import FixtureDescription, FixtureStatus, MarketStatus
from markets.results import ResultKind
from odds.fixture.book import PriceSource
from odds.fixture.state import FixtureState, new_state
from odds.folding.fold import fold
from odds.pricing.own_markets import own_results
from odds.pricing.policy import PricingPolicy
from odds.pricing.repricing import Repricing, price
from odds.sports.registry import PRICERS
from overround.odds.v1 import fixture_pb2
from simulation.contests.basketball import draw_basketball
from simulation.contests.contest import Contest
from simulation.contests.cricket import draw_cricket
from simulation.contests.draw import PROGRAMME, draw_contests
from simulation.contests.goal_games import draw_goal_game
from simulation.contests.racing import RaceContest, draw_race
from simulation.contests.tennis import draw_tennis
from simulation.messages import build_update
from simulation.providers import PROFILES, report_contest
from tests.builders.pricing_world import NOW_US
from wire.feed import parse_update

GOAL_GAMES = {name: sport.goal_game for name, sport in SPORTS.items() if sport.goal_game is not None}
POLICY = PricingPolicy(
    own_offers={
        **dict.fromkeys(GOAL_GAMES, ("double_chance", "total:4.5", "btts", "period_result")),
        **read_house(ROOT / "house").pricing.own_offers,
    }
)
Draw = Callable[[str, str, np.random.Generator], Contest]
DRAWS: dict[str, Draw] = {
    **{name: partial(draw_goal_game, name, game) for name, game in GOAL_GAMES.items()},
    "basketball": draw_basketball,
    "cricket": draw_cricket,
    "horse-racing": draw_race,
    "tennis": draw_tennis,
}
OPEN, SETTLED, CANCELLED = MarketStatus.OPEN, MarketStatus.SETTLED, MarketStatus.CANCELLED
REPORTS_BETWEEN = 9
"""Only every so many of the reports in play are priced: hundreds of each match would say the same."""


def drawn(sport: str, seed: int) -> Contest:
    return DRAWS[sport]("A", "B", np.random.default_rng((7, seed)))


def played(contest: Contest, profile: int = 0) -> Iterator[Repricing]:
    """Yield the book after each word of a provider."""
    state = new_state("match")
    description = fixture_pb2.FixtureDescription(
        sport=contest.sport,
        home_name=contest.home_name,
        away_name=contest.away_name,
        participants=[fixture_pb2.Participant(id=key, name=name) for key, name in contest.participants],
    )
    reports = list(report_contest(contest, PROFILES[profile], (1,), quoted_from_s=-1e9))
    for number, report in enumerate(reports):
        if not (report.is_bet_stop or number % REPORTS_BETWEEN == 0 or number > len(reports) - 4):
            continue
        now_us = NOW_US + int(report.elapsed_s * 1e6)
        update = build_update(report, description, fixture_id="match", sequence=number + 1, time_ms=now_us // 1_000)
        update.provider_id, update.received_time_us = PROFILES[profile].provider_id, now_us
        state = fold(state, parse_update(update, appended_time_us=now_us))
        repricing = price(
            [state], up_providers=frozenset({PROFILES[profile].provider_id}), policy=POLICY, now_us=now_us
        )[0]
        state = repricing.state
        yield repricing


def statuses(state: FixtureState) -> dict[str, int]:
    assert state.book is not None
    return dict(zip(state.layout.market_ids, state.book.market_statuses.tolist(), strict=True))


def test_the_programme_has_every_sport_that_has_a_model() -> None:
    contests = [contest for _, contest in draw_contests(len(PROGRAMME), 1)]
    assert {contest.sport for contest in contests} == {"football", *DRAWS} == PRICERS.keys() - {"greyhound-racing"}


@pytest.mark.parametrize("sport", sorted(DRAWS.keys() - {"tennis"}))
def test_the_favourite_wins_as_often_as_is_true(sport: str) -> None:
    chances, won = [], []
    for seed in range(60):
        contest = drawn(sport, seed)
        truth = contest.truths(-60.0, np.zeros(2))[0]
        at = int(truth.probabilities.argmax())
        chances.append(float(truth.probabilities[at]))
        won.append(contest.results()[truth.market_id][truth.outcome_ids[at]] == "won")
    error = np.sqrt((np.array(chances) * (1.0 - np.array(chances))).sum()) / len(chances)
    assert abs(np.mean(won) - np.mean(chances)) < 4.0 * error


@pytest.mark.parametrize("sport", DRAWS)
def test_every_quoted_market_has_a_result(sport: str) -> None:
    contest = drawn(sport, 3)
    truths = {truth.market_id: truth for truth in contest.truths(-60.0, np.zeros(2))}
    assert truths.keys() == contest.results().keys()
    for market_id, truth in truths.items():
        assert truth.probabilities.sum() == pytest.approx(1.0)
        assert list(contest.results()[market_id].values()).count("won") == 1
        assert tuple(contest.results()[market_id]) == truth.outcome_ids


@pytest.mark.parametrize("sport", DRAWS)
def test_a_match_is_priced_by_its_model_from_before_the_start_and_our_markets_are_settled(
    sport: str,
) -> None:
    contest = drawn(sport, 1)
    modelled, in_play = [], 0
    last = None
    for repricing in played(contest):
        last = repricing.state
        told, book = last.state, last.book
        assert told is not None
        assert book is not None
        open_markets = [market_id for market_id, status in statuses(last).items() if status == OPEN]
        if told.status >= FixtureStatus.ENDED or last.providers[0].bet_stops.all():
            assert open_markets == [], "nothing is open behind a stop or the end"
            continue
        if not open_markets:
            continue
        in_play += told.status is FixtureStatus.IN_PLAY
        sources = repricing.explanation.price_sources
        modelled.append(float(np.mean(sources[book.market_statuses == OPEN] == PriceSource.MODEL)))
        for market_id in open_markets:
            index = last.layout.market_index(market_id)
            odds = book.decimal_odds_milli[last.layout.offsets[index] : last.layout.offsets[index + 1]]
            assert (1_000.0 / odds[odds > 0]).sum() > 0.0
    assert last is not None
    assert np.mean(modelled) > 0.8
    assert in_play > 10 or sport == "horse-racing"
    own = {result.market_id: result for result in own_results(last)}
    assert own
    assert all(result.kind in (ResultKind.SETTLEMENT, ResultKind.CANCEL) for result in own.values())
    assert not any(result.referral_reason for result in own.values())
    assert {statuses(last)[market_id] for market_id in own} <= {SETTLED, CANCELLED}


def test_our_places_are_paid_to_those_who_came_home_in_them() -> None:
    contest = drawn("horse-racing", 5)
    assert isinstance(contest, RaceContest)
    last = list(played(contest))[-1].state
    own = {result.market_id: result for result in own_results(last)}
    for market_id, places in (("place_2", 2), ("place_3", 3)):
        paid = {outcome.outcome_id for outcome in own[market_id].outcomes if outcome.win_factor_micro}
        assert paid == {contest.participants[runner][0] for runner in contest.order[:places]}


def test_a_description_reaches_pricing_with_its_runners() -> None:
    contest = drawn("horse-racing", 5)
    first = next(played(contest)).state
    assert isinstance(first.description, FixtureDescription)
    assert len(first.description.participants) == len(contest.participants)
