"""When markets are suspended, why, and when they come back."""

from __future__ import annotations

import pytest

from markets.fixture import FixtureDescription, FixtureStatus, MarketStatus, MatchState, Period, SuspensionReason
from markets.layout import MarketLayout
from markets.results import ResultKind
from odds.fixture.state import BELIEF_US_MAX, restore_state
from odds.fixture.updates import FixtureUpdate, ResultMark, TraderCommand, TradingAction
from odds.folding.fold import follow_trader
from odds.folding.providers import AHEAD_US_MAX
from odds.pricing.policy import PricingPolicy
from odds.pricing.start_guard import StartGuard
from odds.pricing.suspension import next_change_us
from tests.builders.pricing_world import FAIR_ISH, NOW_US, folded, in_play, priced, quotes, reasons, statuses, update

NONE, PROVIDER = SuspensionReason.NONE, SuspensionReason.PROVIDER
BET_STOP, DOWN = SuspensionReason.BET_STOP, SuspensionReason.PROVIDER_DOWN
NOT_RESTORED = SuspensionReason.NOT_RESTORED
STALE, TRADER, NO_PRICE = SuspensionReason.CLOCK_STALE, SuspensionReason.TRADER, SuspensionReason.NO_PRICE
OPEN, SUSPENDED, CLOSED = MarketStatus.OPEN, MarketStatus.SUSPENDED, MarketStatus.CLOSED
POLICY = PricingPolicy(clock_stale_us=30_000_000)


def command(action: TradingAction, *, market_id: str = "", request_id: str = "r1") -> TraderCommand:
    return TraderCommand(request_id, "match", market_id, action, "ann", NOW_US)


def test_markets_that_a_provider_quotes_are_open() -> None:
    assert statuses(priced(folded(update(quoted=quotes())))) == [OPEN, OPEN]


def test_a_market_the_provider_suspends_is_suspended_at_its_last_price() -> None:
    before = priced(folded(update(quoted=quotes())))
    after = priced(folded(update(quoted=quotes(statuses=[SUSPENDED, OPEN])), state=before.state))

    assert reasons(after) == [PROVIDER, NONE]
    assert after.state.book is not None
    assert before.state.book is not None
    assert after.state.book.decimal_odds_milli.tolist() == before.state.book.decimal_odds_milli.tolist()


def test_a_market_one_provider_suspends_goes_on_with_another_that_quotes_it() -> None:
    state = folded(update(quoted=quotes(statuses=[SUSPENDED, OPEN])), update(provider_id="bravo", quoted=quotes()))
    assert reasons(priced(state)) == [NONE, NONE]


def test_a_handed_over_market_waits_for_the_other_product_and_goes_on_with_it() -> None:
    handed_over = folded(update(quoted=quotes(statuses=[MarketStatus.HANDED_OVER] * 2)))
    assert reasons(priced(handed_over)) == [PROVIDER, PROVIDER]

    taken_over = folded(update(provider_id="bravo", quoted=quotes()), state=handed_over)
    assert reasons(priced(taken_over)) == [NONE, NONE]


def test_a_bet_stop_suspends_the_whole_fixture_though_another_provider_quotes() -> None:
    state = folded(update(quoted=quotes()), update(provider_id="bravo", quoted=quotes()), update(bet_stop=()))
    assert reasons(priced(state)) == [BET_STOP, BET_STOP]


def test_a_bet_stop_by_markets_suspends_those() -> None:
    state = folded(update(quoted=quotes()), update(bet_stop=("total:2.5", "unknown")))
    assert reasons(priced(state)) == [NONE, BET_STOP]


def test_a_bet_stop_is_lifted_by_the_same_providers_next_quotes_alone() -> None:
    stopped = folded(update(quoted=quotes()), update(bet_stop=()))
    assert reasons(priced(folded(update(provider_id="bravo", quoted=quotes()), state=stopped))) == [BET_STOP] * 2
    assert reasons(priced(folded(update(quoted=quotes()), state=stopped))) == [NONE, NONE]


