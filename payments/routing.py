"""Which payment provider a deposit goes to: who may have it, and in which order they are preferred."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from kernel.clock import Clock
from kernel.errors import Category, DomainError
from kernel.money import AmountOutOfRange, Money
from kernel.rates import Rates
from payments.deposit import Route
from payments.health import Health
from payments.provider import Method, Told

LEFT_OUT: Final = "left out: did badly lately"


class PaymentMethodUnavailable(DomainError):
    """No provider takes a deposit by that method now; the message says why of each."""

    reason = "PAYMENT_METHOD_UNAVAILABLE"
    category = Category.RULE


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the house lets a provider be used for.

    Attributes:
        methods: By what players may pay.
        deposit_minor_min: The least of a deposit, in the reference currency.
        deposit_minor_max: The most of one, in the reference currency.
        jurisdictions: Where it may be used; empty for everywhere.
    """

    methods: frozenset[Method]
    deposit_minor_min: int
    deposit_minor_max: int
    jurisdictions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingPolicy:
    """What the house decided about payment providers.

    Attributes:
        day: From which day on.
        providers: What each is used for, by name.
        preferred: Names in the order of preference, by jurisdiction; what is not named comes after.
    """

    day: date
    providers: Mapping[str, Terms]
    preferred: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Bounds:
    """The least and the most of a deposit in a currency, in minor units."""

    minor_min: int
    minor_max: int


class Router:
    """Decides by what the house wrote down.

    Args:
        policy: What the house decided.
        jurisdiction: Whose rules hold here.
        connected: Providers that can be reached from here at all.
        rates: What amounts of other currencies are in the reference currency.
        health: How each did lately.
        clock: Says who is left out now.
    """

    def __init__(
        self,
        policy: RoutingPolicy,
        *,
        jurisdiction: str,
        connected: Sequence[str],
        rates: Rates,
        health: Health,
        clock: Clock,
    ) -> None:
        self._policy = policy
        self._jurisdiction = jurisdiction
        self._connected = connected
        self._rates = rates
        self._health = health
        self._clock = clock

    def route(self, method: Method, amount: Money, *, tried: Sequence[str] = ()) -> Route:
        """Return where a deposit goes.

        Who did badly lately is left out for a time; where that leaves nobody, who did least badly is asked.

        Args:
            method: By what the player pays.
            amount: How much.
            tried: Who was asked for it before, and failed.

        Raises:
            AmountOutOfRange: If a provider takes the method, and none so much or so little.
            PaymentMethodUnavailable: If none takes the method.
        """
        now_us, obstacles = self._clock.now_us(), {}
        for name in self._in_order():
            obstacle = "tried before" if name in tried else self._find_obstacle(name, method, amount)
            is_out = not obstacle and self._health.is_out(name, method, now_us=now_us)
            obstacles[name] = LEFT_OUT if is_out else obstacle
        chosen = self._choose(method, obstacles)
        if chosen is None:
            raise self._refusal(method, amount, obstacles)
        candidates = [
            {"provider": name, "obstacle": obstacle, "success_milli": self._health.success_milli(name, method)}
            for name, obstacle in obstacles.items()
        ]
        decision = {
            "policy_day": self._policy.day.isoformat(),
            "jurisdiction": self._jurisdiction,
            "method": method.value,
            "amount_minor": amount.amount_minor,
            "currency": amount.currency,
            "candidates": candidates,
            "provider": chosen,
        }
        self._health.begin_probe(chosen, method, now_us=now_us)
        return Route(chosen, decision)

    def hear(self, provider: str, method: Method, told: Told) -> None:
        """Take in how a call to a provider ended."""
        self._health.hear(provider, method, told, now_us=self._clock.now_us())

    def _choose(self, method: Method, obstacles: Mapping[str, str]) -> str | None:
        free = [name for name, obstacle in obstacles.items() if not obstacle]
        left_out = [name for name, obstacle in obstacles.items() if obstacle == LEFT_OUT]
        if free:
            return free[0]
        return max(left_out, key=lambda name: self._health.success_milli(name, method), default=None)

    def methods(self, currency: str) -> dict[Method, Bounds]:
        """Return by what a player may pay now, and the least and the most of a deposit by it."""
        found: dict[Method, list[Bounds]] = {}
        for name in self._in_order():
            if not self._find_lasting_obstacle(name):
                for method in sorted(self._policy.providers[name].methods):
                    found.setdefault(method, []).append(self._bounds(name, currency))
        return {
            method: Bounds(min(bound.minor_min for bound in bounds), max(bound.minor_max for bound in bounds))
            for method, bounds in found.items()
        }

    def _in_order(self) -> list[str]:
        named = self._policy.preferred.get(self._jurisdiction, ())
        preferred = [name for name in named if name in self._policy.providers]
        return preferred + sorted(self._policy.providers.keys() - set(preferred))

    def _find_lasting_obstacle(self, name: str) -> str:
        terms = self._policy.providers[name]
        if name not in self._connected:
            return "not connected"
        if terms.jurisdictions and self._jurisdiction not in terms.jurisdictions:
            return "not for this jurisdiction"
        return ""

    def _find_obstacle(self, name: str, method: Method, amount: Money) -> str:
        if obstacle := self._find_lasting_obstacle(name):
            return obstacle
        if method not in self._policy.providers[name].methods:
            return "not by this method"
        bounds = self._bounds(name, amount.currency)
        return "" if bounds.minor_min <= amount.amount_minor <= bounds.minor_max else "amount out of range"

    def _bounds(self, name: str, currency: str) -> Bounds:
        terms, rate = self._policy.providers[name], self._rates.rate_of(currency)
        return Bounds(
            max(1, rate.from_reference_up(terms.deposit_minor_min)), rate.from_reference_down(terms.deposit_minor_max)
        )

    def _refusal(self, method: Method, amount: Money, candidates: Mapping[str, str]) -> DomainError:
        bounds = self.methods(amount.currency).get(method)
        if bounds is None or bounds.minor_min <= amount.amount_minor <= bounds.minor_max:
            told = ", ".join(f"{name}: {obstacle}" for name, obstacle in candidates.items()) or "there is none"
            return PaymentMethodUnavailable(f"A provider must take {amount} by {method}, none does ({told})")
        least, most = (Money(minor, amount.currency) for minor in (bounds.minor_min, bounds.minor_max))
        return AmountOutOfRange(
            f"Deposit must be {least} to {most}, was {amount}",
            figures={"amount_minor_min": str(bounds.minor_min), "amount_minor_max": str(bounds.minor_max)},
        )
