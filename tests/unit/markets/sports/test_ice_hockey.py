"""Ice hockey by its declaration alone: a game of the Unified Odds Feed from before its start to the shoot-out."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
import pytest
from scipy.stats import poisson, skellam

from gateway.feeds.betfair_definition import SPORT_BY_EVENT_TYPE
from gateway.feeds.the_odds_api import TheOddsApiAdapter
from gateway.feeds.uof import UofAdapter
from gateway.feeds.validation import UpdateValidator
from markets.catalogue import SPORTS
from markets.fixture import MarketStatus
from odds.fixture.book import PriceSource
from odds.fixture.state import new_state
from odds.folding.fold import fold
from odds.pricing.own_markets import own_results
from odds.pricing.policy import PricingPolicy
from odds.pricing.repricing import Repricing, price
from tests.builders.pricing_world import NOW_US
from tests.fakes.fake_clock import FakeClock
from wire.feed import parse_update

POLICY = PricingPolicy(own_offers={"ice-hockey": ("draw_no_bet", "total:4.5", "home_total:2.5", "period_result")})
THEN = FakeClock(NOW_US + 86_400_000_000)
MATCH, PRODUCT = "sr:match:81", "uof:1"
DOCUMENT = (
    '<fixtures_fixture product="1" generated_at="2027-01-15T08:00:00+00:00"><fixture id="sr:match:81" '
    'start_time="2027-01-15T08:00:30+00:00"><tournament id="sr:tournament:134" name="DEL"><sport id="sr:sport:4" '
    'name="Ice Hockey"/></tournament><competitors><competitor name="Berlin" qualifier="home"/>'
    '<competitor name="Mannheim" qualifier="away"/></competitors></fixture></fixtures_fixture>'
)
HOME, AWAY = 3.4, 2.6
DRAWS = 1.5
"""How much oftener games end level than the goals of both sides alone would have them."""


def weighted(home: float, draw: float, away: float) -> tuple[float, float, float]:
    """Return the chances of the result, draws being so much oftener."""
    total = home + DRAWS * draw + away
    return home / total, DRAWS * draw / total, away / total


def results(home: float, away: float, *, lead: int = 0) -> tuple[float, float, float]:
    """Return the chances of the result where so many goals are to come, worked out from their difference."""
    return weighted(skellam.sf(-lead, home, away), skellam.pmf(-lead, home, away), skellam.cdf(-lead - 1, home, away))


class Game:
    """A game as the feed tells it."""

    def __init__(self) -> None:
        self._adapter, self._validator = UofAdapter(THEN), UpdateValidator()
        self._state = new_state(MATCH)
        self._at_s = 0
        self.last: Repricing | None = None

    def tell(self, document: str) -> Repricing:
        """Take in a message, and return the book after it."""
        reading = self._adapter.read(document.encode())
        assert not reading.refusals
        (update,) = reading.updates
        self._validator.check(update)
        now_us = NOW_US + self._at_s * 1_000_000
        update.received_time_us = now_us
        self._state = fold(self._state, parse_update(update, appended_time_us=now_us))
        self.last = price([self._state], up_providers=frozenset({PRODUCT}), policy=POLICY, now_us=now_us)[0]
        self._state = self.last.state
        return self.last

    def play(self, at_s: int, quoted: Mapping[str, Mapping[str, float]], status: str = "") -> Repricing:
        """Tell a state and prices, by number of the market: fair odds, without a margin."""
        self._at_s = at_s
        markets = "".join(
            f'<market id="{name.partition("_")[0].lstrip("m")}" status="1"{_specifier(name)}>'
            + "".join(f'<outcome id="{key}" odds="{1.0 / chance:.4f}"/>' for key, chance in chances.items())
            + "</market>"
            for name, chances in quoted.items()
        )
        time_ms = NOW_US // 1_000 + at_s * 1_000
        head = f'<odds_change product="1" event_id="{MATCH}" timestamp="{time_ms}">'
        return self.tell(f"{head}{status}<odds>{markets}</odds></odds_change>")


def _specifier(name: str) -> str:
    line = name.partition("_")[2].replace("_", ".")
    return f' specifiers="total={line}"' if line else ""


def prices(home: float, away: float, *, lead: int = 0, goals: int = 0, win: float) -> dict[str, Mapping[str, float]]:
    """Return what the feed quotes: result, total of 5.5, and who wins, overtime and shoot-out counted."""
    over = total_over(home, away, lead=lead, goals=goals, line=5)
    return {
        "m1": dict(zip("123", results(home, away, lead=lead), strict=True)),
        "m18_5_5": {"12": over, "13": 1.0 - over},
        "m406": {"4": win, "5": 1.0 - win},
    }


def total_over(home: float, away: float, *, lead: int, goals: int, line: int) -> float:
    """Return the chance of more than so many goals, by the scores one by one."""
    mass = {
        (i, j): poisson.pmf(i, home) * poisson.pmf(j, away) * (DRAWS if lead + i == j else 1.0)
        for i in range(30)
        for j in range(30)
    }
    return float(sum(chance for (i, j), chance in mass.items() if goals + i + j > line) / sum(mass.values()))


def status_of(repricing: Repricing, market_id: str) -> int:
    assert repricing.state.book is not None
    return int(repricing.state.book.market_statuses[repricing.state.layout.market_index(market_id)])


def fair(repricing: Repricing, market_id: str, outcome_id: str) -> float:
    layout = repricing.state.layout
    assert repricing.explanation.price_sources[layout.market_index(market_id)] == PriceSource.MODEL
    return float(repricing.explanation.fair_probabilities[layout.outcome_index(market_id, outcome_id)])


def live(match_time: str, *periods: str, status: str = "1") -> str:
    sides = [tuple(map(int, played.split("-"))) for played in periods]
    home, away = (sum(played[side] for played in sides) for side in (0, 1))
    told = "".join(
        f'<period_score match_status_code="{place}" home_score="{goals[0]}" away_score="{goals[1]}"/>'
        for place, goals in enumerate(sides, start=1)
    )
    head = f'<sport_event_status status="{status}" home_score="{home}" away_score="{away}">'
    return f'{head}<clock match_time="{match_time}"/><period_scores>{told}</period_scores></sport_event_status>'


def test_a_game_is_priced_before_its_start_by_what_the_feed_says_of_it() -> None:
    game = Game()
    game.tell(DOCUMENT)
    book = game.play(1, prices(HOME, AWAY, win=0.56))
    home, draw, away = results(HOME, AWAY)
    assert draw == pytest.approx(0.2206, abs=1e-4), "oftener than 0.1587, as in leagues"
    assert book.state.description is not None
    assert book.state.description.sport == "ice-hockey"
    assert fair(book, "draw_no_bet", "home") == pytest.approx(home / (home + away), abs=1e-3)
    assert fair(book, "total:4.5", "over") == pytest.approx(total_over(HOME, AWAY, lead=0, goals=0, line=4), abs=1e-3)
    assert fair(book, "period_result:3", "draw") == pytest.approx(skellam.pmf(0, HOME / 3.0, AWAY / 3.0), abs=1e-3)
    assert fair(book, "winner", "home") == pytest.approx(0.56, abs=1e-3)
    assert book.explanation.figures["home goals"] == pytest.approx(HOME, rel=5e-3)


def test_a_game_is_priced_in_play_by_its_periods_and_settled_by_them() -> None:
    game = Game()
    game.tell(DOCUMENT)
    game.play(1, prices(HOME, AWAY, win=0.56))
    half = (HOME / 2.0, AWAY / 2.0)
    book = game.play(60, prices(*half, lead=0, goals=4, win=0.57), live("30:00", "1-2", "1-0"))
    assert fair(book, "1x2", "draw") == pytest.approx(results(*half)[1], abs=2e-3)
    assert fair(book, "home_total:2.5", "over") == pytest.approx(
        sum(home_goals(*half, home_before=2, away_before=2, more_than=2)), abs=2e-3
    )
    assert status_of(book, "period_result:1") == MarketStatus.CLOSED
    assert fair(book, "period_result:2", "home") > 0.6
    over = game.play(120, {"m406": {"4": 0.52, "5": 0.48}}, live("61:00", "1-2", "1-0", "1-1", "0-0"))
    assert status_of(over, "winner") == MarketStatus.OPEN
    assert fair(over, "winner", "home") == pytest.approx(0.52, abs=1e-3)
    assert status_of(over, "1x2") == MarketStatus.SUSPENDED, "decided, whoever still quotes it"
    assert {status_of(over, name) for name in ("total:4.5", "draw_no_bet")} == {MarketStatus.CLOSED}
    end = game.play(180, {}, live("65:00", "1-2", "1-0", "1-1", "0-0", "1-0", status="4"))
    won = {
        result.market_id: [outcome.outcome_id for outcome in result.outcomes if outcome.win_factor_micro]
        for result in own_results(end.state)
    }
    assert won == {
        "draw_no_bet": [],
        "total:4.5": ["over"],
        "home_total:2.5": ["over"],
        "period_result:1": ["away"],
        "period_result:2": ["home"],
        "period_result:3": ["draw"],
    }


def home_goals(home: float, away: float, *, home_before: int, away_before: int, more_than: int) -> list[float]:
    """Return the chances of each score at which the home side has more than so many goals, draws being oftener."""
    scores = [(i, j) for i in range(30) for j in range(30)]
    mass = [
        poisson.pmf(i, home) * poisson.pmf(j, away) * (DRAWS if home_before + i == away_before + j else 1.0)
        for i, j in scores
    ]
    return [chance / sum(mass) for chance, (i, _) in zip(mass, scores, strict=True) if home_before + i > more_than]


def test_other_feeds_call_it_by_their_names() -> None:
    event = {
        "id": "1",
        "sport_key": "icehockey_nhl",
        "sport_title": "NHL",
        "commence_time": "2027-01-15T08:00:00Z",
        "home_team": "Boston",
        "away_team": "Toronto",
        "bookmakers": [
            {
                "key": "unibet",
                "last_update": "2027-01-14T08:00:00Z",
                "markets": [
                    {"key": "h2h", "outcomes": [_priced("Boston", 1.8), _priced("Toronto", 2.05)]},
                    {
                        "key": "h2h_3_way",
                        "outcomes": [_priced("Boston", 2.3), _priced("Draw", 4.2), _priced("Toronto", 2.7)],
                    },
                ],
            }
        ],
    }
    (update,) = TheOddsApiAdapter(THEN).read(orjson.dumps([event])).updates
    assert update.description.sport == "ice-hockey"
    assert list(update.quotes.market_ids) == ["winner", "1x2"]
    assert SPORT_BY_EVENT_TYPE["7524"] is SPORTS["ice-hockey"]


def _priced(name: str, odds: float) -> dict[str, object]:
    return {"name": name, "price": odds}
