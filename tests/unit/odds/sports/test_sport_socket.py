"""A sport comes in by one socket: what pricing needs of it is one file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from infra.settings import ROOT
from kernel.errors import InvariantBroken
from odds.model_input import ModelInputInvalid
from odds.pricing.policy import PricingPolicy
from odds.sports.football import Football
from odds.sports.pricer import SportPricer
from odds.sports.registry import PRICERS, by_sport

COIN = '''
"""Tossing a coin: both sides are as likely, and the winner is the one with a score."""
from dataclasses import dataclass

import numpy as np

from markets.fixture import FixtureStatus
from markets.layout import MarketLayout
from markets.odds import FACTOR_ONE_MICRO
from markets.results import CONFIRMED, MarketResult, OutcomeResult, ResultKind
from odds.fixture.book import PriceSource
from odds.fixture.state import ModelFit

OWN = MarketLayout.of_markets([("second_toss", ("home", "away"))])


@dataclass(frozen=True)
class Coin:
    sports: tuple[str, ...] = ("coin",)
    source: PriceSource = PriceSource.MODEL
    main_market_id: str = "winner"

    def knows_offer(self, name):
        return name == "second_toss"

    def offer(self, state, names):
        return OWN

    def fit(self, asked, *, error_max):
        return [self._fit(item.state) for item in asked]

    def _fit(self, state):
        markets = np.arange(state.layout.market_count)
        fair = np.full(state.layout.outcome_count, 0.5)
        return ModelFit(state.layout, state.state, np.zeros(0), None, {"fairness": 1.0}, markets, fair)

    def joint(self, state):
        return None

    def evidence(self, state):
        return state.state if state.state.status is FixtureStatus.ENDED else None

    def decide(self, market_id, outcome_ids, evidence):
        won = {"home": evidence.home_score, "away": evidence.away_score}
        outcomes = tuple(
            OutcomeResult(outcome_id, won[outcome_id] * FACTOR_ONE_MICRO, 0, FACTOR_ONE_MICRO)
            for outcome_id in outcome_ids
        )
        return MarketResult(ResultKind.SETTLEMENT, market_id, outcomes, certainty=CONFIRMED)


PRICER = Coin()
'''

STORY = """
from odds import sports
import sys
sports.__path__.append(sys.argv[1])

from markets.fixture import FixtureDescription, FixtureStatus, MarketStatus, MatchState
from markets.layout import MarketLayout
from odds.fixture.book import PriceSource
from odds.pricing.own_markets import own_results
from odds.pricing.policy import PricingPolicy
from tests.builders.pricing_world import folded, priced, quotes, update

LAYOUT = MarketLayout.of_markets([("winner", ("home", "away"))])
policy = PricingPolicy(own_offers={"coin": ("second_toss",)})
told = folded(
    update(
        quoted=quotes((1_850, 1_950), layout=LAYOUT),
        description=FixtureDescription(sport="coin"),
        state=MatchState(FixtureStatus.PRE_MATCH),
    )
)
book = priced(told, policy=policy)
assert book.state.layout.market_ids == ("winner", "second_toss")
assert book.state.book.market_statuses.tolist() == [MarketStatus.OPEN] * 2
assert book.explanation.price_sources.tolist() == [PriceSource.MODEL] * 2
assert book.explanation.figures == {"fairness": 1.0}
assert len(set(book.state.book.decimal_odds_milli.tolist())) == 1, "both sides are as likely"
over = priced(folded(update(state=MatchState(FixtureStatus.ENDED, home_score=1)), state=book.state), policy=policy)
[result] = own_results(over.state)
assert [outcome.win_factor_micro for outcome in result.outcomes] == [1_000_000, 0]
assert over.state.book.market_statuses.tolist()[1] == MarketStatus.SETTLED
"""


def test_a_file_beside_the_others_is_a_sport(tmp_path: Path) -> None:
    (tmp_path / "coin.py").write_text(COIN, encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-c", STORY, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == 0, run.stderr


def test_every_sport_that_is_known_fits_the_socket() -> None:
    assert "football" in PRICERS
    assert all(isinstance(pricer, SportPricer) and sport in pricer.sports for sport, pricer in PRICERS.items())


def test_a_sport_has_one_pricer() -> None:
    with pytest.raises(InvariantBroken):
        by_sport([Football(), Football()])


def test_own_markets_of_a_sport_that_nobody_knows_are_refused() -> None:
    with pytest.raises(ModelInputInvalid):
        PricingPolicy(own_offers={"quidditch": ("1x2",)})