MARGIN_US = POLICY.bet_stop_margin_us


@pytest.mark.parametrize(("younger_us", "reason"), [(0, BET_STOP), (MARGIN_US, BET_STOP), (MARGIN_US + 1, NONE)])
def test_a_bet_stop_outlasts_its_provider_until_anothers_quotes_are_younger_by_a_margin(
    younger_us: int, reason: SuspensionReason
) -> None:
    later_us = NOW_US + younger_us
    state = folded(
        update(quoted=quotes()), update(bet_stop=()), update(provider_id="bravo", quoted=quotes(), at_us=later_us)
    )
    assert reasons(priced(state, up=["bravo"], now_us=later_us)) == [reason, reason]
    assert reasons(priced(state, now_us=later_us)) == [BET_STOP, BET_STOP]


def test_quotes_of_another_market_do_not_end_what_a_silent_provider_stopped() -> None:
    later_us = NOW_US + MARGIN_US + 1
    totals = MarketLayout.of_markets([("total:2.5", ("over", "under"))])
    state = folded(
        update(quoted=quotes()),
        update(provider_id="bravo", quoted=quotes()),
        update(bet_stop=()),
        update(provider_id="bravo", quoted=quotes(statuses=[SUSPENDED, OPEN]), at_us=later_us),
    )
    assert reasons(priced(state, up=["bravo"], now_us=later_us)) == [BET_STOP, NONE]
    alone = folded(
        update(quoted=quotes()),
        update(bet_stop=()),
        update(provider_id="bravo", quoted=quotes((1_900, 1_950), layout=totals), at_us=later_us),
    )
    assert reasons(priced(alone, up=["bravo"], now_us=later_us)) == [BET_STOP, NONE]


def test_a_person_lifts_what_a_silent_provider_stopped_and_not_what_one_that_is_heard_of_did() -> None:
    stopped = folded(update(quoted=quotes()), update(provider_id="bravo", quoted=quotes()), update(bet_stop=()))
    resumed = follow_trader(stopped, command(TradingAction.RESUME, market_id="total:2.5"))
    assert reasons(priced(resumed, up=["bravo"])) == [BET_STOP, NONE]
    assert reasons(priced(resumed)) == [BET_STOP, BET_STOP]

    again = folded(update(bet_stop=()), state=follow_trader(stopped, command(TradingAction.RESUME)))
    assert reasons(priced(again, up=["bravo"])) == [BET_STOP, BET_STOP]


def test_in_play_the_first_to_suspend_is_not_outvoted() -> None:
    state = folded(
        update(quoted=quotes(statuses=[SUSPENDED, OPEN]), state=in_play()),
        update(provider_id="bravo", quoted=quotes()),
    )
    assert reasons(priced(state)) == [PROVIDER, NONE]
    lifted = folded(update(quoted=quotes()), state=state)
    assert reasons(priced(lifted)) == [NONE, NONE]


@pytest.mark.parametrize(("younger_us", "reason"), [(0, PROVIDER), (MARGIN_US, PROVIDER), (MARGIN_US + 1, NONE)])
def test_a_suspension_in_play_outlasts_its_provider_until_anothers_quotes_are_younger_by_a_margin(
    younger_us: int, reason: SuspensionReason
) -> None:
    later_us = NOW_US + younger_us
    state = folded(
        update(quoted=quotes(statuses=[SUSPENDED, OPEN]), state=in_play()),
        update(provider_id="bravo", quoted=quotes(), state=in_play(), at_us=later_us),
    )
    assert reasons(priced(state, up=["bravo"], now_us=later_us)) == [reason, NONE]


def test_a_suspension_in_play_by_one_that_quotes_no_more_is_not_for_ever() -> None:
    age_us = POLICY.age_in_play_us_max
    state = folded(
        update(quoted=quotes(statuses=[SUSPENDED, OPEN]), state=in_play(clock_seconds=None)),
        update(provider_id="bravo", quoted=quotes(), at_us=NOW_US + age_us),
    )
    assert reasons(priced(state, now_us=NOW_US + age_us)) == [PROVIDER, NONE]
    assert reasons(priced(state, now_us=NOW_US + age_us + 1)) == [NONE, NONE]


