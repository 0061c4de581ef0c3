"""Cases about feeds and what follows from them: the exchange's stream, the Unified Odds Feed, exposure."""

from __future__ import annotations

import json
from typing import Any, Final

import numpy as np
import pytest

from gateway.feeds.betfair import BetfairAdapter
from gateway.feeds.reading import Reading
from gateway.feeds.uof import UofAdapter
from markets.fixture import MarketStatus
from markets.results import ResultKind
from odds.fixture.state import FixtureState, new_state
from odds.folding.fold import fold
from odds.pricing.own_markets import own_results
from odds.pricing.policy import PricingPolicy
from odds.pricing.repricing import Repricing, price
from overround.feed.v1.feed_pb2 import FeedUpdate, MarketResult
from overround.feed.v1.feed_pb2 import ResultKind as WireResultKind
from risk.exposure import MarketExposure
from risk.liability import FixtureLiability, LegChange, OutboxPosition
from risk.liability import fold as fold_liability
from tests.builders.pricing_world import NOW_US
from tests.fakes.fake_clock import FakeClock
from tests.reference.public_cases import Case, checks
from wire.feed import parse_update

WHOLE: Final = 1_000_000
OPEN: Final = MarketStatus.OPEN


# The exchange's stream


def definition(market_type: str, runners: dict[int, str], **changes: Any) -> dict[str, Any]:
    listed = [{"id": key, "sortPriority": at, "status": status} for at, (key, status) in enumerate(runners.items(), 1)]
    return {
        "eventId": "909",
        "eventTypeId": "1",
        "eventName": "Home v Away",
        "marketType": market_type,
        "bettingType": "ODDS",
        "marketTime": "2027-01-15T12:00:00.000Z",
        "status": "OPEN",
        "inPlay": False,
        "numberOfWinners": 1,
        "runners": listed,
    } | changes


def active(*runner_ids: int) -> dict[int, str]:
    return dict.fromkeys(runner_ids, "ACTIVE")


def backs(odds: dict[int, float]) -> list[dict[str, Any]]:
    return [{"id": key, "batb": [[0, value, 10]]} for key, value in odds.items()]


class Stream:
    """An exchange's stream line after line, and what came of it."""

    def __init__(self) -> None:
        self.adapter = BetfairAdapter(FakeClock(NOW_US + 86_400_000_000))
        self.updates: list[FeedUpdate] = []
        self.readings: list[Reading] = []
        self._time_ms = NOW_US // 1_000

    def tell(self, market_id: str, **change: Any) -> Reading:
        self._time_ms += 1
        message = {"op": "mcm", "pt": self._time_ms, "clk": "a", "mc": [{"id": market_id} | change]}
        return self.read(json.dumps(message).encode())

    def read(self, raw: bytes) -> Reading:
        reading = self.adapter.read(raw)
        self.readings.append(reading)
        self.updates += reading.updates
        return reading

    def shown(self) -> dict[str, dict[str, float]]:
        """Return the last prices by market and outcome; a market that is not open shows none."""
        markets: dict[str, dict[str, float]] = {}
        for update in self.updates:
            if not update.HasField("quotes"):
                continue
            quotes, at = update.quotes, 0
            odds = np.frombuffer(quotes.decimal_odds_milli, "<u4")
            counts = np.frombuffer(quotes.outcome_counts, "<u2").tolist()
            for market_id, count, status in zip(quotes.market_ids, counts, quotes.market_statuses, strict=True):
                pairs = zip(quotes.outcome_ids[at : at + count], odds[at : at + count].tolist(), strict=True)
                markets[market_id] = {key: value / 1_000 for key, value in pairs if value and status == OPEN}
                at += count
        return markets

    def results(self) -> list[MarketResult]:
        return [result for update in self.updates for result in update.results]

    def book(self, policy: PricingPolicy | None = None) -> Repricing:
        state = new_state(self.updates[0].fixture_id)
        for update in self.updates:
            update.received_time_us = NOW_US
            state = fold(state, parse_update(update, appended_time_us=NOW_US))
        return price([state], up_providers=frozenset({"betfair"}), policy=policy or PricingPolicy(), now_us=NOW_US)[0]


