"""Bets of any legs and lines, settled as results come in whatever order, against exact fractions."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import combinations
from math import floor, prod
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from bets.bet import SINGLE, BetStatus, Line
from bets.settlement import OPEN, BetStanding, StakedBet, StakedLeg, return_minor, settle, stand
from markets.odds import FACTOR_ONE_MICRO
from markets.results import MarketResult, OutcomeResult, ResultKind

OUTCOME_WORTHS = {
    "won": ((1, 0, 1), None),
    "lost": ((0, 0, 1), Fraction(0)),
    "void": ((0, 1, 1), Fraction(1)),
}
"""Win, void and dead-heat factors of outcomes, and what a unit on them comes to; None for the odds."""

outcomes = st.sampled_from(sorted(OUTCOME_WORTHS))
odds = st.integers(1_001, 50_000)
seldom = st.sampled_from([False, False, False, True])


def named(word: str) -> OutcomeResult:
    (win, void, tied), _ = OUTCOME_WORTHS[word]
    return OutcomeResult("home", *(part * FACTOR_ONE_MICRO for part in (win, void, tied)))


def worth(leg: StakedLeg) -> Fraction | None:
    if leg.is_cancelled:
        return Fraction(1)
    if leg.outcome is None:
        return None
    word = next(word for word in OUTCOME_WORTHS if named(word) == leg.outcome)
    fixed = OUTCOME_WORTHS[word][1]
    return Fraction(leg.decimal_odds_milli, 1_000) if fixed is None else fixed


@st.composite
def bets(draw: st.DrawFn) -> StakedBet:
    count = draw(st.integers(1, 5))
    every = [line for size in range(1, count + 1) for line in combinations(range(count), size)]
    chosen = draw(st.lists(st.sampled_from(every), min_size=1, max_size=8, unique=True))
    lines: tuple[Line, ...] = tuple(dict.fromkeys((*chosen, tuple(range(count)))))
    legs = tuple(StakedLeg(leg, "home", draw(odds), is_told_of=False) for leg in range(count))
    return StakedBet(UUID(int=1), draw(st.integers(1, 10_000)) * len(lines), 0, lines, legs)


@st.composite
def decided(draw: st.DrawFn) -> StakedBet:
    """A bet whose legs are open, settled or cancelled."""
    bet = draw(bets())
    results = [draw(outcomes | st.none()) for _ in bet.legs]
    legs = tuple(
        replace(leg, outcome=None if result is None else named(result), is_cancelled=draw(seldom))
        for leg, result in zip(bet.legs, results, strict=True)
    )
    return replace(bet, legs=legs)


@given(decided())
def test_a_bet_returns_what_its_lines_are_worth_once_that_is_certain(bet: StakedBet) -> None:
    found = stand(bet.legs, bet.lines, stake_minor=bet.stake_minor)
    worths = [worth(leg) for leg in bet.legs]
    lines = [[worths[leg] for leg in line] for line in bet.lines]
    is_open = any(None in line and Fraction(0) not in line for line in lines)
    if is_open:
        assert found == OPEN
        return
    share = bet.stake_minor // len(bet.lines)
    paid = [floor(share * prod(part or Fraction(0) for part in line)) for line in lines]
    if all(leg.is_cancelled for leg in bet.legs):
        assert found == BetStanding(BetStatus.VOID, bet.stake_minor, is_refund=True)
    else:
        assert (found.return_minor, found.is_refund) == (sum(paid), False)
        is_void = all(leg.is_cancelled or leg.outcome == named("void") for leg in bet.legs)
        assert found.status == (BetStatus.VOID if is_void else BetStatus.SETTLED)


@given(decided(), st.randoms())
def test_the_order_of_results_does_not_matter(bet: StakedBet, order: object) -> None:
    told = [
        (leg.leg, MarketResult(kind, "1x2", (leg.outcome,) if kind is ResultKind.SETTLEMENT and leg.outcome else ()))
        for leg in bet.legs
        for kind, is_told in ((ResultKind.SETTLEMENT, leg.outcome is not None), (ResultKind.CANCEL, leg.is_cancelled))
        if is_told
    ]
    order.shuffle(told)  # type: ignore[attr-defined]
    legs = [replace(leg, outcome=None, is_cancelled=False) for leg in bet.legs]
    standing = OPEN
    for place, result in told:
        asked = tuple(replace(leg, is_told_of=leg.leg == place) for leg in legs)
        (settled,) = settle(result, [replace(bet, legs=asked, standing=standing)])
        assert settled.legs == (place,)
        assert settled.is_changed is (settled.standing != standing)
        standing = settled.standing
        if result.kind is ResultKind.SETTLEMENT:
            legs[place] = replace(legs[place], outcome=result.outcomes[0])
        else:
            legs[place] = replace(legs[place], is_cancelled=True)
    assert standing == stand(bet.legs, bet.lines, stake_minor=bet.stake_minor)


@given(bets(), outcomes)
def test_what_is_taken_back_leaves_a_bet_as_it_was(bet: StakedBet, word: str) -> None:
    legs = tuple(replace(leg, is_told_of=True) for leg in bet.legs)
    (settled,) = settle(MarketResult(ResultKind.SETTLEMENT, "1x2", (named(word),)), [replace(bet, legs=legs)])
    after = replace(bet, legs=tuple(replace(leg, outcome=named(word)) for leg in legs), standing=settled.standing)
    (back,) = settle(MarketResult(ResultKind.SETTLEMENT_ROLLBACK, "1x2"), [after])
    assert (back.standing, back.is_changed) == (OPEN, True)


@given(
    st.integers(1, 10**9),
    odds,
    st.builds(OutcomeResult, st.just("home"), *(st.integers(1, FACTOR_ONE_MICRO) for _ in range(3))),
)
def test_a_single_is_paid_as_ever(stake_minor: int, odds_milli: int, outcome: OutcomeResult) -> None:
    leg = StakedLeg(0, "home", odds_milli, is_told_of=True, outcome=outcome)
    found = stand([leg], SINGLE, stake_minor=stake_minor)
    paid_minor = return_minor(stake_minor=stake_minor, decimal_odds_milli=odds_milli, outcome=outcome)
    assert found.return_minor == paid_minor