@pytest.mark.parametrize(
    ("standing", "age_us_max"),
    [(in_play(clock_seconds=None), POLICY.age_in_play_us_max), (None, POLICY.age_pre_match_us_max)],
    ids=["in play", "before the match"],
)
def test_quotes_grow_old_by_our_clock_though_none_are_younger(standing: MatchState | None, age_us_max: int) -> None:
    state = folded(update(quoted=quotes(), state=standing))
    assert reasons(priced(state, now_us=NOW_US + age_us_max)) == [NONE, NONE]
    assert reasons(priced(state, now_us=NOW_US + age_us_max + 1)) == [NO_PRICE, NO_PRICE]


@pytest.mark.parametrize("standing", [in_play(clock_seconds=None), None], ids=["in play", "before the match"])
def test_quotes_that_came_by_a_clock_put_back_since_count_once_it_has_caught_up(standing: MatchState | None) -> None:
    state = folded(update(quoted=quotes(), state=standing))
    back_us, due_us = NOW_US - 3_600_000_000, NOW_US - AHEAD_US_MAX
    assert reasons(priced(state, now_us=back_us)) == [NO_PRICE, NO_PRICE]
    assert next_change_us(state, POLICY, back_us) == due_us
    assert reasons(priced(state, now_us=due_us - 1)) == [NO_PRICE, NO_PRICE]
    assert reasons(priced(state, now_us=due_us)) == [NONE, NONE]
    told_anew = folded(update(quoted=quotes(), at_us=back_us), state=state)
    assert reasons(priced(told_anew, now_us=back_us)) == [NONE, NONE]


@pytest.mark.parametrize(("silence_us", "reason"), [(30_000_000, NONE), (30_000_001, STALE)])
def test_a_match_clock_is_stale_by_the_time_of_a_log_whose_clock_was_put_back(
    silence_us: int, reason: SuspensionReason
) -> None:
    back_us = NOW_US - 3_600_000_000
    later_us = back_us + silence_us
    state = folded(
        update(quoted=quotes(), state=in_play()), update(at_us=back_us), update(at_us=later_us, quoted=quotes())
    )
    assert reasons(priced(state, now_us=later_us, policy=POLICY)) == [reason, reason]


def test_who_was_believed_before_a_clock_was_put_back_is_not_believed_for_longer_than_otherwise() -> None:
    back_us = NOW_US - 3_600_000_000
    later_us = back_us + BELIEF_US_MAX
    state = folded(
        update(quoted=quotes(), state=in_play(home=1)),
        update(provider_id="bravo", at_us=back_us, quoted=quotes(), state=in_play()),
        update(provider_id="bravo", at_us=later_us, state=in_play()),
    )
    assert state.state == in_play(home=1)
    later = update(provider_id="bravo", at_us=later_us + 1, state=in_play())
    assert folded(later, state=state).state == in_play()


def test_quotes_count_behind_an_incident_that_a_clock_put_back_since_told() -> None:
    back_us = NOW_US - 3_600_000_000
    goal = folded(update(quoted=quotes(), state=in_play()), update(state=in_play(home=1)))
    told_anew = folded(update(at_us=back_us, quoted=quotes(), state=in_play(home=1)), state=goal)
    assert reasons(priced(told_anew, now_us=back_us)) == [NONE, NONE]


START_MS = NOW_US // 1_000
OVERDUE = SuspensionReason.NOT_STARTED_IN_TIME


