"""Who may decide what: strangers nothing, others what they quote and what the table of rights grants."""

from __future__ import annotations

from dataclasses import replace

import pytest

from infra.house import read_house
from infra.settings import HOUSE_DIR
from markets.fixture import FixtureDescription, FixtureStatus, MarketStatus, MatchState, Period, SuspensionReason
from markets.layout import MarketLayout
from markets.results import ResultKind
from odds.fixture.layout_room import DECIDED_MARKETS_MAX
from odds.fixture.state import BELIEF_US_MAX, FixtureState, new_state, restore_state
from odds.fixture.updates import FixtureUpdate, ResultMark, TraderCommand, TradingAction
from odds.folding.fold import REFERRED_MARKETS_MAX, fold, follow_trader
from odds.folding.provider_rights import (
    EVERYBODYS_RIGHTS,
    PROVIDERS_PER_FIXTURE_MAX,
    ProviderRights,
    RightsTable,
    judge_update,
)
from odds.pricing.policy import PricingPolicy
from odds.pricing.suspension import next_change_us
from overround.odds.v1 import book_pb2
from tests.builders.football_world import match_update, playing, quoted
from tests.builders.pricing_world import FAIR_ISH, NOW_US, folded, in_play, priced, quotes, reasons, statuses, update
from wire.books import encode_book, encode_explanation, parse_book, parse_explanation

OPEN, SUSPENDED, CLOSED = MarketStatus.OPEN, MarketStatus.SUSPENDED, MarketStatus.CLOSED
SETTLED, CANCELLED = MarketStatus.SETTLED, MarketStatus.CANCELLED
SETTLE, TAKE_BACK = ResultKind.SETTLEMENT, ResultKind.SETTLEMENT_ROLLBACK
CANCEL, RESTORE = ResultKind.CANCEL, ResultKind.CANCEL_ROLLBACK
ENDED = MatchState(FixtureStatus.ENDED, Period.FINISHED, 2, 1)
OFF = MatchState(FixtureStatus.CANCELLED)
SHARED = RightsTable((ProviderRights(may_decide_shared=True),))
NARROW = MarketLayout.of_markets([("1x2", ("home", "draw", "away"))])


def result(
    kind: ResultKind, *, provider_id: str = "alpha", market_id: str = "1x2", is_windowed: bool = False
) -> FixtureUpdate:
    return update(provider_id=provider_id, result_marks=(ResultMark(kind, market_id, is_windowed),))


def referral(state: FixtureState, told: FixtureUpdate, table: RightsTable = EVERYBODYS_RIGHTS) -> str:
    (reason,) = judge_update(state, told, table).referral_reasons
    return reason


def both(**others: object) -> FixtureState:
    """Return a fixture that two providers quote."""
    return folded(update(quoted=quotes(), **others), update(provider_id="bravo", quoted=quotes()))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "told",
    [
        update(provider_id="stranger", state=ENDED),
        update(provider_id="stranger", state=OFF),
        update(provider_id="stranger", state=MatchState(FixtureStatus.ENDED)),
        update(provider_id="stranger", state=in_play(home=3)),
        update(provider_id="stranger", bet_stop=()),
        update(provider_id="stranger", description=FixtureDescription("tennis")),
        update(provider_id="stranger", at_us=NOW_US + 10**9, state=ENDED),
        *(result(kind, provider_id="stranger") for kind in (SETTLE, TAKE_BACK, CANCEL, RESTORE)),
    ],
)
def test_a_stranger_changes_nothing(told: FixtureUpdate) -> None:
    state = priced(folded(update(quoted=quotes(), state=in_play()))).state
    assert judge_update(state, told, EVERYBODYS_RIGHTS).refusal == "FIXTURE_NOT_QUOTED"
    assert set(judge_update(state, told, EVERYBODYS_RIGHTS).referral_reasons) <= {"FIXTURE_NOT_QUOTED"}
    assert fold(state, told) is state


