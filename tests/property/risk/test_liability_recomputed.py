"""Folding bet by bet, in any portions, equals counting what is open from scratch."""

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from risk.liability import FixtureLiability, LegChange, OutboxPosition, fold

DOUBLE_CHANCES = ("double_chance", "second_half_double_chance", "betfair:DOUBLE_CHANCE:1.102")
WINNERS_MAX = {**dict.fromkeys(DOUBLE_CHANCES, 2), "betfair:PLACE:1.101": 3}
EMPTY = FixtureLiability("sim:1:1", "EUR")
MARKETS = st.sampled_from(
    [
        *(("1x2", "home"), ("1x2", "draw"), ("1x2", "away"), ("total:2.5", "over"), ("btts", "yes")),
        *((market_id, outcome_id) for market_id in DOUBLE_CHANCES for outcome_id in ("1x", "12", "x2")),
        *(("betfair:PLACE:1.101", outcome_id) for outcome_id in ("7", "8", "9")),
    ]
)


Bet = tuple[str, str, int, int]
History = tuple[list[LegChange], list[Bet]]


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Bets that are accepted, settled, rolled back and settled anew, in one order of positions."""
    changes: list[LegChange] = []
    closed: list[Bet] = []
    opened: list[Bet] = []
    for row_id in range(1, draw(st.integers(0, 30)) + 1):
        position = OutboxPosition(row_id // 4 + 1, row_id)
        step = draw(st.sampled_from(["accept", "settle", "roll back"]))
        source, target, sign = (opened, closed, -1) if step == "settle" else (closed, opened, 1)
        if step == "accept" or not source:
            stake_minor = draw(st.integers(1, 10**6))
            payout_minor = stake_minor + draw(st.integers(0, 10**7))
            market_id, outcome_id = draw(MARKETS)
            bet = (market_id, outcome_id, stake_minor, payout_minor)
            opened.append(bet)
            changes.append(LegChange(position, *bet, "EUR", True))
            continue
        bet = source.pop(draw(st.integers(0, len(source) - 1)))
        target.append(bet)
        changes.append(LegChange(position, bet[0], bet[1], sign * bet[2], sign * bet[3], "EUR", False))
    return changes, opened


@given(histories(), st.data())
def test_the_fold_equals_counting_what_is_open(history: History, data: st.DataObject) -> None:
    changes, opened = history
    liability = EMPTY
    start = 0
    while start < len(changes):
        end = start + data.draw(st.integers(1, 8))
        again_from = data.draw(st.integers(0, start))
        folded = fold(liability, changes[again_from:end], time_us=end)
        assert folded.refused == ()
        liability, start = folded.liability, end
    expected: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for market_id, outcome_id, stake_minor, payout_minor in opened:
        counted = expected[market_id, outcome_id]
        counted[0] += stake_minor
        counted[1] += payout_minor
        counted[2] += 1
    found = {
        (market_id, outcome_id): [outcome.stake_minor, outcome.payout_minor, outcome.bet_count]
        for market_id, market in liability.markets.items()
        for outcome_id, outcome in market.outcomes.items()
    }
    assert found == dict(expected)
    assert liability.turnover_minor == sum(change.stake_minor for change in changes if change.is_acceptance)
    worst_by_market = {
        market_id: sum(
            sorted((counted[1] for (market, _), counted in expected.items() if market == market_id), reverse=True)[
                : WINNERS_MAX.get(market_id, 1)
            ]
        )
        - sum(counted[0] for (market, _), counted in expected.items() if market == market_id)
        for market_id, _ in expected
    }
    assert liability.worst_loss_minor() == sum(max(0, loss) for loss in worst_by_market.values())


@given(histories(), st.data())
def test_repetitions_that_keep_the_order_change_nothing(history: History, data: st.DataObject) -> None:
    changes, _ = history
    once = fold(EMPTY, changes, time_us=1).liability
    repeated = [change for change in changes for _ in range(data.draw(st.integers(1, 3)))]
    restart = data.draw(st.integers(0, len(changes)))
    assert fold(EMPTY, [*changes[:restart], *repeated], time_us=1).liability == once
