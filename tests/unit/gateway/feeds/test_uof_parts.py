"""One bad part of a message of the Unified Odds Feed costs that part; what it could leave stale is suspended."""

from __future__ import annotations

import pytest

from gateway.feeds.reading import Reading
from gateway.feeds.uof import UofAdapter
from gateway.feeds.validation import MARKETS_MAX, UpdateValidator
from markets.fixture import MarketStatus
from odds.fixture.state import new_state
from odds.folding.fold import fold
from odds.pricing.policy import PricingPolicy
from odds.pricing.repricing import price
from overround.feed.v1.feed_pb2 import FeedUpdate
from tests.builders.pricing_world import NOW_US
from wire.feed import parse_update

OPEN, SUSPENDED, SETTLED = MarketStatus.OPEN, MarketStatus.SUSPENDED, MarketStatus.SETTLED
MAIN = '<market id="1"><outcome id="1" odds="{}"/><outcome id="2" odds="{}"/><outcome id="3" odds="{}"/></market>'
TOTAL = '<market id="18" specifiers="total=2.5"><outcome id="12" odds="{}"/><outcome id="13" odds="{}"/></market>'
BTTS = '<market id="29"><outcome id="74" odds="1.9"/><outcome id="76" odds="1.95"/></market>'
BEFORE = MAIN.format(2.05, 3.5, 4.2) + TOTAL.format(1.9, 2.0) + BTTS
GOAL = MAIN.format(1.3, 5.0, 11.0) + TOTAL.format(1.5, 2.5)
PLAYING = '<sport_event_status status="1" match_status="6" home_score="{}" away_score="{}">{}</sport_event_status>'
CLOCK = '<clock match_time="11:00"/>'
POLICY = PricingPolicy(model_error_max=0.0)
UP = frozenset({"uof:1"})


def odds_change(markets: str, status: str, time_ms: int = 2) -> str:
    inner = f"{status}<odds>{markets}</odds>"
    return f'<odds_change product="1" event_id="sr:match:7" timestamp="{time_ms}">{inner}</odds_change>'


def goal(*, bad: str = "", home: str = "1", clock: str = CLOCK) -> str:
    return odds_change(GOAL + bad, PLAYING.format(home, 0, clock))


def results(kind: str, inner: str, attributes: str = "") -> str:
    return f'<{kind} product="1" event_id="sr:match:7" timestamp="2" {attributes}>{inner}</{kind}>'


class Match:
    """A match of the feed, from its messages to its book."""

    def __init__(self) -> None:
        self.adapter = UofAdapter()
        self.state = new_state("sr:match:7")
        assert self.tell(odds_change(BEFORE, PLAYING.format(0, 0, '<clock match_time="10:00"/>'), 1)).refusals == []
        assert self.statuses() == {"1x2": OPEN, "total:2.5": OPEN, "btts": OPEN}

    def tell(self, text: str) -> Reading:
        reading = self.adapter.read(text.encode())
        validator = UpdateValidator()
        for update in reading.updates:
            validator.check(update)
            update.received_time_us = NOW_US
            told = parse_update(FeedUpdate.FromString(update.SerializeToString()), appended_time_us=NOW_US)
            state = fold(self.state, told)
            self.state = price([state], up_providers=UP, policy=POLICY, now_us=NOW_US)[0].state
        return reading

    def statuses(self) -> dict[str, int]:
        assert self.state.book is not None
        book = self.state.book
        return dict(zip(book.layout.market_ids, book.market_statuses.tolist(), strict=True))

    def odds_milli(self, market_id: str) -> list[int]:
        assert self.state.book is not None
        layout = self.state.layout
        begin, end = layout.offsets[layout.market_index(market_id) :][:2]
        return list(self.state.book.decimal_odds_milli[begin:end])

    def score(self) -> tuple[int, int]:
        assert self.state.state is not None
        return self.state.state.home_score, self.state.state.away_score


OUTCOME = '<outcome id="74" odds="{}"/><outcome id="76" odds="1.95"/>'


