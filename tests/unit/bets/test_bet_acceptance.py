"""Every side and the exact edge of the rules by which a bet is taken."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from bets.acceptance import BetReason, Plan, decide, refuse_liability, refuse_means
from bets.answer import BetRefusal, Means, StakeBounds
from bets.bet import SINGLE, Leg
from bets.request import BetRequest, LegRequest, PricePolicy, SlipRequest
from compliance.jurisdiction import Product
from compliance.permit import Permit
from kernel.commands import fingerprint_of
from kernel.errors import DomainError
from kernel.money import Money
from markets.fixture import MarketStatus
from pam.player import PlayerBlocked
from risk.exposure import MarketExposure
from risk.limits import LimitTable
from risk.ports import ExposureEntry, LimitedEntry, Reservation, ReservationState
from tests.currencies import terms
from tests.fakes.fake_betting import FakeBook

TABLE = LimitTable(
    stake_minor_min=10,
    stake_minor_max=100_000,
    payout_minor_max=500_000,
    market_loss_minor_max=200_000,
    side_market_factor_milli=500,
    in_play_factor_milli=500,
)
PERMITTED = Permit(Product.SPORTS_BET, "somewhere", date(2026, 9, 30))


def book(**changes: Any) -> FakeBook:
    return FakeBook(**{"version": 100, "decimal_odds_milli": 2_050, **changes})


def ask(
    *,
    decimal_odds_milli: int = 2_050,
    book_version: int = 100,
    stake: Money | None = None,
    policy: PricePolicy = PricePolicy.NONE,
    market_id: str = "1x2",
    outcome_id: str = "home",
) -> SlipRequest:
    leg = LegRequest("sim:1:1", market_id, outcome_id, decimal_odds_milli, book_version)
    return SlipRequest(UUID(int=1), (BetRequest((leg,), SINGLE, stake or Money(1_000, "EUR")),), policy)


def with_bet(request: SlipRequest, **changes: Any) -> SlipRequest:
    (bet,) = request.bets
    return replace(request, bets=(replace(bet, **changes),))


def decision(
    request: SlipRequest, book: FakeBook | None, permitted: Permit | DomainError = PERMITTED
) -> Plan | BetRefusal:
    (bet,) = request.bets
    return decide(
        bet,
        policy=request.price_policy,
        permitted=permitted,
        find_book=lambda _: book,
        terms=terms(TABLE).get(bet.stake.currency),
        means=None,
    )


def refusal(request: SlipRequest, book: FakeBook | None, permitted: Permit | DomainError = PERMITTED) -> BetRefusal:
    found = decision(request, book, permitted)
    assert isinstance(found, BetRefusal)
    return found


def test_an_open_market_at_the_price_asked_for_is_taken() -> None:
    leg = Leg("sim:1:1", "1x2", "home", 2_050, 100, False, "Ajax v Feyenoord")
    assert planned().legs == (leg,)


@pytest.mark.parametrize(
    ("policy", "now_milli", "is_taken"),
    [
        (PricePolicy.NONE, 2_049, False),
        (PricePolicy.NONE, 2_050, True),
        (PricePolicy.NONE, 2_051, False),
        (PricePolicy.BETTER_ONLY, 2_049, False),
        (PricePolicy.BETTER_ONLY, 2_050, True),
        (PricePolicy.BETTER_ONLY, 2_051, True),
        (PricePolicy.ANY, 1_010, True),
        (PricePolicy.ANY, 2_050, True),
        (PricePolicy.ANY, 9_000, True),
    ],
)
def test_the_price_policy_decides_over_a_moved_price(policy: PricePolicy, now_milli: int, is_taken: bool) -> None:
    found = decision(ask(policy=policy), book(decimal_odds_milli=now_milli, version=101))
    if is_taken:
        assert isinstance(found, Plan)
        (leg,) = found.legs
        assert (leg.decimal_odds_milli, leg.book_version) == (now_milli, 101)
    else:
        assert isinstance(found, BetRefusal)
        assert found.reason == BetReason.PRICE_CHANGED
        (leg_refusal,) = found.legs
        assert (leg_refusal.leg, leg_refusal.reason, leg_refusal.message) == (0, found.reason, found.message)
        assert (leg_refusal.decimal_odds_milli, leg_refusal.book_version) == (now_milli, 101)


def test_an_older_version_with_the_same_price_is_taken() -> None:
    assert isinstance(decision(ask(book_version=1), book()), Plan)


def test_a_version_that_we_have_not_published_is_refused() -> None:
    found = refusal(ask(book_version=101), book(version=100))
    assert (found.reason, found.legs[0].book_version) == (BetReason.BOOK_VERSION_UNKNOWN, 100)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (MarketStatus.SUSPENDED, BetReason.MARKET_SUSPENDED),
        (MarketStatus.CLOSED, BetReason.MARKET_CLOSED),
        (MarketStatus.SETTLED, BetReason.MARKET_CLOSED),
        (MarketStatus.CANCELLED, BetReason.MARKET_CLOSED),
        (MarketStatus.UNKNOWN, BetReason.MARKET_CLOSED),
    ],
)
def test_a_market_that_is_not_open_takes_no_bet(status: MarketStatus, reason: BetReason) -> None:
    assert refusal(ask(policy=PricePolicy.ANY), book(status=status)).reason == reason


@pytest.mark.parametrize(("odds_milli", "is_offered"), [(0, False), (1_000, False), (1_001, True)])
def test_an_outcome_is_offered_only_if_it_pays_more_than_the_stake(odds_milli: int, is_offered: bool) -> None:
    found = decision(ask(policy=PricePolicy.ANY), book(decimal_odds_milli=odds_milli))
    assert isinstance(found, Plan) is is_offered
    if isinstance(found, BetRefusal):
        assert found.reason == BetReason.OUTCOME_NOT_OFFERED


def test_what_the_book_does_not_have_is_unknown() -> None:
    assert refusal(ask(), None).reason == BetReason.FIXTURE_UNKNOWN
    assert refusal(ask(market_id="btts"), book()).reason == BetReason.MARKET_UNKNOWN
    assert refusal(ask(outcome_id="nobody"), book()).reason == BetReason.OUTCOME_UNKNOWN


@pytest.mark.parametrize(("leg_count", "lines"), [(2, ((0, 1),)), (2, ((0,), (1,))), (2, ((0,),)), (1, ((0,), (0,)))])
def test_only_singles_are_taken(leg_count: int, lines: tuple[tuple[int, ...], ...]) -> None:
    (bet,) = ask().bets
    found = refusal(with_bet(ask(), legs=bet.legs * leg_count, lines=lines), book())
    assert found.reason == BetReason.BET_TYPE_UNSUPPORTED
    assert found.message == (
        f"Bet must be a single, one line of one leg, was {len(lines)} lines of {leg_count} legs; bet each by itself"
    )


def test_what_is_not_permitted_is_refused_in_its_own_words_before_anything_else() -> None:
    blocked = PlayerBlocked()
    found = refusal(with_bet(ask(), lines=()), None, blocked)
    assert (found.reason, found.message) == (blocked.reason, blocked.message)


@pytest.mark.parametrize(("stake_minor", "is_taken"), [(-5, False), (0, False), (9, False), (10, True)])
def test_the_smallest_stake_is_named(stake_minor: int, is_taken: bool) -> None:
    found = decision(ask(stake=Money(stake_minor, "EUR")), book())
    assert isinstance(found, Plan) is is_taken
    if isinstance(found, BetRefusal):
        assert (found.reason, found.stake_min_minor) == (BetReason.STAKE_BELOW_MINIMUM, 10)


@pytest.mark.parametrize(
    ("book", "stake_minor_max"),
    [
        (book(), 100_000),
        (book(decimal_odds_milli=10_000), 50_000),
        (book(decimal_odds_milli=50_000_000), 10),
        (book(decimal_odds_milli=50_000_200), 0),
        (book(is_in_play=True), 50_000),
        (book(market_id="btts"), 50_000),
        (book(market_id="btts", is_in_play=True), 25_000),
    ],
)
def test_the_stake_limit_is_met_exactly(book: FakeBook, stake_minor_max: int) -> None:
    request = ask(policy=PricePolicy.ANY, market_id=book.market_id)
    if stake_minor_max:
        assert isinstance(decision(with_bet(request, line_stake=Money(stake_minor_max, "EUR")), book), Plan)
    over = max(stake_minor_max, TABLE.stake_minor_min) + 1
    found = refusal(with_bet(request, line_stake=Money(over, "EUR")), book)
    assert (found.reason, found.stake_max_minor) == (BetReason.STAKE_LIMIT_EXCEEDED, stake_minor_max)


def full(exposure: MarketExposure) -> Reservation:
    return Reservation(ReservationState.REFUSED, ExposureEntry("sim:1:1", "1x2", "home", 1_000, 2_050), exposure)


def planned(request: SlipRequest | None = None) -> Plan:
    plan = decision(request or ask(), book())
    assert isinstance(plan, Plan)
    return plan


def test_a_liability_refusal_offers_what_the_market_can_bear() -> None:
    found = refuse_liability(planned(), full(MarketExposure(0, {"home": 199_000})))
    # 1,000 of room at a gain of 1.05 for each 1.00 staked: 953 * 1.05 = 1000.65 is paid out as 1000.
    assert (found.reason, found.stake_max_minor) == (BetReason.LIABILITY_LIMIT_EXCEEDED, 953)


def test_a_liability_refusal_offers_nothing_rather_than_less_than_the_minimum() -> None:
    assert refuse_liability(planned(), full(MarketExposure(0, {"home": 199_995}))).stake_max_minor == 0


def test_a_liability_refusal_never_offers_more_than_the_stake_limit() -> None:
    assert refuse_liability(planned(), full(MarketExposure())).stake_max_minor == 100_000


def test_a_plan_holds_all_that_follows_from_price_and_stake() -> None:
    plan = planned()
    assert (plan.potential_return_minor, plan.is_in_play) == (2_050, False)
    assert plan.bounds == StakeBounds(10, 100_000, 500_000)
    entry = ExposureEntry("sim:1:1", "1x2", "home", 1_000, 2_050)
    assert plan.entries == (LimitedEntry(entry, 200_000),)


@pytest.mark.parametrize(
    "changed",
    [
        ask(stake=Money(1_001, "EUR")),
        ask(stake=Money(1_000, "GBP")),
        ask(decimal_odds_milli=2_060),
        ask(book_version=99),
        ask(policy=PricePolicy.ANY),
        ask(market_id="btts"),
        ask(outcome_id="draw"),
        with_bet(ask(), legs=ask().bets[0].legs * 2),
        with_bet(ask(), lines=((0,), (0,))),
        replace(ask(), bets=ask().bets * 2),
    ],
)
def test_the_fingerprint_tells_another_request_from_a_repeat(changed: SlipRequest) -> None:
    assert ask().fingerprint() == ask().fingerprint()
    assert changed.fingerprint() != ask().fingerprint()


def test_a_single_is_known_again_by_the_fingerprint_that_it_had_before_there_were_slips() -> None:
    before = fingerprint_of("place", 1_000, "EUR", 1, "sim:1:1", "1x2", "home", 2_050, 100)
    assert ask().fingerprint() == before


def test_every_refusal_of_a_stake_names_the_least_beside_the_most() -> None:
    for found in (
        refusal(ask(stake=Money(9, "EUR")), book()),
        refusal(ask(stake=Money(100_001, "EUR")), book()),
        refuse_liability(planned(), full(MarketExposure(0, {"home": 199_000}))),
        refuse_means(planned(), Means(available_minor=999, market_stake_minor=0)),
        refuse_means(planned(), Means(available_minor=1_000, market_stake_minor=499_501)),
    ):
        assert found is not None
        assert found.stake_min_minor == 10
        assert found.stake_max_minor is not None
    below = refusal(ask(stake=Money(9, "EUR")), book()).message
    assert below == "Stake must be at least EUR 0.10 and at most EUR 1000.00, was EUR 0.09"


def test_amounts_in_refusals_are_written_as_people_write_them_with_their_currency() -> None:
    poor = refuse_means(planned(ask(stake=Money(50_000, "EUR"))), Means(available_minor=0, market_stake_minor=0))
    crowded = refuse_means(planned(), Means(available_minor=500, market_stake_minor=499_501))
    costly = refuse_liability(planned(), full(MarketExposure(0, {"home": 199_000})))
    assert poor is not None
    assert crowded is not None
    assert poor.message == "Stake must be at most EUR 0.00, was EUR 500.00"
    assert crowded.message == "Stakes of a player on 1x2 must be at most EUR 5000.00 together, EUR 4995.01 is open"
    assert costly.message == "Stake must be at most EUR 9.53 for what we may lose on 1x2"


@pytest.mark.parametrize(
    ("stake_minor", "available_minor", "market_stake_minor", "reason", "stake_minor_max"),
    [
        (500, 500, 499_500, None, None),
        (501, 500, 0, BetReason.INSUFFICIENT_FUNDS, 500),
        (100_000, 99_999, 0, BetReason.INSUFFICIENT_FUNDS, 99_999),
        (500, 9, 0, BetReason.INSUFFICIENT_FUNDS, 0),
        (501, 9_999, 499_500, BetReason.PLAYER_STAKE_LIMIT_EXCEEDED, 500),
        (500, 100, 499_501, BetReason.PLAYER_STAKE_LIMIT_EXCEEDED, 499),
        (500, 9_999, 600_000, BetReason.PLAYER_STAKE_LIMIT_EXCEEDED, 0),
    ],
)
def test_a_player_stakes_what_cash_and_market_leave_and_not_one_unit_more(
    stake_minor: int, available_minor: int, market_stake_minor: int, reason: str | None, stake_minor_max: int | None
) -> None:
    means = Means(available_minor=available_minor, market_stake_minor=market_stake_minor)
    found = refuse_means(planned(ask(stake=Money(stake_minor, "EUR"))), means)
    assert (found and found.reason, found and found.stake_max_minor) == (reason, stake_minor_max)


def test_a_bet_in_another_currency_has_its_limits_in_it_and_its_cost_in_the_reference_currency() -> None:
    plan = decision(ask(stake=Money(10_000, "JPY")), book())
    assert isinstance(plan, Plan)
    # At 184.09 yen for a euro; 100,000 cents are 184,090 yen, and of 500,000 the odds leave more.
    assert (plan.bounds.stake_minor_min, plan.bounds.stake_minor_max) == (19, 184_090)
    assert plan.potential_return_minor == 20_500
    entry = ExposureEntry("sim:1:1", "1x2", "home", 5_432, 11_136)
    assert plan.entries == (LimitedEntry(entry, TABLE.market_loss_minor_max),)


@pytest.mark.parametrize(("stake_minor", "is_taken"), [(18, False), (19, True), (184_090, True), (184_091, False)])
def test_limits_in_another_currency_are_exact(stake_minor: int, is_taken: bool) -> None:
    assert isinstance(decision(ask(stake=Money(stake_minor, "JPY")), book()), Plan) is is_taken


def test_a_stake_in_a_currency_without_accounts_is_refused() -> None:
    assert refusal(ask(stake=Money(1_000, "SEK")), book()).reason == "CURRENCY_MISMATCH"


def test_what_would_be_taken_of_a_full_market_is_in_the_stakes_currency() -> None:
    plan = decision(ask(stake=Money(100_000, "JPY")), book())
    assert isinstance(plan, Plan)
    crowded = MarketExposure(0, {"home": TABLE.market_loss_minor_max - 1_000})
    refused = refuse_liability(plan, full(crowded))
    assert refused.stake_max_minor is not None
    # Ten euros less what may be rounded, at odds of 2.05, in yen.
    assert refused.stake_max_minor == 951 * 18_409 // 10_000
    taken = decision(ask(stake=Money(refused.stake_max_minor, "JPY")), book())
    assert isinstance(taken, Plan)
    (limited,) = taken.entries
    assert crowded.takes(
        "home",
        stake_minor=limited.entry.stake_minor,
        payout_minor=limited.entry.payout_minor,
        loss_minor_max=limited.loss_minor_max,
    )
