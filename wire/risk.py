"""Liability on the wire, and the bet legs that move it."""

from __future__ import annotations

from markets.catalogue import winners_of
from overround.bets.v1 import bet_pb2
from overround.common.v1 import outbox_pb2
from overround.risk.v1 import risk_pb2
from risk.exposure import in_reference
from risk.liability import FixtureLiability, LegChange, MarketLiability, OutboxPosition, OutcomeLiability
from risk.score_losses import WorstLoss
from wire.money import parse_rate


def parse_leg_change(message: bet_pb2.LegChanged) -> LegChange:
    """Return what the leg does to the position of its market, in the reference currency by the rate that it carries.

    Without a rate it is left in its own, in which it may count.

    Raises:
        ValueError: If the rate's day is none.
        CurrencyUnknown: If a currency is none.
        RateMalformed: If the rate cannot be one.
    """
    currency = message.currency
    sign = -1 if message.stake_minor < 0 else 1
    cost = sign * message.stake_minor, sign * message.potential_return_minor
    if message.HasField("rate"):
        rate = parse_rate(message.rate, currency)
        currency, cost = rate.reference_currency, in_reference(rate, stake_minor=cost[0], payout_minor=cost[1])
    return LegChange(
        position=OutboxPosition(message.position.transaction_id, message.position.row_id),
        market_id=message.leg.market_id,
        outcome_id=message.leg.outcome_id,
        stake_minor=sign * cost[0],
        payout_minor=sign * cost[1],
        currency=currency,
        is_acceptance=message.kind == bet_pb2.BetEvent.KIND_ACCEPTED,
    )


def build_fixture_liability(liability: FixtureLiability) -> risk_pb2.FixtureLiability:
    """Return the message for a fixture's liability, markets and outcomes in the order of their ids."""
    return risk_pb2.FixtureLiability(
        fixture_id=liability.fixture_id,
        version=liability.version,
        currency=liability.currency,
        markets=[_build_market(market) for _, market in sorted(liability.markets.items())],
        worst_loss_minor=liability.worst_loss_minor(),
        turnover_minor=liability.turnover_minor,
        position=outbox_pb2.OutboxPosition(
            transaction_id=liability.position.transaction_id, row_id=liability.position.row_id
        ),
        time_us=liability.time_us,
    )


def parse_fixture_liability(message: risk_pb2.FixtureLiability) -> FixtureLiability:
    """Return the fixture's liability."""
    return FixtureLiability(
        fixture_id=message.fixture_id,
        currency=message.currency,
        version=message.version,
        markets={market.market_id: _parse_market(market) for market in message.markets},
        turnover_minor=message.turnover_minor,
        position=OutboxPosition(message.position.transaction_id, message.position.row_id),
        time_us=message.time_us,
    )


def build_worst_loss(fixture_id: str, loss: WorstLoss) -> risk_pb2.FixtureWorstLoss:
    """Return the message for what a fixture could still cost."""
    score = None if loss.score is None else risk_pb2.FinalScore(home=loss.score.home, away=loss.score.away)
    return risk_pb2.FixtureWorstLoss(
        fixture_id=fixture_id,
        worst_loss_minor=loss.amount_minor,
        score=score,
        undecided_minor=loss.undecided_minor,
    )


def _build_market(market: MarketLiability) -> risk_pb2.MarketLiability:
    return risk_pb2.MarketLiability(
        market_id=market.market_id,
        stake_minor=market.stake_minor,
        bet_count=market.bet_count,
        outcomes=[
            risk_pb2.OutcomeLiability(
                outcome_id=outcome_id,
                stake_minor=outcome.stake_minor,
                payout_minor=outcome.payout_minor,
                bet_count=outcome.bet_count,
            )
            for outcome_id, outcome in sorted(market.outcomes.items())
        ],
        worst_loss_minor=market.worst_loss_minor(),
        winner_count=winners_of(market.market_id).count_max,
    )


def _parse_market(message: risk_pb2.MarketLiability) -> MarketLiability:
    return MarketLiability(
        message.market_id,
        {
            outcome.outcome_id: OutcomeLiability(outcome.stake_minor, outcome.payout_minor, outcome.bet_count)
            for outcome in message.outcomes
        },
    )