def test_what_is_said_of_a_fixture_before_anybody_quotes_it_is_taken_until_one_who_does_says_another_thing() -> None:
    announced = folded(update(provider_id="herald", state=OFF, description=FixtureDescription("football")))
    assert announced.state == OFF
    begun = folded(update(quoted=quotes(), state=in_play()), state=announced)
    assert begun.state == in_play()
    assert folded(update(provider_id="herald", state=OFF), state=begun) is begun


def test_products_of_a_feed_speak_with_one_voice() -> None:
    state = folded(update(provider_id="uof:3", quoted=quotes()))
    assert referral(state, result(SETTLE, provider_id="uof:1")) == ""
    stopped = folded(update(provider_id="uof:1", bet_stop=()), state=state)
    assert reasons(priced(stopped, up=["uof:1", "uof:3"])) == [SuspensionReason.BET_STOP] * 2
    settled = folded(result(SETTLE, provider_id="uof:1"), state=state)
    assert referral(settled, result(TAKE_BACK, provider_id="uof:3")) == ""


def test_a_provider_settles_and_cancels_what_it_has_quoted_alone() -> None:
    narrow = quotes(FAIR_ISH[:3], layout=NARROW, is_snapshot=False)
    state = folded(update(quoted=quotes()), update(provider_id="bravo", quoted=narrow))
    for kind in (SETTLE, CANCEL):
        assert referral(state, result(kind, provider_id="bravo"), SHARED) == ""
        told = result(kind, provider_id="bravo", market_id="total:2.5")
        assert referral(state, told) == "MARKET_NOT_QUOTED"
        assert statuses(priced(folded(told, state=state))) == [OPEN, SUSPENDED]
        assert reasons(priced(folded(told, state=state))) == [0, SuspensionReason.RESULT_REFERRED]


def test_what_an_update_quotes_itself_is_quoted() -> None:
    told = replace(result(SETTLE), quotes=quotes())
    assert referral(new_state("match"), told) == ""
    assert statuses(priced(folded(told))) == [SETTLED, OPEN]


def test_what_was_quoted_is_known_after_a_restart() -> None:
    before = priced(folded(update(quoted=quotes()), result(SETTLE)))
    assert before.state.book is not None
    explanation = parse_explanation(book_pb2.PriceExplanation.FromString(encode_explanation(before.explanation)))
    book = parse_book(book_pb2.Book.FromString(encode_book(before.state.book)))
    restored = restore_state("match", book, explanation)
    assert referral(folded(result(TAKE_BACK), state=restored), result(SETTLE)) == ""
    state = folded(update(provider_id="bravo", quoted=quotes(), state=in_play()), state=restored)
    assert referral(state, result(TAKE_BACK)) == ""
    assert referral(state, result(CANCEL, provider_id="bravo"), SHARED) == "OTHER_RESULT_STANDS"
    assert state.provider("alpha").brought.tolist() == [1, 1]  # type: ignore[union-attr]
    assert state.provider("bravo").brought is None  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("standing", "kind", "is_windowed", "reason"),
    [
        (SETTLE, SETTLE, False, ""),
        (SETTLE, TAKE_BACK, False, "OTHER_RESULT_STANDS"),
        (SETTLE, CANCEL, False, "OTHER_RESULT_STANDS"),
        (SETTLE, CANCEL, True, "OTHER_RESULT_STANDS"),
        (SETTLE, RESTORE, False, ""),
        (CANCEL, SETTLE, False, "OTHER_RESULT_STANDS"),
        (CANCEL, CANCEL, False, ""),
        (CANCEL, RESTORE, False, "OTHER_RESULT_STANDS"),
        (CANCEL, TAKE_BACK, False, ""),
    ],
)
def test_the_first_word_stands_against_another_providers(
    standing: ResultKind, kind: ResultKind, is_windowed: bool, reason: str
) -> None:
    quoting = both()
    state = fold(quoting, result(standing), SHARED)
    told = result(kind, provider_id="bravo", is_windowed=is_windowed)
    assert referral(state, told, SHARED) == reason
    assert referral(state, replace(told, provider_id="alpha"), SHARED) == ""
    if reason:
        expected = SETTLED if standing is SETTLE else CANCELLED
        assert statuses(priced(folded(told, state=state))) == [expected, OPEN]