def winners_of(result: MarketResult) -> set[str]:
    return {outcome.outcome_id for outcome in result.outcomes if outcome.win_factor_micro}


@checks("bf.same_type.set_winner")
def check_two_set_winners(_case: Case) -> None:
    stream = Stream()
    stream.tell("1.101", img=True, marketDefinition=definition("SET_WINNER", active(1, 2)), rc=backs({1: 1.5, 2: 2.8}))
    stream.tell("1.102", img=True, marketDefinition=definition("SET_WINNER", active(1, 2)), rc=backs({1: 1.6, 2: 2.5}))
    assert sorted(tuple(prices.values()) for prices in stream.shown().values()) == [(1.5, 2.8), (1.6, 2.5)]
    first, second = stream.shown()
    stream.tell(
        "1.101", marketDefinition=definition("SET_WINNER", {1: "LOSER", 2: "WINNER"}, status="CLOSED", inPlay=True)
    )
    stream.tell(
        "1.102", marketDefinition=definition("SET_WINNER", {1: "WINNER", 2: "LOSER"}, status="CLOSED", inPlay=True)
    )
    assert {result.market_id: winners_of(result) for result in stream.results()} == {first: {"2"}, second: {"1"}}


@checks("bf.same_type.other_place")
def check_two_other_places(_case: Case) -> None:
    stream, runners = Stream(), active(*range(1, 7))
    prices = {runner: 2.0 + runner / 10 for runner in range(1, 7)}
    for market_id, places in (("1.121", 2), ("1.122", 4)):
        told = definition("OTHER_PLACE", runners, numberOfWinners=places, eventTypeId="7")
        stream.tell(market_id, img=True, marketDefinition=told, rc=backs(prices))
    assert len(stream.shown()) == 2
    for market_id, places in (("1.122", 4), ("1.121", 2)):
        ended = {runner: "WINNER" if runner <= places else "LOSER" for runner in range(1, 7)}
        told = definition("OTHER_PLACE", ended, numberOfWinners=places, eventTypeId="7", status="CLOSED")
        stream.tell(market_id, marketDefinition=told)
    four, two = stream.results()
    assert four.market_id != two.market_id
    assert (winners_of(four), winners_of(two)) == ({"1", "2", "3", "4"}, {"1", "2"})


def place_market(market_type: str, places: int, runners: int, odds: list[float]) -> Repricing:
    stream = Stream()
    told = definition(market_type, active(*range(1, runners + 1)), numberOfWinners=places, eventTypeId="7")
    stream.tell("1.930", img=True, marketDefinition=told, rc=backs(dict(enumerate(odds, 1))))
    return stream.book()


def quoted_odds(repricing: Repricing) -> list[float]:
    """Return the odds of the only market, none if it takes no bets."""
    book = repricing.state.book
    assert book is not None
    (status,) = book.market_statuses.tolist()
    return [odds / 1_000 for odds in book.decimal_odds_milli.tolist()] if status == OPEN else []


@checks("bf.multi_winner.place_2_of_5", "bf.multi_winner.top_4_of_10", "bf.multi_winner.full_sum_is_safe")
def check_several_winners(case: Case) -> None:
    market_type, places, odds = {
        "bf.multi_winner.place_2_of_5": ("PLACE", 2, [3.0, 3.5, 4.0, 3.8, 4.2]),
        "bf.multi_winner.top_4_of_10": ("TOP_N_FINISH", 4, [5.0, 5.5, 6.0, 6.5, 7.0, 8.0, 9.0, 10.0, 12.0, 14.0]),
        "bf.multi_winner.full_sum_is_safe": ("PLACE", 3, [1.5, 1.9, 2.4, 2.9, 3.8, 5.2, 8.0, 14.0]),
    }[case["id"]]
    repricing = place_market(market_type, places, len(odds), odds)
    ours = quoted_odds(repricing)
    if ours:
        fair = repricing.explanation.fair_probabilities
        assert fair.sum() == pytest.approx(places, abs=case["tolerance"])
        assert all(mine <= 1.0 / chance + 1e-9 for mine, chance in zip(ours, fair.tolist(), strict=True))


