"""To whom a deposit goes, what is stored of that decision, and what is said where nobody takes it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest

from kernel.money import AmountOutOfRange, Money
from payments.health import OUTCOMES_MIN, PROBE_AFTER_US, Health
from payments.provider import Method, Outcome, Told
from payments.routing import Bounds, PaymentMethodUnavailable, Router, RoutingPolicy, Terms
from tests.currencies import RATES
from tests.fakes.fake_clock import FakeClock

CARDS = Terms(methods=frozenset({Method.CARD}), deposit_minor_min=500, deposit_minor_max=10_000)
POLICY = RoutingPolicy(
    day=date(2026, 11, 30),
    providers={"a": CARDS, "b": replace(CARDS, deposit_minor_max=20_000)},
    preferred={"uk": ["b"], "default": ["a", "b"]},
)


def router(
    policy: RoutingPolicy = POLICY,
    *,
    jurisdiction: str = "default",
    connected: str = "ab",
    clock: FakeClock | None = None,
) -> Router:
    return Router(
        policy,
        jurisdiction=jurisdiction,
        connected=tuple(connected),
        rates=RATES,
        health=Health(),
        clock=clock or FakeClock(),
    )


def test_the_order_of_preference_is_the_jurisdictions() -> None:
    assert router().route(Method.CARD, Money(500, "EUR")).provider == "a"
    assert router(jurisdiction="uk").route(Method.CARD, Money(500, "EUR")).provider == "b"


def test_who_does_not_take_the_amount_is_passed_over_and_the_decision_says_so() -> None:
    route = router().route(Method.CARD, Money(10_001, "EUR"))
    assert route.provider == "b"
    assert route.decision["candidates"] == [
        {"provider": "a", "obstacle": "amount out of range", "success_milli": 1_000},
        {"provider": "b", "obstacle": "", "success_milli": 1_000},
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


def hear(asked: Router, provider: str, outcome: Outcome, *, times: int = 1, code: str = "") -> None:
    for _ in range(times):
        asked.hear(provider, Method.CARD, Told(UUID(int=1), outcome, code=code))


def provider_of(asked: Router) -> str:
    return asked.route(Method.CARD, Money(500, "EUR")).provider


def test_who_fails_too_often_is_left_out_then_tried_once_and_left_out_for_longer() -> None:
    clock = FakeClock()
    asked = router(clock=clock)
    hear(asked, "a", Outcome.NO_ANSWER, times=OUTCOMES_MIN - 1)
    assert provider_of(asked) == "a"
    hear(asked, "a", Outcome.DECLINED, code="unreachable")
    assert provider_of(asked) == "b"
    clock.time_us += PROBE_AFTER_US - 1
    assert provider_of(asked) == "b"
    clock.time_us += 1
    assert [provider_of(asked), provider_of(asked)] == ["a", "b"]
    clock.time_us += PROBE_AFTER_US
    hear(asked, "a", Outcome.NO_ANSWER)
    clock.time_us += 2 * PROBE_AFTER_US - 1
    assert provider_of(asked) == "b"
    clock.time_us += 1
    assert provider_of(asked) == "a"
    hear(asked, "a", Outcome.CAPTURED)
    assert [provider_of(asked), provider_of(asked)] == ["a", "a"]


def test_a_failure_that_is_the_players_says_nothing_of_the_provider() -> None:
    asked = router()
    hear(asked, "a", Outcome.DECLINED, times=50, code="insufficient_funds")
    assert provider_of(asked) == "a"


def test_a_fifth_of_calls_that_succeed_is_enough() -> None:
    asked = router()
    hear(asked, "a", Outcome.CAPTURED)
    hear(asked, "a", Outcome.NO_ANSWER, times=4)
    assert provider_of(asked) == "a"
    hear(asked, "a", Outcome.NO_ANSWER)
    assert provider_of(asked) == "b"


def test_where_all_are_left_out_who_did_least_badly_is_asked() -> None:
    asked = router()
    hear(asked, "a", Outcome.NO_ANSWER, times=10)
    hear(asked, "b", Outcome.CAPTURED)
    hear(asked, "b", Outcome.NO_ANSWER, times=9)
    route = asked.route(Method.CARD, Money(500, "EUR"))
    assert route.provider == "b"
    assert [each["success_milli"] for each in route.decision["candidates"]] == [0, 100]


def test_who_was_tried_is_not_asked_again() -> None:
    assert router().route(Method.CARD, Money(500, "EUR"), tried=["a"]).provider == "b"
    with pytest.raises(PaymentMethodUnavailable, match="a: tried before, b: tried before"):
        router().route(Method.CARD, Money(500, "EUR"), tried=["a", "b"])
