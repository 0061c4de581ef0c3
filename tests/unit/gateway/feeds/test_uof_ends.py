"""How matches of the Unified Odds Feed end: which score our own markets are settled by, and when they are not yet."""

from __future__ import annotations

import pytest

from gateway.feeds.uof import UofAdapter
from gateway.feeds.validation import UpdateValidator
from markets.fixture import FixtureDescription, FixtureStatus, Period, Score
from markets.results import ResultKind
from odds.fixture.state import FixtureState
from odds.folding.fold import fold
from odds.pricing.own_markets import own_results
from odds.pricing.policy import PricingPolicy
from odds.pricing.repricing import price
from overround.feed.v1 import feed_pb2
from tests.builders.football_world import quoted
from tests.builders.pricing_world import NOW_US, folded, update
from wire.feed import parse_update

OFFER = ("btts", "correct_score", "half_time_full_time", "first_half_1x2", "total:2.25")
POLICY = PricingPolicy(own_offers={"football": OFFER})
UP = frozenset({"uof:1"})
FIRST_HALF, BREAK, SECOND_HALF = "1,6,1-0,30:00", "1,31,1-0", "1,7,1-1,90:00"
DRAWN = {
    "correct_score": "1-1",
    "half_time_full_time": "home/draw",
    "first_half_1x2": "home",
    "btts": "yes",
    "total:2.25": "under half",
}
HALF_TIME_ALONE = {"first_half_1x2": "home"}


def message(told: str, time_ms: int) -> bytes:
    """Return the message of a state written as status,match_status,score,clock;period scores."""
    head, _, halves = told.partition(";")
    status, code, score, clock = (*head.split(","), "", "", "")[:4]
    home, _, away = score.partition("-")
    attributes = f'status="{status}"' + (f' match_status="{code}"' if code else "")
    attributes += f' home_score="{home}" away_score="{away}"' if score else ""
    inner = f'<clock match_time="{clock}"/>' if clock else ""
    if halves:
        periods = (item.split(":") for item in halves.split())
        told_scores = ((played, *goals.split("-")) for played, goals in periods)
        inner += "<period_scores>" + "".join(
            f'<period_score match_status_code="{played}" home_score="{home_goals}" away_score="{away_goals}"/>'
            for played, home_goals, away_goals in told_scores
        )
        inner += "</period_scores>"
    return (
        f'<odds_change product="1" event_id="sr:match:7" timestamp="{time_ms}"><sport_event_status {attributes}>'
        f"{inner}</sport_event_status></odds_change>"
    ).encode()


def played(*states: str) -> FixtureState:
    """Return a match that a provider quotes after it told some states."""
    quotes = quoted(market_ids=("1x2", "total:2.5", "handicap:-0.5"))
    first = update(provider_id="uof:1", quoted=quotes, description=FixtureDescription("football"), sequence=1)
    state = price([folded(first)], up_providers=UP, policy=POLICY, now_us=NOW_US)[0].state
    adapter, validator = UofAdapter(), UpdateValidator()
    for place, told in enumerate(states):
        (said,) = adapter.read(message(told, 1_700_000_000_000 + 60_000 * place)).updates
        validator.check(said)
        said.received_time_us = NOW_US + place
        state = fold(state, parse_update(feed_pb2.FeedUpdate.FromString(said.SerializeToString()), appended_time_us=0))
        state = price([state], up_providers=UP, policy=POLICY, now_us=NOW_US + place)[0].state
    return state


def winners(state: FixtureState) -> dict[str, str]:
    """Return the outcome of each own market that wins, in part where it does; void ones as "void"."""
    won = {}
    for result in own_results(state):
        if result.kind is ResultKind.CANCEL:
            won[result.market_id] = "void"
        for outcome in result.outcomes:
            if outcome.win_factor_micro:
                half = " half" if outcome.void_factor_micro else ""
                won[result.market_id] = outcome.outcome_id + half
    return won


@pytest.mark.parametrize(
    "states",
    [
        [FIRST_HALF, BREAK, SECOND_HALF, "1,32,1-1", "1,41,1-1,95:00", "1,42,2-1,110:00", "4,110,2-1"],
        [FIRST_HALF, BREAK, SECOND_HALF, "4,110,2-1;6:1-0 7:0-1 40:1-0"],
        [FIRST_HALF, BREAK, SECOND_HALF, "4,110,2-1;6:1-0 7:0-1 41:0-0 42:1-0"],
        [FIRST_HALF, BREAK, "4,110,2-1;6:1-0 7:0-1 40:1-0"],
        [FIRST_HALF, "4,110,2-1;6:1-0 7:0-1 40:1-0"],
        [FIRST_HALF, BREAK, SECOND_HALF, "3,,1-1"],
        [FIRST_HALF, BREAK, SECOND_HALF, "3,,1-1", "4,,1-1"],
        [FIRST_HALF, BREAK, SECOND_HALF, "3,100,1-1"],
        [FIRST_HALF, BREAK, SECOND_HALF, "4,110,1-1"],
        [FIRST_HALF, BREAK, SECOND_HALF, "1,34,1-1", "1,50,1-1", "4,120,1-1"],
        [FIRST_HALF, BREAK, SECOND_HALF, "1,34,1-1", "1,50,3-1", "4,120,5-4"],
        [FIRST_HALF, BREAK, SECOND_HALF, "1,41,1-1,95:00", "9,90,2-1,100:00"],
        [FIRST_HALF, BREAK, SECOND_HALF, "3,,2-1;6:1-0 7:0-1 40:1-0"],
        [FIRST_HALF, BREAK, "1,7,1-0,60:00", "1,41,1-1,95:00;6:1-0 7:0-1", "4,110,2-1"],
    ],
)
def test_markets_on_normal_time_are_settled_by_its_score(states: list[str]) -> None:
    assert winners(played(*states)) == DRAWN


