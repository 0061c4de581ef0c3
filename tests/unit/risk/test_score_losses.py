"""What a match could still cost, at scores that one can follow by hand."""

from __future__ import annotations

import pytest

from markets.fixture import Period, Score
from markets.period_scores import PeriodScores
from risk.liability import FixtureLiability, MarketLiability, OutcomeLiability
from risk.score_losses import HALF_GOALS_MAX, MatchStanding, WorstLoss, worst_loss

OUTCOMES = {
    "1x2": ("home", "draw", "away"),
    "total:2.5": ("over", "under"),
    "total:4.5": ("over", "under"),
    "total:2.25": ("over", "under"),
    "half_time_full_time": tuple(f"{a}/{b}" for a in ("home", "draw", "away") for b in ("home", "draw", "away")),
}


def fixture(**bets: tuple[str, str, int, int]) -> FixtureLiability:
    """Return a fixture with bets of market, outcome, stake and payout."""
    markets: dict[str, MarketLiability] = {}
    for market_id, outcome_id, stake, payout in bets.values():
        before = markets.get(market_id, MarketLiability(market_id)).outcomes
        markets[market_id] = MarketLiability(market_id, {**before, outcome_id: OutcomeLiability(stake, payout, 1)})
    return FixtureLiability("f", "EUR", markets=markets)


def standing(
    home: int, away: int, period: Period, *, half_time: Score | None = None, full_time: Score | None = None
) -> MatchStanding:
    return MatchStanding(Score(home, away), period, PeriodScores(half_time, full_time))


CONTRADICTING = fixture(
    a=("1x2", "draw", 1_000, 4_000), b=("total:2.5", "under", 1_000, 2_000), c=("total:4.5", "over", 1_000, 6_000)
)


def test_outcomes_that_no_score_brings_together_are_not_added() -> None:
    found = worst_loss(CONTRADICTING, standing(0, 0, Period.FIRST_HALF), OUTCOMES)
    assert (found.amount_minor, CONTRADICTING.worst_loss_minor()) == (7_000, 9_000)
    assert found.score is not None
    assert found.score.home == found.score.away >= 3


def test_outcomes_that_are_impossible_by_now_cost_nothing() -> None:
    bets = fixture(a=("total:2.5", "under", 1_000, 9_000))
    assert worst_loss(bets, standing(1, 1, Period.SECOND_HALF), OUTCOMES).amount_minor == 8_000
    assert worst_loss(bets, standing(2, 1, Period.SECOND_HALF), OUTCOMES) == WorstLoss(0, None, 0)


def test_a_known_final_score_is_the_only_one() -> None:
    bets = fixture(a=("1x2", "draw", 1_000, 4_000), b=("1x2", "home", 500, 900))
    over = standing(2, 1, Period.FINISHED, full_time=Score(1, 1))
    assert worst_loss(bets, over, OUTCOMES) == WorstLoss(2_500, Score(1, 1), 0)


def test_after_normal_time_an_unknown_score_is_one_that_was_passed() -> None:
    bets = fixture(a=("total:2.5", "under", 1_000, 9_000), b=("total:4.5", "over", 1_000, 9_000))
    found = worst_loss(bets, standing(2, 1, Period.EXTRA_TIME), OUTCOMES)
    assert found.amount_minor == 9_000 - 2_000


def test_half_of_a_stake_on_a_quarter_line_is_handed_back() -> None:
    bets = fixture(a=("total:2.25", "over", 1_000, 2_000), b=("total:2.25", "under", 100, 200))
    two_goals = standing(1, 1, Period.FINISHED, full_time=Score(1, 1))
    # Half of the first stake is lost, half of it and of the second come back, half of the second wins.
    assert worst_loss(bets, two_goals, OUTCOMES).amount_minor == max(0, 500 + 50 + 100 - 1_100)


def test_a_half_that_is_over_is_not_played_again() -> None:
    bets = fixture(a=("half_time_full_time", "away/home", 100, 5_000), b=("half_time_full_time", "home/home", 100, 500))
    assert worst_loss(bets, standing(1, 0, Period.FIRST_HALF), OUTCOMES).amount_minor == 4_800
    known = standing(1, 0, Period.SECOND_HALF, half_time=Score(1, 0))
    assert worst_loss(bets, known, OUTCOMES).amount_minor == 300
    unknown = standing(1, 0, Period.SECOND_HALF)
    assert worst_loss(bets, unknown, OUTCOMES).amount_minor == 300


@pytest.mark.parametrize("outcome_ids", [("home", "away"), (), ("home", "draw", "away", "other")])
def test_a_market_of_other_outcomes_counts_with_its_own_worst(outcome_ids: tuple[str, ...]) -> None:
    bets = fixture(a=("1x2", "home", 100, 300), b=("total:2.5", "over", 100, 300))
    found = worst_loss(bets, standing(5, 0, Period.SECOND_HALF), {**OUTCOMES, "1x2": outcome_ids})
    assert (found.amount_minor, found.undecided_minor) == (400, 200)


def test_without_a_score_every_market_counts_with_its_own_worst() -> None:
    assert worst_loss(CONTRADICTING, None, OUTCOMES) == WorstLoss(9_000, None, 9_000)


def test_a_score_past_what_is_looked_at_leaves_the_sum() -> None:
    far = standing(HALF_GOALS_MAX * 2 + 1, 0, Period.SECOND_HALF)
    assert worst_loss(CONTRADICTING, far, OUTCOMES) == WorstLoss(9_000, None, 9_000)