@pytest.mark.parametrize("standing", [None, MatchState(), MatchState(FixtureStatus.PRE_MATCH)])
@pytest.mark.parametrize(("sport", "tolerance_us"), [("football", 0), ("tennis", 5_000_000)])
def test_from_the_scheduled_start_on_what_nobody_calls_in_play_is_suspended(
    standing: MatchState | None, sport: str, tolerance_us: int
) -> None:
    policy = PricingPolicy(start_guard=StartGuard(tolerance_us_by_sport={"tennis": 5_000_000}))
    described = FixtureDescription(sport=sport, start_time_ms=START_MS)
    state = folded(update(quoted=quotes(), state=standing, description=described))
    due_us = NOW_US + tolerance_us
    assert reasons(priced(state, now_us=due_us - 1, policy=policy)) == [NONE, NONE]
    assert reasons(priced(state, now_us=due_us, policy=policy)) == [OVERDUE, OVERDUE]

    begun = folded(update(quoted=quotes(), state=in_play(), at_us=due_us), state=state)
    assert reasons(priced(begun, now_us=due_us, policy=policy)) == [NONE, NONE]
    assert statuses(priced(folded(update(state=MatchState(FixtureStatus.ENDED)), state=state), now_us=due_us)) == [3, 3]


def test_without_a_start_nobody_waits_for_one() -> None:
    state = folded(update(quoted=quotes(), description=FixtureDescription(sport="football")))
    assert reasons(priced(state)) == [NONE, NONE]


def test_the_next_change_without_any_word_is_known() -> None:
    description = FixtureDescription(sport="football", start_time_ms=START_MS + 60_000)
    waiting = folded(update(quoted=quotes(), description=description))
    assert next_change_us(waiting, POLICY, NOW_US) == NOW_US + 60_000_000
    assert next_change_us(waiting, POLICY, NOW_US + 60_000_000) == NOW_US + POLICY.age_pre_match_us_max + 1
    playing = folded(update(quoted=quotes(), state=in_play()))
    assert next_change_us(playing, POLICY, NOW_US) == NOW_US + POLICY.clock_stale_us + 1
    assert next_change_us(playing, POLICY, NOW_US + 45_000_000) == NOW_US + POLICY.age_in_play_us_max + 1
    assert next_change_us(playing, POLICY, NOW_US + 75_000_000) is None


def test_a_fixture_whose_only_provider_is_down_is_suspended_and_comes_back() -> None:
    state = folded(update(quoted=quotes()))
    down = priced(state, up=["bravo"])
    assert reasons(down) == [DOWN, DOWN]
    assert reasons(priced(down.state, up=["alpha"])) == [NONE, NONE]


def test_a_fixture_with_another_provider_goes_on_without_the_one_that_is_down() -> None:
    state = folded(update(quoted=quotes()), update(provider_id="bravo", quoted=quotes()))
    repricing = priced(state, up=["bravo"])
    assert reasons(repricing) == [NONE, NONE]
    assert repricing.explanation.weights.tolist() == [[0.0, 0.0], [1.0, 1.0]]


def told(provider_id: str, at_us: int, *, home: int = 0, clock_seconds: int = 600) -> FixtureUpdate:
    standing = in_play(home=home, clock_seconds=clock_seconds)
    return update(provider_id=provider_id, at_us=at_us, quoted=quotes(), state=standing)


def test_a_goal_that_one_of_three_tells_suspends_until_another_says_so() -> None:
    state = folded(*(told(name, NOW_US) for name in ("alpha", "bravo", "charlie")))
    assert reasons(priced(state)) == [NONE, NONE]
    scored = folded(told("alpha", NOW_US + 1, home=1, clock_seconds=601), state=state)
    assert reasons(priced(scored, now_us=NOW_US + 1)) == [NO_PRICE, NO_PRICE]
    denied = folded(told("bravo", NOW_US + 2), told("charlie", NOW_US + 2), state=scored)
    assert reasons(priced(denied, now_us=NOW_US + 2)) == [NO_PRICE, NO_PRICE]
    confirmed = folded(told("bravo", NOW_US + 3, home=1, clock_seconds=601), state=denied)
    assert reasons(priced(confirmed, now_us=NOW_US + 3)) == [NONE, NONE]