@pytest.mark.parametrize(
    "bad",
    [
        *(f'<market id="29">{OUTCOME.format(odds)}</market>' for odds in ("12000", "-1", "NaN", "1,9", "1e99", "inf")),
        '<market id="29" status="2"/>',
        '<market id="29" status="-5"/>',
        '<market id="29" status="x"/>',
        '<market id="29"><outcome id="74" odds="1.9"/><outcome id="74" odds="1.8"/></market>',
        '<market id="29"><outcome id="7 4" odds="1.9"/></market>',
        '<market id="29"><outcome odds="1.9"/></market>',
        BTTS + BTTS,
        BTTS + BTTS + BTTS,
    ],
)
def test_a_market_that_is_refused_is_suspended_and_the_others_are_taken(bad: str) -> None:
    match = Match()
    reading = match.tell(goal(bad=bad))
    assert {refusal.reason for refusal in reading.refusals} == {"MALFORMED"}
    assert match.statuses() == {"1x2": OPEN, "total:2.5": OPEN, "btts": SUSPENDED}
    assert match.odds_milli("1x2")[0] < 1_350
    assert match.score() == (1, 0)
    match.tell(odds_change(BTTS, "", 3))
    assert match.statuses()["btts"] == OPEN


@pytest.mark.parametrize(
    "bad",
    [
        '<market id="x"/>',
        "<market/>",
        *(
            f'<market id="18" specifiers="{text}"><outcome id="12" odds="1.5"/></market>'
            for text in ("total= 2.5", "total=2=5", "totäl=2.5", "total", "total=2.5|total=3.5", "a=" + "1" * 129)
        ),
        '<market id="900" specifiers="' + "|".join(f"{name}={'1' * 60}" for name in "abcd") + '"/>',
    ],
)
def test_a_market_that_may_be_any_stops_all_that_the_message_does_not_quote(bad: str) -> None:
    match = Match()
    assert [refusal.reason for refusal in match.tell(goal(bad=bad)).refusals] == ["MALFORMED"]
    assert match.statuses() == {"1x2": OPEN, "total:2.5": OPEN, "btts": SUSPENDED}
    assert match.score() == (1, 0)


def test_a_market_that_may_be_any_stops_all_where_nothing_else_is_quoted() -> None:
    match = Match()
    match.tell(odds_change('<market id="x"/>', ""))
    assert set(match.statuses().values()) == {SUSPENDED}


def test_more_markets_than_are_taken_stop_all() -> None:
    match = Match()
    many = "".join(f'<market id="{900 + number}"/>' for number in range(MARKETS_MAX + 1))
    reading = match.tell(odds_change(many, PLAYING.format(1, 0, "")))
    assert [refusal.reason for refusal in reading.refusals] == ["OVERSIZED"]
    assert set(match.statuses().values()) == {SUSPENDED}
    assert match.score() == (1, 0)


@pytest.mark.parametrize(
    ("told", "score"),
    [
        (goal(home="-1"), (0, 0)),
        (goal(home="x"), (0, 0)),
        (goal(home="100001"), (0, 0)),
        (goal(home=""), (0, 0)),
        *((goal(clock=f'<clock match_time="{text}"/>'), (1, 0)) for text in ("1000:05", "1:99", "-1:00", "x")),
        (goal(clock='<statistics><red_cards home="-1" away="0"/></statistics>'), (1, 0)),
    ],
)
def test_a_state_that_prices_cannot_rely_on_suspends_the_fixture(told: str, score: tuple[int, int]) -> None:
    match = Match()
    assert [refusal.reason for refusal in match.tell(told).refusals] == ["MALFORMED"]
    assert set(match.statuses().values()) == {SUSPENDED}
    assert match.score() == score
    match.tell(odds_change(BEFORE, PLAYING.format(1, 0, CLOCK), 3))
    assert set(match.statuses().values()) == {OPEN}


