"""The worst loss of a match against every score settled one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hypothesis import example, given
from hypothesis import strategies as st

from markets.fixture import Period, Score
from markets.period_scores import PeriodScores
from risk.liability import FixtureLiability, MarketLiability, OutcomeLiability
from risk.score_losses import MatchStanding, worst_loss
from tests.tries import tries

GOALS_MAX = 8
"""Of a side in a half: who is four behind may yet lead by three, lose the other half and win by two."""
Settle = Callable[[Score, Score], dict[str, float | None]]


def side(home: int, away: int) -> str:
    return "home" if home > away else "away" if home < away else "draw"


def of_sides(home: int, away: int) -> dict[str, float | None]:
    return {name: float(name == side(home, away)) for name in ("home", "draw", "away")}


def on_line(above: str, below: str, distance: float) -> dict[str, float | None]:
    if distance == 0:
        return {above: None, below: None}
    return {above: float(distance > 0), below: float(distance < 0)}


def named(named_scores: list[str], home: int, away: int) -> dict[str, float | None]:
    score = f"{home}-{away}"
    return {
        **{name: float(name == score) for name in named_scores},
        "other": float(score not in named_scores),
    }


MATCH_SCORES = [f"{home}-{away}" for home in range(4) for away in range(4)]
PAIRS = [f"{half}/{full}" for half in ("home", "draw", "away") for full in ("home", "draw", "away")]
MARKETS: dict[str, Settle] = {
    "1x2": lambda _, ft: of_sides(ft.home, ft.away),
    "double_chance": lambda _, ft: {
        "1x": float(ft.home >= ft.away),
        "12": float(ft.home != ft.away),
        "x2": float(ft.home <= ft.away),
    },
    "draw_no_bet": lambda _, ft: on_line("home", "away", ft.home - ft.away),
    "total:2.5": lambda _, ft: on_line("over", "under", ft.home + ft.away - 2.5),
    "total:4": lambda _, ft: on_line("over", "under", ft.home + ft.away - 4),
    "handicap:-1": lambda _, ft: on_line("home", "away", ft.home - ft.away - 1),
    "btts": lambda _, ft: {"yes": float(ft.home > 0 < ft.away), "no": float(not ft.home > 0 < ft.away)},
    "odd_even": lambda _, ft: {"odd": (ft.home + ft.away) % 2, "even": 1 - (ft.home + ft.away) % 2},
    "correct_score": lambda _, ft: named(MATCH_SCORES, ft.home, ft.away),
    "first_half_1x2": lambda ht, _: of_sides(ht.home, ht.away),
    "second_half_1x2": lambda ht, ft: of_sides(ft.home - ht.home, ft.away - ht.away),
    "first_half_total:1.5": lambda ht, _: on_line("over", "under", ht.home + ht.away - 1.5),
    "half_time_full_time": lambda ht, ft: {
        pair: float(pair == f"{side(ht.home, ht.away)}/{side(ft.home, ft.away)}") for pair in PAIRS
    },
}
OUTCOMES = {market_id: list(settle(Score(0, 0), Score(0, 0))) for market_id, settle in MARKETS.items()}


def possible(standing: MatchStanding) -> Iterator[tuple[Score, Score]]:
    now, half = standing.score, standing.period_scores.half_time
    for home in range(GOALS_MAX + 1):
        for away in range(GOALS_MAX + 1):
            before = Score(home, away)
            if half is not None and before != half:
                continue
            if standing.period <= Period.FIRST_HALF and (home < now.home or away < now.away):
                continue
            if standing.period > Period.FIRST_HALF and (home > now.home or away > now.away):
                continue
            for more_home in range(GOALS_MAX + 1):
                for more_away in range(GOALS_MAX + 1):
                    final = Score(home + more_home, away + more_away)
                    if final.home >= now.home and final.away >= now.away:
                        yield before, final


def loss(liability: FixtureLiability, half_time: Score, full_time: Score) -> int:
    total = 0
    for market in liability.markets.values():
        parts = MARKETS[market.market_id](half_time, full_time)
        total -= market.stake_minor
        for outcome_id, position in market.outcomes.items():
            part = parts[outcome_id]
            total += position.stake_minor if part is None else round(part) * position.payout_minor
    return total


@st.composite
def liabilities(draw: st.DrawFn) -> FixtureLiability:
    markets = {}
    for market_id in draw(st.sets(st.sampled_from(list(MARKETS)), min_size=1, max_size=6)):
        outcomes = {}
        for outcome_id in draw(st.sets(st.sampled_from(OUTCOMES[market_id]), min_size=1, max_size=3)):
            stake = draw(st.integers(1, 10_000))
            outcomes[outcome_id] = OutcomeLiability(stake, stake * draw(st.integers(1_010, 9_000)) // 1_000, 1)
        markets[market_id] = MarketLiability(market_id, outcomes)
    return FixtureLiability("f", "EUR", markets=markets)


@st.composite
def standings(draw: st.DrawFn) -> MatchStanding:
    period = draw(st.sampled_from([Period.NOT_STARTED, Period.FIRST_HALF, Period.SECOND_HALF]))
    if period is Period.NOT_STARTED:
        return MatchStanding(Score(0, 0), period, PeriodScores())
    now = Score(draw(st.integers(0, 4)), draw(st.integers(0, 4)))
    half = Score(draw(st.integers(0, now.home)), draw(st.integers(0, now.away)))
    is_half_known = period is Period.SECOND_HALF and draw(st.booleans())
    return MatchStanding(now, period, PeriodScores(half_time=half if is_half_known else None))


def backed(market_id: str, outcome_id: str) -> MarketLiability:
    return MarketLiability(market_id, {outcome_id: OutcomeLiability(100, 900, 1)})


@tries(40)
@given(liabilities(), standings())
@example(
    FixtureLiability(
        "f",
        "EUR",
        markets={
            "handicap:-1": backed("handicap:-1", "home"),
            "second_half_1x2": backed("second_half_1x2", "away"),
        },
    ),
    MatchStanding(Score(0, 4), Period.FIRST_HALF, PeriodScores()),
)
def test_the_worst_loss_is_the_largest_over_every_score_that_can_still_come(
    liability: FixtureLiability, standing: MatchStanding
) -> None:
    found = worst_loss(liability, standing, OUTCOMES)
    assert found.amount_minor == max(0, *(loss(liability, *scores) for scores in possible(standing)))
    assert found.undecided_minor == 0
    assert found.amount_minor <= liability.worst_loss_minor()


@tries(40)
@given(liabilities(), standings())
def test_a_market_that_no_score_decides_adds_its_own_worst(
    liability: FixtureLiability, standing: MatchStanding
) -> None:
    without = worst_loss(liability, standing, OUTCOMES)
    corners = MarketLiability("corners_total:9.5", {"over": OutcomeLiability(100, 1_000, 1)})
    markets = {**liability.markets, corners.market_id: corners}
    found = worst_loss(FixtureLiability("f", "EUR", markets=markets), standing, OUTCOMES)
    assert without.amount_minor <= found.amount_minor <= without.amount_minor + 900
    assert found.undecided_minor in (0, 900)