@pytest.mark.parametrize(
    "states",
    [
        [FIRST_HALF, BREAK, SECOND_HALF, "4,110,2-1"],
        [FIRST_HALF, BREAK, SECOND_HALF, "4,120,2-1"],
        [FIRST_HALF, BREAK, SECOND_HALF, "1,41,2-1,95:00", "4,110,2-1"],
        [FIRST_HALF, BREAK, SECOND_HALF, "1,34,2-2", "4,120,2-2"],
        [FIRST_HALF, BREAK, SECOND_HALF, "1,35,2-1", "4,110,2-1"],
        [FIRST_HALF, BREAK, SECOND_HALF, "1,52,2-1", "4,120,2-1"],
        [FIRST_HALF, BREAK, SECOND_HALF, "3,,2-1"],
        [FIRST_HALF, BREAK, SECOND_HALF, "3"],
        [FIRST_HALF, BREAK, SECOND_HALF, "3,100"],
        [FIRST_HALF, BREAK, SECOND_HALF, "3,91,1-1"],
        [FIRST_HALF, BREAK, SECOND_HALF, "3,4711,1-1"],
        [FIRST_HALF, BREAK, SECOND_HALF, "3,100,2-1;6:1-0 7:0-1"],
        [FIRST_HALF, BREAK, SECOND_HALF, "4,110,2-1;6:1-0 7:2-1 40:0-0"],
        [FIRST_HALF, BREAK, SECOND_HALF, "4,110,2-1;6:1-0 7:0-1 7:0-1"],
        [FIRST_HALF, BREAK, SECOND_HALF, "1,32,1-1;6:1-0 7:1-1", "4,110,2-1"],
        [FIRST_HALF, BREAK, "3,,2-1"],
    ],
)
def test_where_the_score_of_normal_time_is_not_certain_nothing_is_settled_by_it(states: list[str]) -> None:
    state = played(*states)
    assert state.is_play_over
    assert winners(state) == HALF_TIME_ALONE


def test_a_goal_told_with_the_wait_for_extra_time_is_of_normal_time() -> None:
    states = [FIRST_HALF, BREAK, "1,7,1-1,89:00", "1,32,2-2", "1,41,2-2,91:00", "4,110,3-2"]
    expected = {**DRAWN, "correct_score": "2-2", "total:2.25": "over"}
    assert winners(played(*states)) == expected


def test_a_half_time_that_was_never_told_is_known_from_the_scores_of_the_halves() -> None:
    states = [FIRST_HALF, "1,7,1-1,60:00;6:1-1", "3,100,1-1;6:1-1 7:0-0"]
    said = winners(played(*states))
    assert (said["first_half_1x2"], said["half_time_full_time"], said["correct_score"]) == ("draw", "draw/draw", "1-1")
    running = played(FIRST_HALF, "1,6,1-0,40:00;6:1-0")
    assert running.period_scores.half_time is None


@pytest.mark.parametrize("end", ["9,90,3-0,70:00", "9,,3-0", "4,90,3-0", "9,90"])
def test_an_abandoned_match_stands_where_it_is_decided(end: str) -> None:
    said = winners(played(FIRST_HALF, "1,31,2-0", "1,7,3-0,70:00", end))
    assert said == {
        **dict.fromkeys(("correct_score", "half_time_full_time", "btts"), "void"),
        "first_half_1x2": "home",
        "total:2.25": "over",
    }


def test_a_match_called_off_by_its_description_keeps_its_score() -> None:
    state = played(FIRST_HALF, "1,31,2-0", "1,7,3-0,70:00")
    change = '<fixture_change product="1" event_id="sr:match:7" timestamp="1790000000000" change_type="3"/>'
    (said,) = UofAdapter().read(change.encode()).updates
    state = fold(state, parse_update(said, appended_time_us=0))
    assert state.state is not None
    assert (state.state.status, state.state.period) == (FixtureStatus.CANCELLED, Period.SECOND_HALF)
    assert winners(price([state], up_providers=UP, policy=POLICY, now_us=NOW_US)[0].state)["total:2.25"] == "over"


def test_extra_time_is_remembered_until_the_match_goes_back() -> None:
    state = played(FIRST_HALF, BREAK, SECOND_HALF, "1,32,1-1", "1,7,1-1,91:00", "3,100,2-1")
    assert state.period_scores.full_time == Score(2, 1)
    assert winners(state)["correct_score"] == "2-1"
