"""What is told of a price: the record that pricing publishes, and the answer that is read from it."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.books import BookCache, FixtureUnknown
from gateway.price_explainer import ExplanationExpired, ExplanationUnknown, PriceExplainer
from infra.migrations.kafka_migration import declare
from infra.settings import load_settings
from infra.stores.explanation_log import KEPT_MS
from kernel.errors import Unavailable
from markets.fixture import MarketStatus, SuspensionReason
from markets.layout import MarketLayout, MarketUnknown
from odds.fixture.book import Explanation
from odds.fixture.updates import TraderCommand, TradingAction
from odds.folding.fold import follow_trader
from odds.ladder.steps import LADDERS, round_down
from odds.margin.methods import MarginMethod
from odds.pricing.price_steps import retrace
from odds.pricing.repricing import Repricing
from overround.odds.v1 import book_pb2
from overround.trading.v1 import trading_service_pb2
from tests.builders.pricing_world import FOOTBALL, NOW_US, folded, in_play, priced, quotes, update
from tests.fakes.fake_clock import FakeClock
from tests.fakes.fake_explanations import FakeExplanationLog, FakeNewestExplanations
from wire.books import encode_book, encode_explanation, parse_explanation
from wire.price_explanations import build_explained
from wire.topics import EXPLANATIONS

KEPT_US = 3_600_000_000


def travelled(explanation: Explanation) -> Explanation:
    return parse_explanation(book_pb2.PriceExplanation.FromString(encode_explanation(explanation)))


def two_providers() -> Repricing:
    alpha = update(quoted=quotes(), at_us=NOW_US)
    bravo = update(provider_id="bravo", quoted=quotes((2_200, 3_300, 3_500, 0, 0)), at_us=NOW_US - 20_000_000)
    return priced(folded(alpha, bravo))


def explained(explanation: Explanation, market_id: str) -> trading_service_pb2.ExplainedMarket:
    return build_explained(explanation, [explanation.layout.market_index(market_id)]).markets[0]


def test_an_explanation_says_what_its_book_says_also_of_prices_that_stand_still() -> None:
    first = priced(folded(update(quoted=quotes())))
    suspend = TraderCommand("r1", "match", "1x2", TradingAction.SUSPEND, "ann", NOW_US)
    later = update(quoted=quotes((3_000, 3_400, 2_400, 1_800, 2_050)))
    repricing = priced(folded(later, state=follow_trader(first.state, suspend)), now_us=NOW_US + 5)
    book = repricing.state.book
    assert book is not None
    assert first.state.book is not None
    read = travelled(repricing.explanation)
    assert (read.version, read.published_time_us) == (book.version, NOW_US + 5)
    assert read.market_statuses.tolist() == [MarketStatus.SUSPENDED, MarketStatus.OPEN]
    assert read.suspension_reasons.tolist() == [SuspensionReason.TRADER, SuspensionReason.NONE]
    assert read.decimal_odds_milli.tolist() == book.decimal_odds_milli.tolist()
    assert np.array_equal(read.decimal_odds_milli[:3], first.state.book.decimal_odds_milli[:3])
    assert not np.array_equal(read.decimal_odds_milli[3:], first.state.book.decimal_odds_milli[3:])


def test_each_step_leads_to_the_next_down_to_the_odds_that_bettors_saw() -> None:
    market = explained(travelled(two_providers().explanation), "1x2")
    assert [outcome.outcome_id for outcome in market.outcomes] == ["home", "draw", "away"]
    assert sum(outcome.blended_probability for outcome in market.outcomes) == pytest.approx(1.0)
    before_ladder = np.array([outcome.decimal_odds_before_ladder for outcome in market.outcomes])
    assert market.overround_wanted == 1.05
    assert (1.0 / before_ladder).sum() == pytest.approx(1.05, abs=1e-12)
    odds_milli = [outcome.decimal_odds_milli for outcome in market.outcomes]
    assert round_down(before_ladder, LADDERS["fine"]).tolist() == odds_milli
    assert market.overround == pytest.approx(sum(1_000 / odds for odds in odds_milli))
    assert market.status == book_pb2.MARKET_STATUS_OPEN
    assert market.price_source == book_pb2.PRICE_SOURCE_MARKET
    assert all(outcome.shift_logit == 0.0 for outcome in market.outcomes)


def test_each_provider_is_shown_with_its_weight_and_its_prices_without_margin() -> None:
    market = explained(two_providers().explanation, "1x2")
    assert [provider.provider_id for provider in market.providers] == ["alpha", "bravo"]
    assert [provider.weight for provider in market.providers] == pytest.approx([2 / 3, 1 / 3])
    assert [provider.received_time_us for provider in market.providers] == [NOW_US, NOW_US - 20_000_000]
    home = market.outcomes[0]
    assert [price.decimal_odds_milli for price in home.provider_prices] == [2_100, 2_200]
    for place in (0, 1):
        of_provider = [outcome.provider_prices[place].fair_probability for outcome in market.outcomes]
        assert sum(of_provider) == pytest.approx(1.0)
    likelier, less_likely = (price.fair_probability for price in home.provider_prices)
    assert less_likely < home.blended_probability < likelier


def test_a_provider_that_does_not_quote_the_market_has_no_price_there() -> None:
    market = explained(two_providers().explanation, "total:2.5")
    assert [provider.weight for provider in market.providers] == [1.0, 0.0]
    assert [price.provider_id for price in market.outcomes[0].provider_prices] == ["alpha"]


def test_of_a_provider_that_quotes_too_few_outcomes_no_probability_is_derived() -> None:
    bravo = update(provider_id="bravo", quoted=quotes((2_200, 3_300, 0, 0, 0)))
    market = explained(priced(folded(update(quoted=quotes()), bravo)).explanation, "1x2")
    _, of_bravo = market.outcomes[0].provider_prices
    assert of_bravo.decimal_odds_milli == 2_200
    assert not of_bravo.HasField("fair_probability")


def test_bet_stops_and_providers_behind_the_match_are_told() -> None:
    alpha = update(quoted=quotes(), state=in_play())
    bravo = update(provider_id="bravo", quoted=quotes(), state=in_play())
    stopped = update(provider_id="bravo", bet_stop=("1x2",))
    goal = update(quoted=quotes((1_300, 5_000, 9_000, 1_500, 2_500)), state=in_play(home=1))
    late = update(provider_id="bravo", state=in_play())
    market = explained(priced(folded(alpha, bravo, stopped, goal, late)).explanation, "1x2")
    of_alpha, of_bravo = market.providers
    assert (of_alpha.is_behind, of_bravo.is_behind) == (False, True)
    assert (of_alpha.is_bet_stopped, of_bravo.is_bet_stopped) == (False, True)
    assert market.suspension_reason == book_pb2.SUSPENSION_REASON_BET_STOP


def test_a_market_without_a_price_leaves_out_what_there_is_not() -> None:
    unpriced = priced(folded(update(quoted=quotes((2_100, 3_400, 3_600, 0, 0))))).explanation
    market = explained(travelled(unpriced), "total:2.5")
    assert not market.HasField("overround_wanted")
    assert not market.HasField("overround")
    over = market.outcomes[0]
    assert not over.HasField("blended_probability")
    assert not over.HasField("fair_probability")
    assert not over.HasField("shift_logit")
    assert not over.HasField("decimal_odds_before_ladder")
    assert over.decimal_odds_milli == 0


def test_a_shift_is_the_difference_of_logits() -> None:
    explanation = two_providers().explanation
    fair = explanation.fair_probabilities.copy()
    fair[3:] = 0.6, 0.4
    blended = np.array([*explanation.blended_probabilities[:3], 0.5, 0.5], dtype=np.float32)
    steps = retrace(explanation._replace(fair_probabilities=fair, blended_probabilities=blended), [1])
    assert steps.shifts_logit[3:].tolist() == [0.405465, -0.405465]


@pytest.mark.parametrize("method", list(MarginMethod))
def test_steps_are_taken_by_the_methods_that_were_in_force(method: MarginMethod) -> None:
    explanation = two_providers().explanation._replace(margin_removal=method.value, margin_application=method.value)
    steps = retrace(explanation, [1])
    alpha, bravo = steps.provider_probabilities[:, 3:]
    assert alpha.sum() == pytest.approx(1.0)
    assert np.isnan(bravo).all()
    assert (1.0 / steps.decimal_odds[3:]).sum() == pytest.approx(1.05)
    assert np.isnan(steps.decimal_odds[:3]).all()


def test_markets_retraced_together_are_as_each_by_itself() -> None:
    widths = (("1x2", 3), ("btts", 2), ("total:2.5", 2), ("double_chance", 3), ("empty", 0))
    layout = MarketLayout.of_markets([(name, [str(place) for place in range(width)]) for name, width in widths])
    odds_milli = (2_100, 3_400, 3_600, 1_900, 1_950, 1_800, 2_050, 1_280, 1_300, 1_700)
    alpha = update(quoted=quotes(odds_milli, layout=layout))
    bravo = update(provider_id="bravo", quoted=quotes((*odds_milli[:3], 0, 1_950, *odds_milli[5:]), layout=layout))
    explanation = priced(folded(alpha, bravo)).explanation
    together = retrace(explanation, range(layout.market_count))
    assert np.isnan(together.provider_probabilities).sum() == 2
    for index in range(layout.market_count):
        own = slice(*layout.offsets[index : index + 2].tolist())
        alone = retrace(explanation, [index])
        np.testing.assert_allclose(alone.decimal_odds[own], together.decimal_odds[own], rtol=1e-12)
        np.testing.assert_allclose(
            alone.provider_probabilities[:, own], together.provider_probabilities[:, own], rtol=1e-12
        )


def test_an_answer_names_model_methods_and_ladder() -> None:
    figures = {"home goals": 1.5, "away goals": 1.25, "rho": -0.05, "error": 0.001}
    answer = build_explained(two_providers().explanation._replace(figures=figures), range(2))
    assert [market.market_id for market in answer.markets] == ["1x2", "total:2.5"]
    assert {figure.name: figure.value for figure in answer.figures} == figures
    assert (answer.margin_removal, answer.margin_application, answer.ladder) == ("power", "odds_ratio", "fine")


class World:
    """Three versions of one fixture, the last of them in the serving copy with later inputs."""

    def __init__(self) -> None:
        repricings = [priced(folded(update(quoted=quotes())), now_us=NOW_US + item) for item in (0, 10, 20)]
        explanations = [repricing.explanation for repricing in repricings]
        self.later = explanations[-1]._replace(state_provider_id="bravo")
        self.newest, self.log = FakeNewestExplanations(), FakeExplanationLog()
        self.newest.values["match"] = encode_explanation(self.later)
        self.log.values = [encode_explanation(item) for item in (*explanations, self.later)]
        book = repricings[-1].state.book
        assert book is not None
        self.books = BookCache(
            clock=FakeClock(NOW_US + 60_000_000),
            partition_of=lambda _: 0,
            partitions=1,
            heartbeat_age_ms_max=1,
            watchers_max=1,
        )
        self.books.load({"match": encode_book(book)})
        self.explainer = PriceExplainer(
            explanations=self.newest,
            log=self.log,
            books=self.books,
            clock=FakeClock(NOW_US + 60_000_000),
            kept_ms=KEPT_US // 1_000,
        )

    async def explain(
        self, version: int, *, fixture_id: str = "match", market_id: str = ""
    ) -> trading_service_pb2.ExplainPriceResponse:
        return await self.explainer.explain(fixture_id=fixture_id, version=version, market_id=market_id)


async def test_a_version_is_explained_and_none_given_means_the_newest() -> None:
    world = World()
    for version in (NOW_US, NOW_US + 10, NOW_US + 20):
        answer = await world.explain(version)
        assert (answer.version, answer.published_time_us) == (version, version)
    assert (await world.explain(0)).version == NOW_US + 20


async def test_one_market_can_be_asked_for_and_must_exist() -> None:
    world = World()
    assert [market.market_id for market in (await world.explain(0)).markets] == list(FOOTBALL.market_ids)
    assert [market.market_id for market in (await world.explain(0, market_id="total:2.5")).markets] == ["total:2.5"]
    with pytest.raises(MarketUnknown):
        await world.explain(NOW_US, market_id="btts")


async def test_a_version_that_never_was_is_refused_with_those_that_were() -> None:
    with pytest.raises(ExplanationUnknown) as refused:
        await World().explain(NOW_US + 5)
    assert refused.value.figures["version_after"] == str(NOW_US + 10)
    assert refused.value.figures["newest_version"] == str(NOW_US + 20)
    with pytest.raises(ExplanationUnknown) as refused:
        await World().explain(NOW_US + 21)
    assert "version_after" not in refused.value.figures


async def test_a_version_older_than_what_is_kept_is_refused_with_since_when_it_is() -> None:
    kept_since_us = NOW_US + 60_000_000 - KEPT_US
    with pytest.raises(ExplanationExpired) as refused:
        await World().explain(kept_since_us - 1)
    assert refused.value.figures["kept_since_us"] == str(kept_since_us)
    with pytest.raises(ExplanationUnknown):
        await World().explain(kept_since_us)


async def test_a_fixture_nobody_knows_is_refused() -> None:
    for version in (0, NOW_US):
        with pytest.raises(FixtureUnknown):
            await World().explain(version, fixture_id="other")


async def test_a_fixture_known_by_its_explanation_alone_is_known() -> None:
    world = World()
    world.newest.values["quiet"] = encode_explanation(world.later._replace(fixture_id="quiet"))
    with pytest.raises(ExplanationUnknown):
        await world.explain(NOW_US + 30, fixture_id="quiet")


async def test_without_log_or_copy_the_trader_is_told_to_ask_again() -> None:
    world = World()
    world.log.is_down = True
    with pytest.raises(Unavailable):
        await world.explain(NOW_US)
    world.newest.values.clear()
    with pytest.raises(Unavailable) as refused:
        await world.explain(0)
    assert refused.value.figures["newest_version"] == str(NOW_US + 20)


def test_versions_are_said_to_be_kept_for_as_long_as_the_topic_keeps_them() -> None:
    config = declare(EXPLANATIONS, load_settings("local")).config
    assert config["cleanup.policy"] == "compact"
    assert int(config["min.compaction.lag.ms"]) == KEPT_MS
    assert int(config["max.compaction.lag.ms"]) > KEPT_MS


def test_double_chance_is_retraced_with_two_winners() -> None:
    layout = MarketLayout.of_markets([("double_chance", ("1x", "12", "x2"))])
    explanation = priced(folded(update(quoted=quotes((1_280, 1_300, 1_700), layout=layout)))).explanation
    steps = retrace(explanation, [0])
    assert steps.provider_probabilities.sum() == pytest.approx(2.0)
    assert (1.0 / steps.decimal_odds).sum() == pytest.approx(2.1)