def test_a_cancellation_of_a_time_window_is_taken_back_by_its_own_provider_alone() -> None:
    quoting = both()
    state = fold(quoting, result(CANCEL, is_windowed=True), SHARED)
    assert referral(state, result(RESTORE, provider_id="bravo"), SHARED) == "OTHER_RESULT_STANDS"
    taken_back = fold(state, result(RESTORE), SHARED)
    assert referral(taken_back, result(RESTORE, provider_id="bravo"), SHARED) == ""


def test_a_result_taken_back_leaves_the_market_to_the_next_word() -> None:
    quoting = both()
    state = fold(fold(quoting, result(SETTLE), SHARED), result(TAKE_BACK), SHARED)
    assert referral(state, result(CANCEL, provider_id="bravo"), SHARED) == ""


@pytest.mark.parametrize(("said", "undone"), [(SETTLE, TAKE_BACK), (CANCEL, RESTORE)])
def test_whose_word_stands_may_take_it_back_though_another_repeated_it(said: ResultKind, undone: ResultKind) -> None:
    quoting = both()
    state = fold(fold(quoting, result(said), SHARED), result(said, provider_id="bravo"), SHARED)
    assert referral(state, result(undone, provider_id="bravo"), SHARED) == "OTHER_RESULT_STANDS"
    told = result(undone)
    assert referral(state, told, SHARED) == ""
    assert statuses(priced(fold(state, told, SHARED))) == [CLOSED, OPEN]


def test_a_market_with_a_referred_result_is_suspended_until_it_is_settled_or_a_person_resumes_it() -> None:
    table = RightsTable((ProviderRights("bravo", may_settle=False), ProviderRights("alpha", may_decide_shared=True)))
    quoting = both()
    state = fold(quoting, result(SETTLE, provider_id="bravo"), table)
    assert reasons(priced(state)) == [SuspensionReason.RESULT_REFERRED, 0]
    assert reasons(priced(folded(update(quoted=quotes()), state=state))) == [SuspensionReason.RESULT_REFERRED, 0]
    resume = TraderCommand("r1", "match", "1x2", TradingAction.RESUME, "ann", NOW_US)
    other = TraderCommand("r2", "match", "total:2.5", TradingAction.RESUME, "ann", NOW_US)
    assert reasons(priced(follow_trader(state, other))) == [SuspensionReason.RESULT_REFERRED, 0]
    assert statuses(priced(follow_trader(state, resume))) == [OPEN, OPEN]
    assert statuses(priced(fold(state, result(SETTLE), table))) == [SETTLED, OPEN]


@pytest.mark.parametrize(
    ("rule", "kind", "reason"),
    [
        (ProviderRights("bravo", may_settle=False), SETTLE, "SETTLING_NOT_PERMITTED"),
        (ProviderRights("bravo", may_settle=False), TAKE_BACK, "SETTLING_NOT_PERMITTED"),
        (ProviderRights("bravo", may_settle=False, may_decide_shared=True), CANCEL, ""),
        (ProviderRights("bravo", may_cancel=False), CANCEL, "CANCELLING_NOT_PERMITTED"),
        (ProviderRights("bravo", may_cancel=False), RESTORE, "CANCELLING_NOT_PERMITTED"),
        (ProviderRights("bravo", may_cancel=False, may_decide_shared=True), SETTLE, ""),
        (ProviderRights("bravo", "tennis", may_settle=False), SETTLE, "MARKET_OF_ANOTHER_PROVIDER"),
        (ProviderRights("bravo", is_official=True), SETTLE, ""),
        (ProviderRights("bravo", rank=-1), SETTLE, ""),
        (ProviderRights("", "football", may_settle=False), SETTLE, "SETTLING_NOT_PERMITTED"),
        (ProviderRights("alpha", rank=-1), SETTLE, "BETTER_RANKED_PROVIDER"),
        (ProviderRights("alpha", rank=-1, may_settle=False), SETTLE, "MARKET_OF_ANOTHER_PROVIDER"),
        (ProviderRights("alpha", rank=1), SETTLE, ""),
    ],
)
def test_rights_are_data(rule: ProviderRights, kind: ResultKind, reason: str) -> None:
    state = both(description=FixtureDescription("football"))
    assert referral(state, result(kind, provider_id="bravo"), RightsTable((rule,))) == reason


