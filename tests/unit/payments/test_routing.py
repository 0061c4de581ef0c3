"""To whom a deposit goes, what is stored of that decision, and what is said where nobody takes it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from kernel.money import AmountOutOfRange, Money
from payments.provider import Method
from payments.routing import Bounds, PaymentMethodUnavailable, Router, RoutingPolicy, Terms
from tests.currencies import RATES

CARDS = Terms(methods=frozenset({Method.CARD}), deposit_minor_min=500, deposit_minor_max=10_000)
POLICY = RoutingPolicy(
    day=date(2026, 11, 30),
    providers={"a": CARDS, "b": replace(CARDS, deposit_minor_max=20_000)},
    preferred={"uk": ["b"], "default": ["a", "b"]},
)


def router(policy: RoutingPolicy = POLICY, *, jurisdiction: str = "default", connected: str = "ab") -> Router:
    return Router(policy, jurisdiction=jurisdiction, connected=tuple(connected), rates=RATES)


def test_the_order_of_preference_is_the_jurisdictions() -> None:
    assert router().route(Method.CARD, Money(500, "EUR")).provider == "a"
    assert router(jurisdiction="uk").route(Method.CARD, Money(500, "EUR")).provider == "b"


def test_who_does_not_take_the_amount_is_passed_over_and_the_decision_says_so() -> None:
    route = router().route(Method.CARD, Money(10_001, "EUR"))
    assert route.provider == "b"
    assert route.decision["candidates"] == [
        {"provider": "a", "obstacle": "amount out of range"},
        {"provider": "b", "obstacle": ""},
    ]


@pytest.mark.parametrize("minor", [0, 499, 20_001])
def test_an_amount_that_nobody_takes_is_refused_with_what_would_be(minor: int) -> None:
    with pytest.raises(AmountOutOfRange) as refused:
        router().route(Method.CARD, Money(minor, "EUR"))
    assert refused.value.figures == {"amount_minor_min": "500", "amount_minor_max": "20000"}


@pytest.mark.parametrize("minor", [500, 20_000])
def test_the_edges_are_taken(minor: int) -> None:
    assert router().route(Method.CARD, Money(minor, "EUR")).provider in "ab"


def test_where_nobody_takes_the_method_each_obstacle_is_told() -> None:
    elsewhere = replace(CARDS, jurisdictions=frozenset({"uk"}))
    policy = replace(POLICY, providers={"a": CARDS, "b": elsewhere})
    with pytest.raises(PaymentMethodUnavailable, match=r"a: not connected, b: not for this jurisdiction"):
        router(policy, connected="b").route(Method.CARD, Money(500, "EUR"))


def test_methods_are_told_in_the_players_currency() -> None:
    assert router().methods("EUR") == {Method.CARD: Bounds(500, 20_000)}
    rate = RATES.rate_of("JPY")
    assert router().methods("JPY")[Method.CARD].minor_min == rate.from_reference_up(500)
    assert router(connected="").methods("EUR") == {}