@pytest.mark.parametrize(
    "inner",
    [
        '<clock match_time="11:00" stoppage_time="x"/>',
        '<clock match_time="11:00" stoppage_time_announced="1:99"/>',
        '<clock match_time="11:00"/><statistics><corners home="-1" away="0"/></statistics>',
        f'{CLOCK}<period_scores><period_score match_status_code="6" home_score="x"/></period_scores>',
    ],
)
def test_a_part_of_the_state_that_no_price_depends_on_costs_itself(inner: str) -> None:
    match = Match()
    assert [refusal.reason for refusal in match.tell(goal(clock=inner)).refusals] == ["MALFORMED"]
    assert set(match.statuses().values()) == {OPEN}
    assert match.score() == (1, 0)
    assert match.state.state is not None
    assert match.state.state.clock_seconds == 660


WON = '<market id="18" specifiers="total=2.5"><outcome id="12" result="1"/><outcome id="13" result="0"/></market>'


@pytest.mark.parametrize(
    "bad",
    [
        '<outcome id="1" void_factor="1.0"/>',
        '<outcome id="1" result="0.5"/>',
        '<outcome id="1" result="1" void_factor="1.5"/>',
        '<outcome id="1" result="1" dead_heat_factor="x"/>',
        '<outcome id="1" result="1"/><outcome id="1" result="0"/>',
        '<outcome id="1 2" result="1"/>',
    ],
)
def test_a_market_whose_result_is_refused_is_suspended_and_the_others_are_settled(bad: str) -> None:
    match = Match()
    reading = match.tell(results("bet_settlement", f'<outcomes><market id="1">{bad}</market>{WON}</outcomes>'))
    assert [refusal.reason for refusal in reading.refusals] == ["MALFORMED"]
    assert [result.market_id for result in reading.updates[0].results] == ["total:2.5"]
    assert match.statuses() == {"1x2": SUSPENDED, "total:2.5": SETTLED, "btts": OPEN}


@pytest.mark.parametrize(
    ("text", "suspended"),
    [
        (results("bet_settlement", '<outcomes><market id="x"/></outcomes>'), {"1x2", "total:2.5", "btts"}),
        (results("bet_settlement", f"<outcomes>{WON}</outcomes>", 'certainty="3"'), {"total:2.5"}),
        (results("bet_cancel", '<market id="1"/>', 'start_time="x"'), {"1x2"}),
        (results("bet_cancel", '<market id="1"/>', f'end_time="{1 << 43}"'), {"1x2"}),
        (results("bet_cancel", '<market id="1"/>', 'start_time="5" end_time="4"'), {"1x2"}),
        (results("bet_cancel", ""), {"1x2", "total:2.5", "btts"}),
        (results("bet_cancel", '<market id="29"/>' * (MARKETS_MAX + 1)), {"btts"}),
    ],
)
def test_results_that_are_refused_whole_suspend_the_markets_they_name(text: str, suspended: set[str]) -> None:
    match = Match()
    assert len(match.tell(text).refusals) == 1
    assert {market_id for market_id, status in match.statuses().items() if status == SUSPENDED} == suspended
    assert SETTLED not in match.statuses().values()


def test_a_start_that_is_no_time_stops_bets_and_what_else_the_change_says_counts() -> None:
    match = Match()
    change = '<fixture_change product="1" event_id="sr:match:7" timestamp="2" start_time="x" change_type="{}"/>'
    assert len(match.tell(change.format(2)).refusals) == 1
    assert set(match.statuses().values()) == {SUSPENDED}
    assert len(match.tell(change.format(3)).refusals) == 1
    assert set(match.statuses().values()) == {MarketStatus.CLOSED}


DOUBLE_CHANCE = (
    '<market id="10"><outcome id="9" odds="{}"/><outcome id="10" odds="{}"/>'
    '<outcome id="11" odds="{}" active="{}"/></market>'
)


@pytest.mark.parametrize("odds", [(1.05, 1.02, 3.0), (1.3, 1.25, 2.0)])
def test_double_chance_without_one_of_its_outcomes_has_no_price(odds: tuple[float, float, float]) -> None:
    match = Match()
    match.tell(odds_change(DOUBLE_CHANCE.format(*odds, 1), "", 2))
    match.tell(odds_change(DOUBLE_CHANCE.format(*odds, 0), "", 3))
    assert match.statuses()["double_chance"] == SUSPENDED