def test_the_most_particular_rule_holds() -> None:
    everybody, of_sport = ProviderRights(rank=1), ProviderRights(sport="football", rank=2)
    feed, product = ProviderRights("uof", rank=3), ProviderRights("uof:1", rank=4)
    table = RightsTable((product, everybody, feed, of_sport))
    found = [table.of(name, sport).rank for name in ("x", "uof:3", "uof:1") for sport in ("football", "tennis")]
    assert found == [2, 1, 3, 3, 4, 4]
    assert RightsTable().of("x", "football") == ProviderRights()


def test_a_provider_that_may_not_quote_stays_a_stranger() -> None:
    table = RightsTable((ProviderRights("bravo", may_quote=False),))
    state = folded(update(quoted=quotes()))
    told = replace(result(SETTLE, provider_id="bravo"), quotes=quotes(), state=ENDED)
    assert judge_update(state, told, table).refusal == "FIXTURE_NOT_QUOTED"
    assert fold(state, told, table) is state


def test_an_update_does_not_choose_its_own_rights() -> None:
    table = RightsTable((ProviderRights("bravo", may_settle=False), ProviderRights("bravo", "tennis")))
    state = both(description=FixtureDescription("football"))
    told = replace(result(SETTLE, provider_id="bravo"), description=FixtureDescription("tennis"))
    assert referral(state, told, table) == "SETTLING_NOT_PERMITTED"


def test_an_official_provider_settles_all_markets_of_a_fixture_that_it_quotes() -> None:
    table = RightsTable((ProviderRights("bravo", is_official=True),))
    narrow = quotes(FAIR_ISH[:3], layout=NARROW, is_snapshot=False)
    state = folded(update(quoted=quotes()))
    told = result(SETTLE, provider_id="bravo", market_id="total:2.5")
    assert referral(state, told, table) == "FIXTURE_NOT_QUOTED"
    assert referral(folded(update(provider_id="bravo", quoted=narrow), state=state), told, table) == ""


def test_a_provider_that_may_not_tell_the_state_is_not_heard_about_it() -> None:
    table = RightsTable((ProviderRights("bravo", may_tell_state=False),))
    state = both(state=in_play())
    assert fold(state, update(provider_id="bravo", state=in_play(home=1)), table).state == in_play()
    table = RightsTable((ProviderRights("bravo", may_cancel=False),))
    assert fold(state, update(provider_id="bravo", at_us=NOW_US + 10**9, state=OFF), table).state == in_play()


@pytest.mark.parametrize("end", [ENDED, OFF, MatchState(FixtureStatus.ENDED)])
def test_one_who_is_not_believed_stops_bets_and_ends_nothing(end: MatchState) -> None:
    state = both(state=in_play())
    claimed = folded(update(provider_id="bravo", state=end), state=state)
    assert claimed.state == in_play()
    assert reasons(priced(claimed)) == [SuspensionReason.BET_STOP] * 2
    resumed = folded(update(provider_id="bravo", quoted=quotes(), state=in_play()), state=claimed)
    assert statuses(priced(resumed)) == [OPEN, OPEN]
    assert resumed.end_claims == ()
    assert folded(update(state=end), state=claimed).is_play_over


