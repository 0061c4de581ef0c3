"""In the reference currency no bet costs less than it does, no limit gets wider, and what comes in goes out again."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from kernel.money import minor_digits_of
from kernel.rates import RATE_UNIT_MICRO, ReferenceRate
from markets.odds import potential_return_minor
from risk.exposure import COST_ROUNDED_MINOR_MAX, MarketExposure, in_reference
from risk.limits import LimitTable, limits_for

DAY = date(2026, 10, 30)
CURRENCIES = st.sampled_from(["EUR", "USD", "JPY", "KWD"])
AMOUNTS = st.integers(0, 10**11)
STAKES = st.integers(1, 10**9)
ODDS = st.integers(1_001, 1_000_000)
OUTCOMES = st.sampled_from(["home", "draw", "away"])


@st.composite
def rates(draw: st.DrawFn) -> ReferenceRate:
    """Any rate between any currencies, also of one into itself."""
    currency, reference = draw(CURRENCIES), draw(CURRENCIES)
    micro = RATE_UNIT_MICRO if currency == reference else draw(st.integers(1, 10**10))
    return ReferenceRate(currency, reference, micro, DAY)


def exactly(rate: ReferenceRate, amount_minor: int) -> Fraction:
    """Return an amount in minor units of the reference currency, rounded nowhere."""
    minor, reference_minor = (10 ** minor_digits_of(name) for name in (rate.currency, rate.reference_currency))
    return Fraction(amount_minor * RATE_UNIT_MICRO * reference_minor, minor * rate.rate_micro)


@given(rates(), AMOUNTS)
def test_up_and_down_are_the_whole_units_beside_what_it_is(rate: ReferenceRate, amount_minor: int) -> None:
    exact = exactly(rate, amount_minor)
    down, up = rate.to_reference_down(amount_minor), rate.to_reference_up(amount_minor)
    assert down <= exact < down + 1
    assert up - 1 < exact <= up


@given(rates(), AMOUNTS)
def test_there_and_back_nothing_is_won(rate: ReferenceRate, amount_minor: int) -> None:
    assert rate.to_reference_down(rate.from_reference_down(amount_minor)) <= amount_minor
    assert rate.to_reference_up(rate.from_reference_down(amount_minor)) <= amount_minor
    assert rate.to_reference_down(rate.from_reference_up(amount_minor)) >= amount_minor


@given(rates(), STAKES, ODDS)
def test_what_a_bet_may_cost_is_never_told_too_small(rate: ReferenceRate, stake_minor: int, odds_milli: int) -> None:
    payout_minor = potential_return_minor(stake_minor, odds_milli)
    exact = exactly(rate, payout_minor) - exactly(rate, stake_minor)
    stake, payout = in_reference(rate, stake_minor=stake_minor, payout_minor=payout_minor)
    assert exact <= payout - stake < exact + COST_ROUNDED_MINOR_MAX
    assert 0 <= stake <= payout
    assert payout > 0


@given(st.lists(st.tuples(rates(), STAKES, ODDS, OUTCOMES), max_size=8))
def test_exposure_over_all_currencies_is_at_least_what_the_bets_could_cost(
    bets: list[tuple[ReferenceRate, int, int, str]],
) -> None:
    reference = "EUR"
    exposure, exact = MarketExposure(), dict.fromkeys(("home", "draw", "away"), Fraction(0))
    for rate, stake_minor, odds_milli, outcome_id in bets:
        if rate.reference_currency != reference:
            continue
        payout_minor = potential_return_minor(stake_minor, odds_milli)
        stake, payout = in_reference(rate, stake_minor=stake_minor, payout_minor=payout_minor)
        exposure = exposure.with_bet(outcome_id, stake_minor=stake, payout_minor=payout)
        for outcome in exact:
            exact[outcome] -= exactly(rate, stake_minor)
        exact[outcome_id] += exactly(rate, payout_minor)
    assert exposure.worst_loss_minor() >= max(exact.values())


@given(rates(), st.integers(1, 10**6), AMOUNTS, AMOUNTS, st.booleans())
def test_no_limit_gets_wider_in_another_currency(
    rate: ReferenceRate, least: int, stake_max: int, payout_max: int, is_in_play: bool
) -> None:
    table = LimitTable(least, stake_max, payout_max, 1_000_000, 500, 500)
    own = limits_for(table.in_currency(rate), market_id="1x2", is_in_play=is_in_play)
    reference = limits_for(table, market_id="1x2", is_in_play=is_in_play)
    assert rate.to_reference_down(own.stake_minor_min) >= reference.stake_minor_min
    assert exactly(rate, own.stake_minor_max) <= reference.stake_minor_max + 1
    assert exactly(rate, own.payout_minor_max) <= reference.payout_minor_max + 1
    assert own.market_loss_minor_max == reference.market_loss_minor_max


@given(rates(), st.tuples(AMOUNTS, AMOUNTS, AMOUNTS), OUTCOMES, ODDS)
def test_a_stake_that_is_named_as_the_most_is_taken(
    rate: ReferenceRate, amounts_minor: tuple[int, int, int], outcome_id: str, odds_milli: int
) -> None:
    stakes, owed, loss_max = amounts_minor
    exposure = MarketExposure(stakes, {"home": owed})
    most = exposure.stake_max_in_currency_minor(
        outcome_id, rate=rate, decimal_odds_milli=odds_milli, loss_minor_max=loss_max
    )
    if most == 0:
        return
    payout_minor = potential_return_minor(most, odds_milli)
    stake, payout = in_reference(rate, stake_minor=most, payout_minor=payout_minor)
    assert exposure.takes(outcome_id, stake_minor=stake, payout_minor=payout, loss_minor_max=loss_max)
