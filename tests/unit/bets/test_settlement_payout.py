"""The money a result is worth, case by case."""

from dataclasses import replace
from uuid import UUID

import pytest

from bets.bet import SINGLE, BetStatus
from bets.settlement import (
    BetStanding,
    SettledBet,
    StakedBet,
    StakedLeg,
    reduced_return_minor,
    return_minor,
    settle,
)
from markets.results import (
    REDUCTIONS_MAX,
    REFERRAL_REASON_LENGTH_MAX,
    MarketResult,
    OutcomeResult,
    Reduction,
    ResultKind,
    ResultMalformed,
)

WON = OutcomeResult("home", 1_000_000, 0, 1_000_000)
LOST = OutcomeResult("home", 0, 0, 1_000_000)
VOID = OutcomeResult("home", 0, 1_000_000, 1_000_000)
HALF_WON = OutcomeResult("home", 1_000_000, 500_000, 1_000_000)
HALF_LOST = OutcomeResult("home", 0, 500_000, 1_000_000)
DEAD_HEAT_OF_TWO = OutcomeResult("home", 1_000_000, 0, 500_000)
DEAD_HEAT_OF_THREE = OutcomeResult("home", 1_000_000, 0, 333_333)


@pytest.mark.parametrize(
    ("outcome", "stake_minor", "decimal_odds_milli", "paid_minor"),
    [
        (WON, 1_000, 2_050, 2_050),
        (LOST, 1_000, 2_050, 0),
        (VOID, 1_000, 2_050, 1_000),
        (HALF_WON, 1_000, 1_900, 1_450),
        (HALF_LOST, 1_000, 1_900, 500),
        (DEAD_HEAT_OF_TWO, 1_000, 5_000, 2_500),
        (DEAD_HEAT_OF_THREE, 1_000, 3_000, 1_000),
        (DEAD_HEAT_OF_THREE, 30_000, 4_000, 40_000),
        (DEAD_HEAT_OF_THREE, 300, 2_000, 200),
        (OutcomeResult("home", 1_000_000, 0, 142_857), 700, 3_000, 300),
        (OutcomeResult("home", 1_000_000, 0, 666_666), 9_000, 1_500, 9_000),
        (OutcomeResult("home", 1_000_000, 0, 666_667), 9_000, 1_500, 9_000),
        (OutcomeResult("home", 1_000_000, 0, 333_332), 30_000, 4_000, 39_999),
        (OutcomeResult("home", 1_000_000, 500_000, 500_000), 1_000, 4_000, 1_500),
    ],
)
def test_a_single_is_paid_what_its_outcome_is_worth(
    outcome: OutcomeResult, stake_minor: int, decimal_odds_milli: int, paid_minor: int
) -> None:
    assert return_minor(stake_minor=stake_minor, decimal_odds_milli=decimal_odds_milli, outcome=outcome) == paid_minor


def test_a_fraction_of_a_minor_unit_is_rounded_down() -> None:
    assert return_minor(stake_minor=333, decimal_odds_milli=1_333, outcome=WON) == 443
    assert return_minor(stake_minor=1, decimal_odds_milli=1_999, outcome=WON) == 1
    assert return_minor(stake_minor=1, decimal_odds_milli=2_000, outcome=WON) == 2


def test_the_half_that_is_given_back_and_the_half_that_wins_are_rounded_together() -> None:
    assert return_minor(stake_minor=101, decimal_odds_milli=2_000, outcome=HALF_WON) == 151
    assert return_minor(stake_minor=101, decimal_odds_milli=3_000, outcome=HALF_WON) == 202


def test_a_stake_beyond_the_range_of_a_float_is_paid_to_the_minor_unit() -> None:
    assert return_minor(stake_minor=2**53 + 1, decimal_odds_milli=1_000, outcome=WON) == 2**53 + 1


@pytest.mark.parametrize("factor_micro", [-1, 1_000_001])
def test_a_factor_outside_zero_to_one_is_refused(factor_micro: int) -> None:
    for position in range(3):
        factors = [0, 0, 1_000_000]
        factors[position] = factor_micro
        with pytest.raises(ResultMalformed, match=str(factor_micro)):
            OutcomeResult("home", *factors)


def test_a_winner_without_a_dead_heat_factor_is_refused_and_a_loser_is_not() -> None:
    assert OutcomeResult("home", 0, 0, 0).dead_heat_factor_micro == 0
    with pytest.raises(ResultMalformed, match="dead_heat"):
        OutcomeResult("home", 1, 0, 0)


def _result(
    kind: ResultKind = ResultKind.SETTLEMENT,
    *,
    market_id: str = "1x2",
    outcomes: tuple[OutcomeResult, ...] = (WON,),
    window_start_ms: int = 0,
    window_end_ms: int = 0,
) -> MarketResult:
    return MarketResult(kind, market_id, outcomes, window_start_ms, window_end_ms, "", 0)


def test_a_settlement_names_each_outcome_once() -> None:
    assert _result().outcomes == (WON,)
    with pytest.raises(ResultMalformed):
        _result(outcomes=(WON, LOST))
    with pytest.raises(ResultMalformed):
        _result(outcomes=())


def test_a_result_of_no_market_is_refused() -> None:
    with pytest.raises(ResultMalformed):
        _result(market_id="")


def test_a_window_may_be_open_or_empty_but_not_reversed() -> None:
    assert _result(ResultKind.CANCEL, outcomes=(), window_start_ms=5).window_end_ms == 0
    assert _result(ResultKind.CANCEL, outcomes=(), window_start_ms=5, window_end_ms=5).window_end_ms == 5
    with pytest.raises(ResultMalformed):
        _result(ResultKind.CANCEL, outcomes=(), window_start_ms=5, window_end_ms=4)
    with pytest.raises(ResultMalformed):
        _result(ResultKind.CANCEL, outcomes=(), window_start_ms=-1)