def test_a_quorum_that_agrees_ends_a_match() -> None:
    state = both(state=in_play())
    state = folded(update(provider_id="charlie", quoted=quotes()), state=state)
    claimed = folded(update(provider_id="bravo", state=ENDED), state=state)
    other = replace(ENDED, home_score=3)
    assert folded(update(provider_id="charlie", state=other), state=claimed).state == in_play()
    assert folded(update(provider_id="charlie", state=ENDED), state=claimed).state == ENDED
    three = RightsTable(end_quorum=3)
    assert fold(claimed, update(provider_id="charlie", state=ENDED), three).state == in_play()


def test_a_better_ranked_provider_ends_a_match() -> None:
    table = RightsTable((ProviderRights("bravo", rank=-1),))
    assert fold(both(state=in_play()), update(provider_id="bravo", state=ENDED), table).state == ENDED


@pytest.mark.parametrize(("silence_us", "is_over"), [(BELIEF_US_MAX, False), (BELIEF_US_MAX + 1, True)])
def test_after_a_silence_of_the_believed_provider_another_ends_the_match(silence_us: int, is_over: bool) -> None:
    state = both(state=in_play())
    late = folded(update(provider_id="bravo", at_us=NOW_US + silence_us, state=ENDED), state=state)
    assert late.is_play_over is is_over
    claimed = folded(update(provider_id="bravo", state=ENDED), state=state)
    assert priced(claimed, now_us=NOW_US + silence_us).state.is_play_over is is_over
    spoken = folded(update(at_us=NOW_US + 1_000_000, state=in_play(clock_seconds=610)), state=claimed)
    assert not priced(spoken, now_us=NOW_US + silence_us).state.is_play_over


def test_pricing_knows_when_a_claim_is_due() -> None:
    policy = PricingPolicy(age_in_play_us_max=10**12)
    state = both(state=in_play(clock_seconds=None))
    claimed = folded(update(provider_id="bravo", state=ENDED), state=state)
    assert next_change_us(claimed, policy, NOW_US) == NOW_US + BELIEF_US_MAX + 1
    assert next_change_us(state, policy, NOW_US) == NOW_US + 10**12 + 1


def test_claims_are_known_after_a_restart_and_need_the_silence_from_there() -> None:
    state = both(state=in_play())
    before = priced(folded(update(provider_id="bravo", state=ENDED), state=state))
    assert before.state.book is not None
    explanation = parse_explanation(book_pb2.PriceExplanation.FromString(encode_explanation(before.explanation)))
    restored = restore_state("match", before.state.book, explanation)
    assert restored.end_claims == before.state.end_claims
    assert not priced(restored, now_us=NOW_US + BELIEF_US_MAX).state.is_play_over
    assert priced(restored, now_us=NOW_US + BELIEF_US_MAX + 1).state.is_play_over


def test_nobody_but_the_house_settles_its_markets() -> None:
    three = quoted(market_ids=("1x2", "total:2.5", "handicap:-0.5"))
    policy_state = folded(match_update(three, state=playing(Period.HALF_TIME, 45.0)))

    state = priced(policy_state, policy=PricingPolicy(own_offers={"football": ("odd_even",)})).state
    for table in (EVERYBODYS_RIGHTS, RightsTable((ProviderRights("alpha", is_official=True),))):
        assert referral(state, result(SETTLE, market_id="odd_even"), table) == "MARKET_NOT_QUOTED"


def test_the_house_says_who_may_decide_what() -> None:
    rights = read_house(HOUSE_DIR).pricing.rights
    assert rights.of("sim-alpha", "football") == ProviderRights("sim-alpha", is_official=True)
    assert rights.of("uof:1", "football") == ProviderRights()


