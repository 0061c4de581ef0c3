"""Sports that are declared as games of goals by periods: when they have a model, and how their markets come out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from markets.fixture import FixtureDescription, FixtureStatus, MatchState, Score
from markets.goal_games import GoalGame
from markets.layout import MarketLayout
from markets.periods import PeriodsState
from markets.results import MarketResult, ResultKind
from odds.fixture.state import Asked, FixtureState, ModelFit, new_state
from odds.models.goal_games import GoalForecast, GoalScores, final_scores, goal_market_chances, goal_markets
from odds.sports.goal_games import GoalGames

PRICER = GoalGames({"bandy": GoalGame(period_count=2, period_seconds=2_700, overtime_seconds=1_800, goals=8.0)})
RESULT, OVER_UNDER, SIDES = ("home", "draw", "away"), ("over", "under"), ("home", "away")
LAYOUT = MarketLayout.of_markets(
    [
        ("1x2", RESULT),
        ("total:7.5", OVER_UNDER),
        ("winner", SIDES),
        ("period_result:1", RESULT),
        ("period_result:2", RESULT),
    ]
)
IN_PLAY, ENDED, CANCELLED = FixtureStatus.IN_PLAY, FixtureStatus.ENDED, FixtureStatus.CANCELLED
MEANS = (4.5, 3.5)


def told(*periods: tuple[int, int], left_s: int = 0, status: FixtureStatus = IN_PLAY) -> MatchState:
    scores = tuple(Score(*period) for period in periods)
    home, away = (sum(period[side] for period in periods) for side in (0, 1))
    return MatchState(status, home_score=home, away_score=away, sport=PeriodsState(0, 0, 0, scores, left_s))


def fixture(state: MatchState | None, layout: MarketLayout = LAYOUT) -> FixtureState:
    empty = new_state("x")
    return replace(
        empty,
        layout=layout,
        result_statuses=np.zeros(layout.market_count, dtype=np.uint8),
        description=FixtureDescription("bandy"),
        state=state,
    )


def quoted(at: GoalScores, *, win: float = 0.6) -> np.ndarray:
    """Return what providers say of the result, the total and who wins by these means; of periods nothing."""
    forecast = GoalForecast(np.array([MEANS[0]]), np.array([MEANS[1]]), np.array([1.2]))
    known = goal_markets()
    chances = goal_market_chances(final_scores(forecast, at), np.arange(known.outcome_count))[0]
    over = chances[known.outcome_index("total:7.5", "over")]
    return np.array([*chances[:3], over, 1.0 - over, win, 1.0 - win, *[np.nan] * 6])


def scores(home: int, away: int, left: float) -> GoalScores:
    return GoalScores(np.array([home]), np.array([away]), np.array([left]))


def fitted(state: FixtureState, blended: np.ndarray) -> ModelFit | None:
    [fit] = PRICER.fit([Asked(state, blended)], error_max=0.02)
    return fit


def chances(fit: ModelFit | None, market_id: str) -> list[float]:
    assert fit is not None
    assert fit.fair_probabilities is not None
    begin, end = (int(LAYOUT.offsets[LAYOUT.market_index(market_id) + step]) for step in (0, 1))
    return list(fit.fair_probabilities[begin:end].tolist())


def test_before_the_start_the_sport_s_own_periods_are_taken_where_nobody_tells_them() -> None:
    fit = fitted(fixture(None), quoted(scores(0, 0, 1.0)))
    assert fit is not None
    assert (fit.figures["home goals"], fit.figures["away goals"]) == pytest.approx(MEANS, rel=1e-2)
    assert fit.figures["draw factor"] == pytest.approx(1.2, rel=1e-2)
    assert chances(fit, "winner") == pytest.approx([0.6, 0.4], abs=1e-4)
    assert chances(fit, "period_result:1") == pytest.approx(chances(fit, "period_result:2"))


def test_in_play_a_period_that_is_over_is_certain_and_the_clock_counts() -> None:
    state = fixture(told((1, 2), (1, 0), left_s=900))
    fit = fitted(state, quoted(scores(2, 2, 1.0 / 6.0)))
    assert fit is not None
    assert fit.figures["home goals"] == pytest.approx(MEANS[0], rel=2e-2)
    assert chances(fit, "period_result:1") == [0.0, 0.0, 1.0]
    assert chances(fit, "period_result:2")[0] > 0.6


def test_in_overtime_the_result_is_certain_and_who_wins_is_as_it_is_quoted() -> None:
    blended = np.full(LAYOUT.outcome_count, np.nan)
    blended[5:7] = 0.42, 0.58
    fit = fitted(fixture(told((1, 2), (2, 1), (0, 0), left_s=300)), blended)
    assert chances(fit, "1x2") == [0.0, 1.0, 0.0]
    assert chances(fit, "winner") == pytest.approx([0.42, 0.58], abs=1e-9)


@pytest.mark.parametrize(
    "state",
    [
        fixture(told(status=IN_PLAY)),
        fixture(replace(told((1, 2), left_s=100), home_score=2)),
        fixture(replace(told((1, 2), left_s=100), is_score_unknown=True)),
        fixture(replace(told((1, 2), left_s=100), sport=None)),
        fixture(told((21, 2), left_s=100)),
        fixture(told((1, 2), (0, 0), status=ENDED)),
        replace(fixture(None), description=FixtureDescription("chess")),
        replace(fixture(None), description=None),
    ],
)
def test_what_is_not_told_for_certain_is_not_modelled(state: FixtureState) -> None:
    assert fitted(state, quoted(scores(0, 0, 1.0))) is None


def test_without_all_three_results_or_any_total_there_is_nothing_to_fit() -> None:
    for missing in (1, 3):
        blended = quoted(scores(0, 0, 1.0))
        blended[missing] = np.nan
        fit = fitted(fixture(None), blended)
        assert fit is not None
        assert fit.fair_probabilities is None
        assert fit.figures == {}


def test_the_same_prices_at_the_same_moment_are_not_fitted_again() -> None:
    state, blended = fixture(None), quoted(scores(0, 0, 1.0))
    fit = fitted(state, blended)
    assert fitted(replace(state, fit=fit), blended + 1e-12) is fit


def result(state: MatchState, market_id: str, outcome_ids: tuple[str, ...]) -> MarketResult | None:
    evidence = PRICER.evidence(fixture(state))
    return None if evidence is None else PRICER.decide(market_id, outcome_ids, evidence)


def winner(said: MarketResult | None) -> str:
    if said is None:
        return "nothing"
    won = [outcome.outcome_id for outcome in said.outcomes if outcome.win_factor_micro]
    return "void" if said.kind is ResultKind.CANCEL or not won else ", ".join(won)


LEVEL = told((1, 2), (3, 2), (1, 0), status=ENDED)
"""4-4 after the periods, won by the home side in overtime."""


@pytest.mark.parametrize(
    ("market_id", "outcome_ids", "won"),
    [
        ("1x2", RESULT, "draw"),
        ("double_chance", ("1x", "12", "x2"), "1x, x2"),
        ("draw_no_bet", SIDES, "void"),
        ("winner", SIDES, "home"),
        ("total:8", OVER_UNDER, "void"),
        ("total:8.5", OVER_UNDER, "under"),
        ("handicap:-0.5", SIDES, "away"),
        ("period_result:1", RESULT, "away"),
        ("period_result:2", RESULT, "home"),
        ("nobody_knows", SIDES, "nothing"),
    ],
)
def test_goals_of_the_periods_decide_and_who_wins_counts_overtime(
    market_id: str, outcome_ids: tuple[str, ...], won: str
) -> None:
    assert winner(result(LEVEL, market_id, outcome_ids)) == won


def test_a_game_that_ends_level_leaves_open_who_won() -> None:
    level = told((1, 2), (3, 2), status=ENDED)
    assert winner(result(level, "1x2", RESULT)) == "draw"
    assert result(level, "winner", SIDES) is None


@pytest.mark.parametrize(
    "state",
    [
        told((1, 2), status=ENDED),
        replace(LEVEL, home_score=4),
        replace(LEVEL, is_score_unknown=True),
        replace(LEVEL, sport=None),
        replace(LEVEL, status=IN_PLAY),
    ],
)
def test_an_end_that_does_not_add_up_pays_nobody(state: MatchState) -> None:
    assert result(state, "1x2", RESULT) is None


def test_of_a_game_called_off_what_no_goal_could_change_stands() -> None:
    off = told((3, 2), (1, 0), left_s=600, status=CANCELLED)
    said = {
        market_id: winner(result(off, market_id, outcome_ids))
        for market_id, outcome_ids in (
            ("1x2", RESULT),
            ("total:5.5", OVER_UNDER),
            ("total:6.5", OVER_UNDER),
            ("btts", ("yes", "no")),
            ("period_result:1", RESULT),
            ("period_result:2", RESULT),
            ("winner", SIDES),
        )
    }
    assert said == {
        "1x2": "void",
        "total:5.5": "over",
        "total:6.5": "void",
        "btts": "yes",
        "period_result:1": "home",
        "period_result:2": "void",
        "winner": "void",
    }


def test_a_game_called_off_in_overtime_has_its_result() -> None:
    off = told((1, 2), (2, 1), (0, 0), left_s=600, status=CANCELLED)
    assert winner(result(off, "1x2", RESULT)) == "draw"
    assert winner(result(off, "winner", SIDES)) == "void"


def test_a_game_that_was_never_begun_is_void() -> None:
    assert winner(result(MatchState(CANCELLED), "total:7.5", OVER_UNDER)) == "void"


def test_our_own_markets_come_with_the_result_and_a_total() -> None:
    names = ("double_chance", "period_result", "total:5.5")
    assert all(PRICER.knows_offer(name) for name in names)
    assert not PRICER.knows_offer("first_half_1x2")
    offered = PRICER.offer(fixture(None), names)
    assert offered.market_ids == ("double_chance", "period_result:1", "period_result:2", "total:5.5")
    assert PRICER.offer(fixture(None), names) is offered
    alone = MarketLayout.of_markets([("winner", SIDES), ("total:5.5", OVER_UNDER)])
    assert PRICER.offer(fixture(None, alone), names).market_count == 0