def test_who_has_not_told_the_match_for_long_denies_nothing() -> None:
    state = folded(*(told(name, NOW_US) for name in ("alpha", "bravo", "charlie")))
    scored = folded(told("alpha", NOW_US + 1, home=1, clock_seconds=601), state=state)
    assert reasons(priced(scored, now_us=NOW_US + BELIEF_US_MAX)) == [NO_PRICE, NO_PRICE]
    assert reasons(priced(scored, now_us=NOW_US + BELIEF_US_MAX + 1)) == [NONE, NONE]


def test_of_two_feeds_the_one_that_is_further_on_is_enough() -> None:
    state = folded(told("alpha", NOW_US), told("bravo", NOW_US))
    scored = folded(told("alpha", NOW_US + 1, home=1, clock_seconds=601), told("bravo", NOW_US + 2), state=state)
    assert reasons(priced(scored, now_us=NOW_US + 2)) == [NONE, NONE]


@pytest.mark.parametrize(("silence_us", "reason"), [(30_000_000, NONE), (30_000_001, STALE)])
def test_a_running_clock_without_a_word_for_longer_than_allowed_is_stale(
    silence_us: int, reason: SuspensionReason
) -> None:
    state = folded(update(quoted=quotes(), state=in_play()))
    assert reasons(priced(state, now_us=NOW_US + silence_us, policy=POLICY)) == [reason, reason]


@pytest.mark.parametrize(
    "standing",
    [in_play(period=Period.HALF_TIME), in_play(clock_seconds=None), MatchState(FixtureStatus.PRE_MATCH)],
    ids=["half-time", "no clock", "before the match"],
)
def test_a_clock_that_need_not_run_is_never_stale(standing: MatchState) -> None:
    later_us = NOW_US + 10**9
    state = folded(update(quoted=quotes(), state=standing), update(quoted=quotes(), at_us=later_us))
    assert reasons(priced(state, now_us=later_us, policy=POLICY)) == [NONE, NONE]


def test_any_word_about_the_match_ends_a_stale_clock() -> None:
    later_us = NOW_US + 60_000_000
    state = folded(update(quoted=quotes(), state=in_play()), update(at_us=later_us, state=in_play(clock_seconds=660)))
    assert reasons(priced(state, now_us=later_us, policy=POLICY)) == [NONE, NONE]


def test_a_trader_suspends_a_fixture_and_resumes_it() -> None:
    suspended = follow_trader(folded(update(quoted=quotes())), command(TradingAction.SUSPEND))
    assert reasons(priced(suspended)) == [TRADER, TRADER]
    assert suspended.trader_suspensions[0].trader_name == "ann"

    resumed = follow_trader(suspended, command(TradingAction.RESUME, request_id="r2"))
    assert reasons(priced(resumed)) == [NONE, NONE]


def test_a_trader_suspends_one_market_and_resuming_the_fixture_leaves_it() -> None:
    state = follow_trader(folded(update(quoted=quotes())), command(TradingAction.SUSPEND, market_id="total:2.5"))
    assert reasons(priced(state)) == [NONE, TRADER]
    assert reasons(priced(follow_trader(state, command(TradingAction.RESUME, request_id="r2")))) == [NONE, TRADER]


def test_a_trading_command_delivered_twice_has_one_effect() -> None:
    suspended = follow_trader(folded(update(quoted=quotes())), command(TradingAction.SUSPEND))
    resumed = follow_trader(suspended, command(TradingAction.RESUME, request_id="r2"))
    assert follow_trader(resumed, command(TradingAction.SUSPEND)) is resumed


def test_the_desks_word_is_told_before_every_other_reason() -> None:
    state = folded(update(quoted=quotes()), update(bet_stop=()))
    assert reasons(priced(follow_trader(state, command(TradingAction.SUSPEND)))) == [TRADER, TRADER]


def test_markets_with_too_few_providers_have_no_price() -> None:
    state = folded(update(quoted=quotes()))
    assert reasons(priced(state, policy=PricingPolicy(providers_min=2))) == [NO_PRICE, NO_PRICE]
    both = folded(update(provider_id="bravo", quoted=quotes()), state=state)
    assert reasons(priced(both, policy=PricingPolicy(providers_min=2))) == [NONE, NONE]