def test_quotes_give_no_right_to_a_result_where_others_brought_the_market_whenever_they_come() -> None:
    alone = folded(update(quoted=quotes(), state=in_play()))
    late = update(provider_id="bravo", quoted=quotes(), result_marks=(ResultMark(SETTLE, "1x2", False),))
    assert referral(alone, late) == "MARKET_OF_ANOTHER_PROVIDER"
    assert referral(both(state=in_play()), replace(late, sequence=late.sequence + 1)) == "MARKET_OF_ANOTHER_PROVIDER"
    nobodys = folded(update(quoted=quotes((1_900, 1_950), layout=MarketLayout.of_markets([("x", ("a", "b"))]))))
    assert referral(nobodys, late) == ""


def test_who_brought_a_market_settles_it_beside_others_while_it_is_believed_about_the_match() -> None:
    led = both(state=in_play())
    assert referral(led, result(SETTLE)) == ""
    overtaken = folded(update(provider_id="bravo", state=in_play(home=1)), state=led)
    for provider_id in ("alpha", "bravo"):
        assert referral(overtaken, result(SETTLE, provider_id=provider_id)) == "MARKET_OF_ANOTHER_PROVIDER"
    untold = both()
    assert referral(untold, result(SETTLE)) == "MARKET_OF_ANOTHER_PROVIDER"


def test_who_quoted_a_fixture_before_the_one_that_leads_it_does_not_settle_it() -> None:
    early = folded(update(provider_id="mallory", quoted=quotes()))
    assert referral(early, result(SETTLE, provider_id="mallory")) == ""
    led = folded(update(quoted=quotes(), state=in_play()), state=early)
    for kind in (SETTLE, CANCEL):
        assert referral(led, result(kind, provider_id="mallory")) == "MARKET_OF_ANOTHER_PROVIDER"


def test_whose_word_stands_corrects_it_and_takes_it_back_whoever_quotes_and_leads_since() -> None:
    led = both(state=in_play())
    settled = folded(result(SETTLE), state=led)
    overtaken = folded(update(provider_id="bravo", state=in_play(home=1)), state=settled)
    for kind in (SETTLE, TAKE_BACK, CANCEL):
        assert referral(overtaken, result(kind)) == ""
    taken_back = folded(result(TAKE_BACK), state=overtaken)
    assert referral(taken_back, result(SETTLE)) == "MARKET_OF_ANOTHER_PROVIDER"


def test_what_the_house_offers_is_not_settled_by_one_that_quotes_it_beside_the_provider_it_was_made_from() -> None:
    three = quoted(market_ids=("1x2", "total:2.5", "handicap:-0.5"))
    policy = PricingPolicy(own_offers={"football": ("odd_even",)})
    offered = priced(folded(match_update(three, state=playing(Period.HALF_TIME, 45.0))), policy=policy).state
    more = quotes((1_900, 1_900), layout=MarketLayout.of_markets([("odd_even", ("odd", "even"))]), is_snapshot=False)
    told = result(SETTLE, provider_id="bravo", market_id="odd_even")
    assert referral(offered, replace(told, quotes=more)) == "MARKET_OF_ANOTHER_PROVIDER"
    quoting = folded(update(provider_id="bravo", quoted=more), state=offered)
    assert referral(quoting, told) == "MARKET_OF_ANOTHER_PROVIDER"
    named = folded(update(quoted=more), state=offered)
    assert referral(named, result(SETTLE, market_id="odd_even")) == ""