@pytest.mark.parametrize(
    ("before_ms", "deduction_micro"), [(0, 100_000), (-1, 100_000), (1, -1), (1, 1_000_001)], ids=str
)
def test_a_reduction_that_cannot_be_is_refused(before_ms: int, deduction_micro: int) -> None:
    with pytest.raises(ResultMalformed):
        Reduction(before_ms, deduction_micro, False)


def test_only_a_settlement_has_reductions_and_not_too_many() -> None:
    reduction = Reduction(1, 1_000_000, True)
    assert len(replace(_result(), reductions=(reduction,) * REDUCTIONS_MAX).reductions) == REDUCTIONS_MAX
    with pytest.raises(ResultMalformed, match="at most"):
        replace(_result(), reductions=(reduction,) * (REDUCTIONS_MAX + 1))
    with pytest.raises(ResultMalformed, match="Only a settlement"):
        replace(_result(ResultKind.CANCEL, outcomes=()), reductions=(reduction,))


def test_a_referral_gives_a_bounded_reason() -> None:
    longest = "x" * REFERRAL_REASON_LENGTH_MAX
    assert replace(_result(), referral_reason=longest).referral_reason == longest
    with pytest.raises(ResultMalformed, match="reason"):
        replace(_result(), referral_reason=longest + "x")


PLACED_US = 1_700_000_000_000_000


@pytest.mark.parametrize(
    ("before_ms", "taken_off"), [(1_700_000_000_000, 0), (1_700_000_000_001, 1)], ids=["at that time", "before it"]
)
def test_a_reduction_holds_for_bets_placed_before_it(before_ms: int, taken_off: int) -> None:
    result = replace(_result(), reductions=(Reduction(before_ms, 200_000, False), Reduction(1, 200_000, False)))
    assert len(result.reductions_of(PLACED_US)) == taken_off


@pytest.mark.parametrize(
    ("deductions", "paid_minor"),
    [
        (((200_000, False),), 4_000),
        (((200_000, True),), 4_200),
        (((200_000, False), (100_000, False)), 3_600),
        (((200_000, True), (100_000, True)), 3_880),
        (((900_000, False),), 1_000),
        (((1_000_000, True),), 1_000),
    ],
    ids=["off all", "off winnings", "two off all", "two off winnings", "down to the stake", "all winnings"],
)
def test_a_reduced_winner_is_paid_what_is_left(deductions: tuple[tuple[int, bool], ...], paid_minor: int) -> None:
    reductions = [Reduction(1, deduction_micro, off_winnings) for deduction_micro, off_winnings in deductions]
    paid = reduced_return_minor(stake_minor=1_000, decimal_odds_milli=5_000, outcome=WON, reductions=reductions)
    assert paid == paid_minor


def test_a_reduction_takes_nothing_off_a_stake_that_is_given_back() -> None:
    reductions = (Reduction(1, 500_000, False),)
    assert (
        reduced_return_minor(stake_minor=1_000, decimal_odds_milli=5_000, outcome=VOID, reductions=reductions) == 1_000
    )


def staked(number: int, outcome_id: str = "home", placed_time_us: int = 5_000_000) -> StakedBet:
    leg = StakedLeg(0, outcome_id, 2_000, is_told_of=True)
    return StakedBet(UUID(int=number), 1_000, placed_time_us, SINGLE, (leg,))


def settlement_of(*outcomes: OutcomeResult, reductions: tuple[Reduction, ...] = ()) -> MarketResult:
    return MarketResult(ResultKind.SETTLEMENT, "1x2", outcomes, 0, 0, "", 2, reductions)


def test_a_settlement_says_of_each_bet_what_it_returns_and_where_it_stands() -> None:
    result = settlement_of(WON, replace(VOID, outcome_id="draw"), replace(LOST, outcome_id="away"))
    bets = [staked(1), staked(2, "draw"), staked(3, "away")]
    assert settle(result, bets) == [
        SettledBet(UUID(int=1), (0,), BetStanding(BetStatus.SETTLED, 2_000, is_refund=False), is_changed=True),
        SettledBet(UUID(int=2), (0,), BetStanding(BetStatus.VOID, 1_000, is_refund=False), is_changed=True),
        SettledBet(UUID(int=3), (0,), BetStanding(BetStatus.SETTLED, 0, is_refund=False), is_changed=True),
    ]


def test_a_bet_whose_outcome_a_settlement_does_not_name_stays_as_it_is() -> None:
    assert [bet.bet_id for bet in settle(settlement_of(WON), [staked(1, "draw"), staked(2)])] == [UUID(int=2)]


def test_a_reduction_lowers_what_earlier_bets_return() -> None:
    result = settlement_of(WON, reductions=(Reduction(5_001, 500_000, is_off_winnings_only=True),))
    bets = [staked(1, placed_time_us=5_000_999), staked(2, placed_time_us=5_001_000)]
    assert [bet.standing.return_minor for bet in settle(result, bets)] == [1_500, 2_000]


@pytest.mark.parametrize("kind", [ResultKind.SETTLEMENT_ROLLBACK, ResultKind.CANCEL, ResultKind.CANCEL_ROLLBACK])
def test_a_correction_concerns_every_bet_of_its_window(kind: ResultKind) -> None:
    result = MarketResult(kind, "1x2", (), 3, 9, "", 2)
    assert [bet.bet_id for bet in settle(result, [staked(1), staked(2, "draw")])] == [UUID(int=1), UUID(int=2)]
    assert result.window_us == ((0, 0) if kind is ResultKind.SETTLEMENT_ROLLBACK else (3_000, 9_000))
