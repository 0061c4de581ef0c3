"""Bets, refusals and bet events on the wire."""

from __future__ import annotations

from uuid import UUID

from bets.answer import BetAnswer, BetRefusal, LegRefusal
from bets.bet import SINGLE, Bet, BetEvent, BetEventKind, BetStatus, Leg
from kernel.errors import InvariantBroken
from kernel.money import Money
from kernel.rates import ReferenceRate
from overround.bets.v1 import bet_pb2, betting_service_pb2
from overround.common.v1 import money_pb2, outbox_pb2
from wire.money import build_money, build_rate, parse_money


def build_leg(leg: Leg) -> bet_pb2.Leg:
    """Return the message for a leg."""
    return bet_pb2.Leg(
        fixture_id=leg.fixture_id,
        market_id=leg.market_id,
        outcome_id=leg.outcome_id,
        decimal_odds_milli=leg.decimal_odds_milli,
        book_version=leg.book_version,
        is_in_play=leg.is_in_play,
        fixture_name=leg.fixture_name,
    )


def parse_leg(message: bet_pb2.Leg) -> Leg:
    """Return the leg."""
    return Leg(
        fixture_id=message.fixture_id,
        market_id=message.market_id,
        outcome_id=message.outcome_id,
        decimal_odds_milli=message.decimal_odds_milli,
        book_version=message.book_version,
        is_in_play=message.is_in_play,
        fixture_name=message.fixture_name,
    )


def build_bet_event(event: BetEvent, currency: str) -> bet_pb2.BetEvent:
    """Return the message for something that happened to a bet in that currency."""
    return bet_pb2.BetEvent(
        kind=bet_pb2.BetEvent.Kind.ValueType(event.kind),
        time_us=event.time_us,
        amount=money_pb2.Money(amount_minor=event.amount_minor, currency=currency),
    )


def parse_bet_event(message: bet_pb2.BetEvent) -> BetEvent:
    """Return what happened to a bet.

    Raises:
        ValueError: If the kind is a number nobody knows.
    """
    return BetEvent(BetEventKind(message.kind), message.time_us, message.amount.amount_minor)


def build_bet(bet: Bet) -> bet_pb2.Bet:
    """Return the message for a bet."""
    currency = bet.stake.currency
    return bet_pb2.Bet(
        bet_id=str(bet.bet_id),
        player_id=str(bet.player_id),
        request_id=str(bet.request_id),
        legs=[build_leg(leg) for leg in bet.legs],
        stake=build_money(bet.stake),
        potential_return=money_pb2.Money(amount_minor=bet.potential_return_minor, currency=currency),
        status=bet_pb2.BetStatus.ValueType(bet.status),
        return_amount=money_pb2.Money(amount_minor=bet.return_minor, currency=currency),
        placed_time_us=bet.placed_time_us,
        settled_time_us=bet.settled_time_us or 0,
        events=[build_bet_event(event, currency) for event in bet.events],
        lines=[bet_pb2.Line(legs=line) for line in bet.lines],
    )


def parse_bet(message: bet_pb2.Bet) -> Bet:
    """Return the bet.

    Raises:
        ValueError: If an id is none or a status or kind is a number nobody knows.
    """
    return Bet(
        bet_id=UUID(message.bet_id),
        player_id=UUID(message.player_id),
        request_id=UUID(message.request_id),
        legs=tuple(parse_leg(leg) for leg in message.legs),
        lines=tuple(tuple(line.legs) for line in message.lines) or SINGLE,  # bets told of before had nothing else
        stake=parse_money(message.stake),
        potential_return_minor=message.potential_return.amount_minor,
        status=BetStatus(message.status),
        return_minor=message.return_amount.amount_minor,
        placed_time_us=message.placed_time_us,
        settled_time_us=message.settled_time_us or None,
        events=tuple(parse_bet_event(event) for event in message.events),
    )


def build_refusal(refusal: BetRefusal, currency: str) -> betting_service_pb2.BetRefusal:
    """Return the message for a refusal whose figures are in that currency."""
    message = betting_service_pb2.BetRefusal(
        reason=refusal.reason, message=refusal.message, legs=[_build_leg_refusal(leg) for leg in refusal.legs]
    )
    if refusal.stake_max_minor is not None:
        message.stake_max.CopyFrom(build_money(Money(refusal.stake_max_minor, currency)))
    if refusal.stake_min_minor is not None:
        message.stake_min.CopyFrom(build_money(Money(refusal.stake_min_minor, currency)))
    return message


def _build_leg_refusal(refusal: LegRefusal) -> betting_service_pb2.LegRefusal:
    return betting_service_pb2.LegRefusal(
        leg=refusal.leg,
        reason=refusal.reason,
        message=refusal.message,
        decimal_odds_milli=refusal.decimal_odds_milli or 0,
        book_version=refusal.book_version or 0,
    )


def build_answer(answer: BetAnswer, currency: str) -> betting_service_pb2.BetAnswer:
    """Return the message for what a bet was answered, figures of a refusal in that currency."""
    if answer.refusal is not None:
        return betting_service_pb2.BetAnswer(refusal=build_refusal(answer.refusal, currency))
    if answer.bet is None:
        raise InvariantBroken("Answer must be a bet or a refusal, was neither")
    return betting_service_pb2.BetAnswer(bet=build_bet(answer.bet))


def build_bet_changed(bet: Bet, event: BetEvent, position: outbox_pb2.OutboxPosition) -> bet_pb2.BetChanged:
    """Return the event that carries a bet as it was right after `event`."""
    return bet_pb2.BetChanged(position=position, bet=build_bet(bet), event=build_bet_event(event, bet.stake.currency))


def build_leg_changed(
    bet: Bet, place: int, kind: BetEventKind, position: outbox_pb2.OutboxPosition, rate: ReferenceRate
) -> bet_pb2.LegChanged:
    """Return the event that moves liability: above zero where the bet becomes open, below zero where it is no more.

    Args:
        bet: The bet.
        place: Of the leg in the bet.
        kind: What changed it.
        position: Of the event in the outbox.
        rate: By which the bet is reckoned in the reference currency.
    """
    sign = 1 if kind.is_opening else -1
    return bet_pb2.LegChanged(
        position=position,
        bet_id=str(bet.bet_id),
        leg=build_leg(bet.legs[place]),
        leg_place=place,
        stake_minor=sign * bet.stake.amount_minor,
        potential_return_minor=sign * bet.potential_return_minor,
        currency=bet.stake.currency,
        kind=bet_pb2.BetEvent.Kind.ValueType(kind),
        rate=build_rate(rate),
    )