def test_two_providers_that_contradict_each_other_make_no_price() -> None:
    opposite = (3_600, 3_400, 2_100, 1_900, 1_950)
    state = folded(update(quoted=quotes()), update(provider_id="bravo", quoted=quotes(opposite)))
    assert reasons(priced(state)) == [NO_PRICE, NONE]


def test_one_of_three_providers_far_from_the_others_does_not_count() -> None:
    opposite = (3_600, 3_400, 2_100, 1_900, 1_950)
    state = folded(
        update(quoted=quotes()),
        update(provider_id="bravo", quoted=quotes()),
        update(provider_id="charlie", quoted=quotes(opposite)),
    )
    repricing = priced(state)
    assert reasons(repricing) == [NONE, NONE]
    assert repricing.explanation.weights[:, 0].tolist() == [0.5, 0.5, 0.0]


def test_a_goal_makes_prices_from_before_it_count_for_nothing() -> None:
    """Two late providers would otherwise outvote the one that knows."""
    after_us = NOW_US + 1_000_000
    state = folded(
        update(quoted=quotes(), state=in_play()),
        update(provider_id="bravo", quoted=quotes(), state=in_play()),
        update(provider_id="charlie", quoted=quotes(), state=in_play()),
        update(at_us=after_us, quoted=quotes((1_400, 4_800, 9_000, 1_600, 2_400)), state=in_play(home=1)),
        update(provider_id="bravo", at_us=after_us, state=in_play(home=1)),
    )
    repricing = priced(state, now_us=after_us)
    assert repricing.explanation.weights[:, 0].tolist() == [1.0, 0.0, 0.0]


def test_a_provider_that_does_not_know_of_the_goal_yet_cannot_take_it_back() -> None:
    after_us = NOW_US + 1_000_000
    state = folded(
        update(quoted=quotes(), state=in_play(home=1)),
        update(provider_id="bravo", at_us=after_us, quoted=quotes(), state=in_play(clock_seconds=601)),
    )
    assert state.state == in_play(home=1)
    assert priced(state, now_us=after_us).explanation.weights[:, 0].tolist() == [1.0, 0.0]

    told = folded(update(provider_id="bravo", at_us=after_us, quoted=quotes(), state=in_play(home=1)), state=state)
    assert priced(told, now_us=after_us).explanation.weights[1, 0] > 0.0


def test_the_provider_that_gave_a_goal_can_take_it_back() -> None:
    state = folded(update(state=in_play(home=1), quoted=quotes()), update(state=in_play(clock_seconds=620)))
    assert state.state == in_play(clock_seconds=620)


def test_an_end_stands_until_the_provider_that_told_it_takes_it_back() -> None:
    end = MatchState(FixtureStatus.ENDED, Period.FINISHED, 1, 0)
    state = folded(update(quoted=quotes(), state=end), update(provider_id="bravo", quoted=quotes()))
    long_after = NOW_US + 60_000_000
    late = folded(update(provider_id="bravo", state=in_play(home=1), at_us=long_after), state=state)
    assert late.state == end
    assert statuses(priced(late)) == [MarketStatus.CLOSED] * 2
    taken_back = folded(update(state=in_play(home=1), at_us=long_after), state=late)
    assert taken_back.state == in_play(home=1)


def test_markets_of_a_match_that_is_over_are_closed() -> None:
    state = folded(update(quoted=quotes(), state=MatchState(FixtureStatus.ENDED, Period.FINISHED)))
    assert statuses(priced(state)) == [CLOSED, CLOSED]


def test_a_market_left_out_of_a_snapshot_is_closed_and_one_left_out_of_a_delta_stays() -> None:
    state = folded(update(quoted=quotes()))
    narrow = MarketLayout.of_markets([("1x2", ("home", "draw", "away"))])
    delta = quotes(FAIR_ISH[:3], layout=narrow, is_snapshot=False)
    assert statuses(priced(folded(update(quoted=delta), state=state))) == [OPEN, OPEN]
    snapshot = quotes(FAIR_ISH[:3], layout=narrow, is_snapshot=True)
    assert statuses(priced(folded(update(quoted=snapshot), state=state))) == [OPEN, CLOSED]