@checks("bf.multi_winner.partly_quoted")
def check_partly_quoted(_case: Case) -> None:
    asked = [2.4, 3.0, 2.2]
    ours = quoted_odds(place_market("PLACE", 2, 5, asked))
    assert all(mine <= theirs for mine, theirs in zip(ours, asked, strict=False))


@checks("bf.place_dead_heat.4_for_3")
def check_dead_heat_for_the_last_place(_case: Case) -> None:
    """Nobody is paid: who tied is not told."""
    stream = Stream()
    begun = definition("PLACE", active(*range(1, 9)), numberOfWinners=3, eventTypeId="7")
    stream.tell("1.1", img=True, marketDefinition=begun, rc=backs(dict.fromkeys(range(1, 9), 3.0)))
    ended = {runner: "WINNER" if runner <= 4 else "LOSER" for runner in range(1, 9)}
    told = definition("PLACE", ended, numberOfWinners=3, eventTypeId="7", status="CLOSED")
    stream.tell("1.1", marketDefinition=told)
    assert not [result for result in stream.results() if not result.referral_reason]


@checks("bf.win_dead_heat", "bf.winners_unknown")
def check_paid_winners(case: Case) -> None:
    market_type, places, share = {
        "bf.win_dead_heat": ("WIN", 1, WHOLE // 2),
        "bf.winners_unknown": ("MAKE_CUT", 0, WHOLE),
    }[case["id"]]
    stream = Stream()
    stream.tell("1.1", img=True, marketDefinition=definition(market_type, active(1, 2, 3), numberOfWinners=places))
    ended = {1: "WINNER", 2: "WINNER", 3: "LOSER"}
    stream.tell("1.1", marketDefinition=definition(market_type, ended, numberOfWinners=places, status="CLOSED"))
    (result,) = stream.results()
    assert winners_of(result) == {"1", "2"}
    factors = {item.dead_heat_factor_micro for item in result.outcomes if item.win_factor_micro}
    assert factors == {share}


@checks("bf.unknown_runner.middle", "bf.unknown_runner.in_image", "bf.empty_level.batb", "bf.ltp_zero.image")
def check_one_bad_part(case: Case) -> None:
    stream = Stream()
    image = backs({1: 2.0, 2: 4.0, 3: 3.5})
    if case["id"] == "bf.unknown_runner.in_image":
        image.insert(1, *backs({77: 50.0}))
    if case["id"] == "bf.ltp_zero.image":
        image[0] |= {"ltp": 0, "tv": 0}
        image[1] |= {"ltp": 0}
    stream.tell("1.1", img=True, marketDefinition=definition("WIN", active(1, 2, 3)), rc=image)
    for change in {
        "bf.unknown_runner.middle": [backs({1: 2.1, 99: 9.0, 2: 3.8})],
        "bf.empty_level.batb": [
            [{"id": 1, "batb": [[], [0, 1.98, 10]]}, {"id": 2, "batb": [[0, 4.2, 10]]}],
            backs({3: 3.55}),
        ],
        "bf.ltp_zero.image": [backs({2: 4.1})],
    }.get(case["id"], []):
        stream.tell("1.1", rc=change)
    expected = {key: value for key, value in case["expected"].items() if key != "also"}
    (shown,) = stream.shown().values()
    assert shown == expected
    assert stream.updates[0].HasField("description")
    assert stream.updates[0].HasField("state")


@checks("bf.reserve_runner_defined")
def check_reserve_runner(_case: Case) -> None:
    stream = Stream()
    stream.tell(
        "1.1", img=True, marketDefinition=definition("WIN", active(1, 2, 3)), rc=backs({1: 2.0, 2: 4.0, 3: 3.5})
    )
    stream.tell("1.1", rc=backs({1: 2.1, 99: 9.0, 2: 3.8}))
    stream.tell("1.1", marketDefinition=definition("WIN", active(1, 2, 3, 4)), rc=backs({4: 20.0}))
    (shown,) = stream.shown().values()
    assert shown == {"1": 2.1, "2": 3.8, "3": 3.5, "4": 20.0}


@checks("bf.left_alone.double_line")
def check_market_left_alone(_case: Case) -> None:
    stream = Stream()
    told = definition("ASIAN_HANDICAP", active(1, 2), bettingType="ASIAN_HANDICAP_DOUBLE_LINE")
    stream.tell("1.9", img=True, marketDefinition=told)
    stream.tell("1.9", rc=[{"id": 1, "hc": -0.5, "batb": [[0, 1.9, 10]]}])
    assert not any(reading.refusals for reading in stream.readings)
    assert not stream.updates


@checks("bf.status_503")
def check_unreliable(case: Case) -> None:
    reading = Stream().read(case["input"]["lines"][0].encode())
    (sign,) = reading.heartbeats
    assert not reading.refusals
    assert not sign.is_up


@checks("bf.names_at", "bf.names_vs")
def check_sides(case: Case) -> None:
    name, home, away = {
        "bf.names_at": ("Boston Celtics @ LA Lakers", "LA Lakers", "Boston Celtics"),
        "bf.names_vs": ("Man Utd vs Leeds", "Man Utd", "Leeds"),
    }[case["id"]]
    stream = Stream()
    stream.tell("1.1", img=True, marketDefinition=definition("MATCH_ODDS", active(1, 2), eventName=name))
    description = stream.updates[0].description
    assert (description.home_name, description.away_name) == (home, away)


@checks("bf.removal_reduction")
def check_reduction(_case: Case) -> None:
    stream = Stream()
    stream.tell("1.1", img=True, marketDefinition=definition("WIN", active(1, 2, 3), eventTypeId="7"))
    ended = definition("WIN", {1: "WINNER", 2: "LOSER", 3: "REMOVED"}, eventTypeId="7", status="CLOSED")
    ended["runners"][2] |= {"adjustmentFactor": 20.0, "removalDate": "2027-01-15T11:00:00.000Z"}
    stream.tell("1.1", marketDefinition=ended)
    (result,) = stream.results()
    (reduction,) = result.reductions
    assert reduction.deduction_micro == 200_000
    assert reduction.before_ms == 1_800_010_800_000
    (removed,) = [item for item in result.outcomes if item.outcome_id == "3"]
    assert removed.void_factor_micro == WHOLE


# The Unified Odds Feed

OFFER: Final = ("btts", "correct_score", "half_time_full_time", "first_half_1x2", "total:2.25", "total:3.25")
POLICY: Final = PricingPolicy(own_offers={"football": OFFER})
QUOTES: Final = """
    <market id="1" status="1"><outcome id="1" odds="{0}" active="1"/><outcome id="2" odds="{1}" active="1"/>
        <outcome id="3" odds="{2}" active="1"/></market>
    <market id="18" specifiers="total=2.5" status="1"><outcome id="12" odds="{3}" active="1"/>
        <outcome id="13" odds="{4}" active="1"/></market>"""


class Feed:
    """A feed's messages about one football match, folded and priced one after the other."""

    def __init__(self) -> None:
        self._adapter = UofAdapter(FakeClock(NOW_US + 86_400_000_000))
        self._time_ms = NOW_US // 1_000
        self.state: FixtureState = new_state("sr:match:1")
        self.results: list[MarketResult] = []

    def tell(self, body: str, *, kind: str = "odds_change", **attributes: str) -> Reading:
        self._time_ms += 1_000
        extra = "".join(f' {name}="{value}"' for name, value in attributes.items())
        text = f'<{kind} product="1" event_id="sr:match:1" timestamp="{self._time_ms}"{extra}>{body}</{kind}>'
        reading = self._adapter.read(text.encode())
        for update in reading.updates:
            update.received_time_us = self._time_ms * 1_000
            self.results += update.results
            self.state = fold(self.state, parse_update(update, appended_time_us=self._time_ms * 1_000))
            self.state = self.price().state
        return reading

    def price(self) -> Repricing:
        now_us = self._time_ms * 1_000
        return price([self.state], up_providers=frozenset({"uof:1"}), policy=POLICY, now_us=now_us)[0]

    def describe(self) -> None:
        document = (
            '<fixtures_fixture generated_at="2027-01-15T08:00:00Z"><fixture id="sr:match:1" '
            'start_time="2027-01-15T08:00:00Z"><tournament id="sr:tournament:1" name="L"><sport id="sr:sport:1" '
            'name="Soccer"/></tournament><competitors><competitor id="sr:competitor:1" name="H" qualifier="home"/>'
            '<competitor id="sr:competitor:2" name="A" qualifier="away"/></competitors></fixture></fixtures_fixture>'
        )
        for update in self._adapter.read(document.encode()).updates:
            update.provider_id = "uof:1"
            update.received_time_us = self._time_ms * 1_000
            self.state = fold(self.state, parse_update(update, appended_time_us=self._time_ms * 1_000))

    def open(self, match_status: int = 6) -> None:
        """Tell of the match, and quote it before anything happened."""
        self.describe()
        self.tell(status_of(f"1,{match_status},0-0,01:00") + odds_of(2.08, 3.35, 3.8, 1.92, 1.92))
        assert self.state.own_markets is not None

    def follow(self, states: list[str]) -> None:
        for text in states:
            self.tell(status_of(text))

    def settled(self) -> dict[str, str | set[str]]:
        """Return what was said of our own markets: who won, or that it is void."""
        said: dict[str, str | set[str]] = {}
        for result in own_results(self.state):
            if result.kind is ResultKind.CANCEL:
                said[result.market_id] = "void"
            elif result.kind is ResultKind.SETTLEMENT:
                said[result.market_id] = {item.outcome_id for item in result.outcomes if item.win_factor_micro}
        return said


def status_of(text: str) -> str:
    """Return the XML of a state as the cases write it: `1,7,1-1,60:00 with period_scores 6: 1-1, 7: 0-0`."""
    told, _, periods = text.partition(" with period_scores ")
    parts = [part.strip() for part in told.split(",")]
    code = "" if "no match_status" in parts else f' match_status="{parts[1]}"'
    home, away = (parts[2] if len(parts) > 2 else parts[-1]).split("-")
    clock = f'<clock match_time="{parts[3]}"/>' if len(parts) > 3 else ""
    scores = "".join(
        f'<period_score match_status_code="{key.strip()}" number="{number}" home_score="{score.strip()[0]}" '
        f'away_score="{score.strip()[2]}"/>'
        for number, (key, _, score) in enumerate((item.partition(":") for item in periods.split(",") if item), 1)
    )
    scores = f"<period_scores>{scores}</period_scores>" if scores else ""
    return (
        f'<sport_event_status status="{parts[0]}"{code} home_score="{home}" away_score="{away}">'
        f"{clock}{scores}</sport_event_status>"
    )


def odds_of(*odds: float, more: str = "") -> str:
    return f"<odds>{QUOTES.format(*odds)}{more}</odds>"


AET_EXPECTED: Final = {"correct_score": "1-1", "half_time_full_time": "home/draw", "first_half_1x2": "home"}


def expect_settled(said: dict[str, str | set[str]], expected: dict[str, str]) -> None:
    """Hold what was said against what a case expects."""
    for market_id, wanted in expected.items():
        found = said[market_id]
        if wanted == "void" or found == "void":
            assert found == wanted, market_id
        elif wanted == "over half lost, under half won":
            assert found == {"under"}
        elif market_id == "half_time_full_time":
            assert found == {wanted.replace("/", "_")} or found == {wanted}, found
        elif market_id == "correct_score":
            assert found == {wanted.replace("-", ":")} or found == {wanted}, found
        else:
            assert found == {wanted.removesuffix(" wins")}, market_id


@checks(
    *(f"uof.aet.{path}" for path in ("jump_110_periods", "jump_from_half_time", "regular_path")),
    *("uof.awaiting.goal_32", "uof.periods.half_time_not_told", "uof.abandoned.3_0", "uof.ended_without_100"),
)
def check_own_results(case: Case) -> None:
    feed = Feed()
    feed.open()
    feed.follow(case["input"]["states"])
    expect_settled(feed.settled(), case["expected"])


@checks("uof.aet.jump_110")
def check_scores_of_normal_time_not_sure(case: Case) -> None:
    """Settled on the last score of normal time, or not yet: never on the score after extra time."""
    feed = Feed()
    feed.open()
    feed.follow(case["input"]["states"])
    said = feed.settled()
    ((_, expected),) = case["expected"].items()
    expect_settled(said, {market_id: wanted for market_id, wanted in expected.items() if market_id in said})


@checks(*(f"uof.one_bad_part.{part}" for part in ("odds_12000", "odds_minus_1", "outcome_twice", "clock_1000")))
def check_sound_rest(case: Case) -> None:
    feed = Feed()
    feed.open()
    assert market_of(feed.state, "1x2")[0] == OPEN
    more, clock = "", "11:00"
    match case["id"].rpartition(".")[2]:
        case "odds_12000":
            more = '<market id="41" status="1"><outcome id="1" odds="12000" active="1"/></market>'
        case "odds_minus_1":
            more = '<market id="41" status="1"><outcome id="1" odds="-1" active="1"/></market>'
        case "outcome_twice":
            more = '<market id="10" status="1">' + '<outcome id="9" odds="1.5" active="1"/>' * 2 + "</market>"
        case "clock_1000":
            clock = "1000:05"
    feed.tell(status_of(f"1,6,1-0,{clock}") + odds_of(1.30, 5.0, 11.0, 1.5, 2.5, more=more))
    status, odds = market_of(feed.state, "1x2")
    if status == OPEN:
        assert odds == pytest.approx([1.30, 5.0, 11.0], rel=0.15)
        assert feed.state.state is not None
        assert (feed.state.state.home_score, feed.state.state.away_score) == (1, 0)


def market_of(state: FixtureState, market_id: str) -> tuple[int, list[float]]:
    assert state.book is not None
    index = state.layout.market_index(market_id)
    begin, end = state.layout.offsets[index : index + 2]
    return int(state.book.market_statuses[index]), (state.book.decimal_odds_milli[begin:end] / 1_000).tolist()


@checks("uof.one_bad_part.settlement_no_result")
def check_settlement_without_a_result(_case: Case) -> None:
    feed = Feed()
    feed.open()
    body = """<outcomes><market id="1"><outcome id="1" void_factor="1.0"/></market>
        <market id="18" specifiers="total=2.5"><outcome id="12" result="1"/><outcome id="13" result="0"/></market>
        </outcomes>"""
    feed.tell(body, kind="bet_settlement", certainty="2")
    settled = {
        result.market_id: winners_of(result)
        for result in feed.results
        if result.kind == WireResultKind.RESULT_KIND_SETTLEMENT
    }
    assert settled.pop("total:2.5") == {"over"}
    assert not any(settled.values())


# Exposure


@checks("risk.exposure.double_chance_limit")
def check_limit_with_two_winners(case: Case) -> None:
    exposure = MarketExposure()
    for outcome_id in ("1x", "12"):
        stake_minor = exposure.stake_max_minor(outcome_id, decimal_odds_milli=1_500, loss_minor_max=10_000)
        exposure = exposure.with_bet(outcome_id, stake_minor=stake_minor, payout_minor=stake_minor * 3 // 2)
    assert exposure.worst_loss_minor() <= 10_000
    assert stake_minor <= case["tolerance"]


@checks("risk.exposure.two_bets")
def check_two_bets(case: Case) -> None:
    exposure = MarketExposure()
    for outcome_id, stake_minor, payout_minor in case["input"]["bets"]:
        exposure = exposure.with_bet(outcome_id, stake_minor=stake_minor, payout_minor=payout_minor)
    assert exposure.worst_loss_minor() == case["expected"]


@checks(
    *("risk.liability.double_chance", "risk.liability.betfair_DOUBLE_CHANCE"),
    *("risk.liability.first_half_double_chance", "risk.liability.second_half_double_chance"),
)
def check_liability(case: Case) -> None:
    changes = [
        LegChange(OutboxPosition(1, row), case["input"]["market_id"], outcome_id, 10_000, 15_000, "EUR", True)
        for row, outcome_id in enumerate(case["input"]["outcomes"], 1)
    ]
    folded = fold_liability(FixtureLiability("f", "EUR"), changes, time_us=1)
    assert folded.liability.worst_loss_minor() == case["expected"]