@pytest.mark.parametrize(
    ("state", "start_us", "reason"),
    [
        (None, NOW_US + 1_000_000, "FIXTURE_NOT_STARTED"),
        (MatchState(FixtureStatus.PRE_MATCH), NOW_US + 1_000_000, "FIXTURE_NOT_STARTED"),
        (MatchState(FixtureStatus.PRE_MATCH), NOW_US, ""),
        (in_play(), NOW_US + 1_000_000, ""),
        (ENDED, NOW_US + 1_000_000, ""),
        (None, 0, ""),
    ],
)
def test_nothing_is_settled_before_its_start_unless_it_is_played(
    state: MatchState | None, start_us: int, reason: str
) -> None:
    described = FixtureDescription("football", start_time_ms=start_us // 1_000)
    fixture = folded(update(quoted=quotes(), state=state, description=described))
    assert referral(fixture, result(SETTLE)) == reason
    assert referral(fixture, result(CANCEL)) == ""


def test_only_the_believed_provider_or_one_without_others_puts_a_start_off() -> None:
    early, late = (FixtureDescription("football", start_time_ms=start) for start in (1_000, 9_000))
    other = replace(late, sport="tennis")

    def described(*updates: FixtureUpdate) -> FixtureDescription | None:
        return folded(*updates).description

    alone = update(quoted=quotes(), description=early)
    assert described(alone, update(description=late)) == late
    believed = update(quoted=quotes(), description=early, state=MatchState(FixtureStatus.PRE_MATCH))
    second = update(provider_id="bravo", quoted=quotes(), description=other)
    assert described(believed, second) == early
    assert described(believed, second, update(description=late)) == late
    earlier = FixtureDescription("football", start_time_ms=500)
    assert described(believed, update(provider_id="bravo", quoted=quotes(), description=earlier)) == earlier
    assert described(alone, second) == early


def flooded(market_count: int, table: RightsTable = EVERYBODYS_RIGHTS) -> FixtureState:
    """Return a fixture of which one provider settled so many markets that nobody offers."""
    marks = tuple(ResultMark(SETTLE, f"nobodys-{number}", False) for number in range(market_count))
    return fold(both(), update(provider_id="bravo", result_marks=marks), table)


def takes_new_markets(state: FixtureState) -> bool:
    wider = MarketLayout.of_markets([("btts", ("yes", "no"))])
    return "btts" in folded(update(quoted=quotes((1_900, 1_900), layout=wider)), state=state).layout.market_ids


def resumed(state: FixtureState) -> FixtureState:
    return follow_trader(state, TraderCommand("resume", "match", "", TradingAction.RESUME, "trader", NOW_US))


def test_results_that_wait_for_a_person_keep_new_markets_out_no_longer_than_until_one_lets_them_in() -> None:
    assert takes_new_markets(flooded(REFERRED_MARKETS_MAX))
    state = flooded(4 * REFERRED_MARKETS_MAX)
    assert len(state.decided_markets) == REFERRED_MARKETS_MAX + 1
    assert not takes_new_markets(state)
    assert takes_new_markets(resumed(state))


def test_results_that_count_and_are_too_many_to_remember_keep_new_markets_out_for_good() -> None:
    table = RightsTable((ProviderRights("bravo", is_official=True),))
    assert takes_new_markets(flooded(DECIDED_MARKETS_MAX, table))
    state = flooded(DECIDED_MARKETS_MAX + 1, table)
    assert len(state.decided_markets) == DECIDED_MARKETS_MAX + 1
    assert not takes_new_markets(resumed(state))


def test_whoever_comes_too_late_is_not_heard_and_nobody_is_forgotten_for_them() -> None:
    names = [f"provider-{number}" for number in range(PROVIDERS_PER_FIXTURE_MAX)]
    full = folded(*(update(provider_id=name, quoted=quotes()) for name in names))
    late = update(provider_id="late", quoted=quotes(), result_marks=(ResultMark(SETTLE, "1x2", False),))
    judgement = judge_update(full, late, EVERYBODYS_RIGHTS)
    assert (judgement.refusal, judgement.referral_reasons) == ("TOO_MANY_PROVIDERS", ("TOO_MANY_PROVIDERS",))
    assert folded(late, state=full) is full
    again = folded(update(provider_id=names[0], quoted=quotes()), state=full)
    assert [provider.provider_id for provider in again.providers] == names