def mark(kind: ResultKind, *, is_windowed: bool = False) -> tuple[ResultMark, ...]:
    return (ResultMark(kind, "1x2", is_windowed),)


@pytest.mark.parametrize(
    ("kinds", "status"),
    [
        ([ResultKind.SETTLEMENT], MarketStatus.SETTLED),
        ([ResultKind.SETTLEMENT, ResultKind.SETTLEMENT_ROLLBACK], CLOSED),
        ([ResultKind.SETTLEMENT, ResultKind.SETTLEMENT_ROLLBACK, ResultKind.SETTLEMENT], MarketStatus.SETTLED),
        ([ResultKind.CANCEL], MarketStatus.CANCELLED),
        ([ResultKind.CANCEL, ResultKind.CANCEL_ROLLBACK], CLOSED),
    ],
)
def test_results_and_their_rollbacks_mark_the_market(kinds: list[ResultKind], status: MarketStatus) -> None:
    state = folded(update(quoted=quotes()), *(update(result_marks=mark(kind)) for kind in kinds))
    assert statuses(priced(state)) == [status, OPEN]


def test_a_cancellation_of_a_time_window_leaves_the_market_open() -> None:
    state = folded(update(quoted=quotes()), update(result_marks=mark(ResultKind.CANCEL, is_windowed=True)))
    assert statuses(priced(state)) == [OPEN, OPEN]


def test_a_settled_market_stays_settled_though_a_late_provider_quotes_it() -> None:
    state = folded(
        update(quoted=quotes()),
        update(result_marks=mark(ResultKind.SETTLEMENT)),
        update(provider_id="bravo", quoted=quotes()),
    )
    assert statuses(priced(state)) == [MarketStatus.SETTLED, OPEN]


def test_a_market_whose_result_was_taken_back_trades_again_once_it_is_quoted() -> None:
    rolled_back = folded(
        update(quoted=quotes()),
        update(result_marks=mark(ResultKind.SETTLEMENT)),
        update(result_marks=mark(ResultKind.SETTLEMENT_ROLLBACK)),
    )
    assert statuses(priced(folded(update(quoted=quotes()), state=rolled_back))) == [OPEN, OPEN]


def test_a_fixture_is_over_when_every_market_has_its_result() -> None:
    half = folded(update(quoted=quotes()), update(result_marks=mark(ResultKind.SETTLEMENT)))
    assert not priced(half).state.is_over
    rest = (ResultMark(ResultKind.CANCEL, "total:2.5", False),)
    assert priced(folded(update(result_marks=rest), state=half)).state.is_over


def test_a_restored_fixture_nobody_spoke_of_waits_for_its_provider() -> None:
    before = priced(folded(update(quoted=quotes())))
    restored = restore_state("match", before.state.book, None)
    assert reasons(priced(restored)) == [NOT_RESTORED, NOT_RESTORED]
    assert reasons(priced(folded(update(quoted=quotes()), state=restored))) == [NONE, NONE]


@pytest.mark.parametrize("provider_id", ["alpha", "bravo"])
def test_a_description_without_a_start_does_not_make_the_known_one_forgotten(provider_id: str) -> None:
    begun = FixtureDescription("football", start_time_ms=NOW_US // 1_000 - 1)
    scheduled = folded(update(quoted=quotes(), description=begun, state=MatchState(FixtureStatus.PRE_MATCH)))
    renamed = FixtureDescription("football", home_name="Rovers")

    state = folded(update(provider_id=provider_id, quoted=quotes(), description=renamed), state=scheduled)

    assert state.description is not None
    assert state.description.home_name == "Rovers"
    assert reasons(priced(state)) == [SuspensionReason.NOT_STARTED_IN_TIME] * 2
