"""May this player do this now? The one question, which every product asks before it does anything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from compliance.jurisdiction import Jurisdiction, Product, Rules, RulesMalformed, RulesUnknown
from compliance.limits import DepositLimit, refuse_deposit
from kernel.clock import Clock
from kernel.errors import Category, DomainError
from kernel.money import CurrencyMismatch, Money
from pam.player import Player, PlayerBlocked, PlayerExcluded, PlayerRole, PlayerStatus, PlayerTimedOut
from pam.session import BettorRequired

MOVES_MONEY: Final = frozenset({Product.TEST_DEPOSIT, Product.DEPOSIT, Product.SPORTS_BET, Product.CASINO_GAME})
"""What is for active bettors alone; the ledger holds the same against the player as stored, in the same commit."""
PAYS_IN: Final = frozenset({Product.TEST_DEPOSIT, Product.DEPOSIT})
"""What counts against the limits that players set to what they pay in."""


class ProductNotPermitted(DomainError):
    """The rules of the day do not let anybody have it."""

    reason = "PRODUCT_NOT_PERMITTED"
    category = Category.FORBIDDEN


class PlaceNotPermitted(DomainError):
    """The rules of the day do not let it be had where the player is, or it is not known where that is."""

    reason = "PLACE_NOT_PERMITTED"
    category = Category.FORBIDDEN


@dataclass(frozen=True, slots=True)
class Permit:
    """What was permitted, and by which rules."""

    product: Product
    jurisdiction: str
    day: date


def permit(
    player: Player | None,
    *,
    rules: Rules,
    product: Product,
    amount: Money | None,
    place: str | None,
    now_us: int,
    limits: Iterable[DepositLimit] = (),
) -> Permit | DomainError:
    """Return the permit, or the refusal with its reason and what would work.

    The order is the ledger's, so that both give the same reason: status, exclusion, time-out, role, currency, limits;
    what it cannot know stands before.

    Args:
        player: Who asks, as stored lately; None of who is none yet, or not known yet.
        rules: What holds today.
        product: What is asked for.
        amount: How much would move, if anything would.
        place: In which country the player is (ISO 3166-1 alpha-2); None where nobody knows.
        now_us: What time it is.
        limits: Those that the player set to what they pay in, where something is.
    """
    if product not in rules.products:
        return ProductNotPermitted(f"Product must be one that {rules.jurisdiction} permits today, {product} is none")
    if rules.places is not None and place not in rules.places:
        found = "it is not known where they are" if place is None else f"they are in {place}"
        return PlaceNotPermitted(f"Player must be in one of {sorted(rules.places)}, {found}")
    refusal = _refuse_player(player, amount, now_us) if product in MOVES_MONEY else None
    if refusal is None and product in PAYS_IN and amount is not None:
        refusal = refuse_deposit(amount, limits)
    return refusal or Permit(product, rules.jurisdiction, rules.day)


def _refuse_player(player: Player | None, amount: Money | None, now_us: int) -> DomainError | None:
    if player is not None and player.status != PlayerStatus.ACTIVE:
        return PlayerBlocked()
    if player is not None and player.excluded_until_us:
        return PlayerExcluded(player.excluded_until_us)
    if player is not None and player.timed_out_until_us > now_us:
        return PlayerTimedOut(player.timed_out_until_us)
    if player is None or player.role != PlayerRole.BETTOR:
        return BettorRequired("Money must be moved for a bettor, was asked for by another")
    if amount is not None and amount.currency != player.currency:
        return CurrencyMismatch(f"Amount must be in {player.currency}, was in {amount.currency}")
    return None


class CountryNotServed(DomainError):
    """No rules are put in by which a resident of the country could play here."""

    reason = "COUNTRY_NOT_SERVED"
    category = Category.FORBIDDEN


@dataclass(frozen=True, slots=True)
class _Held:
    """The rules of a jurisdiction until its day ends."""

    rules: Rules
    until_us: int


class Permits:
    """Asks the question by the rules of the day, of the jurisdiction that the player is under and of no other.

    Args:
        home: Whose rules hold for who is under no other: whose country nobody knows.
        others: Whose rules hold for the residents of their countries.
        clock: Says which day it is.

    Raises:
        RulesMalformed: If two have one name, or the residents of one country.
    """

    def __init__(self, home: Jurisdiction, *, others: Sequence[Jurisdiction] = (), clock: Clock) -> None:
        known = (home, *others)
        self._home = home.name
        self._by_name = {jurisdiction.name: jurisdiction for jurisdiction in known}
        self._clock = clock
        self._held: dict[str, _Held] = {}
        if len(self._by_name) < len(known):
            raise RulesMalformed(f"Jurisdictions must have names of their own, have {[each.name for each in known]}")
        self._by_country: dict[str, str] = {}
        for jurisdiction in known:
            for country in jurisdiction.countries_ever:
                if (other := self._by_country.setdefault(country, jurisdiction.name)) != jurisdiction.name:
                    raise RulesMalformed(f"{country} must be under one jurisdiction, is under {other} and another")

    def rules_of(self, player: Player) -> Rules:
        """Return what holds for a player today.

        Raises:
            RulesUnknown: If nobody wrote down what holds for them.
        """
        return self._rules_of(player.jurisdiction)

    def rules_for_resident(self, country: str | None) -> Rules:
        """Return what holds today for a resident of a country; None where nobody asked.

        Raises:
            CountryNotServed: If it is a country under nobody's rules.
        """
        if country is None:
            return self._rules_of(self._home)
        name = self._by_country.get(country)
        rules = None if name is None else self._rules_of(name)
        if rules is None or country not in rules.countries:
            raise CountryNotServed(f"Country must be one of {', '.join(sorted(self._by_country))}, was {country[:2]!r}")
        return rules

    def ask(
        self,
        player: Player | None,
        product: Product,
        *,
        amount: Money | None = None,
        place: str | None = None,
        limits: Iterable[DepositLimit] = (),
    ) -> Permit | DomainError:
        """Return the permit or the refusal; as `permit`, by the rules of today that the player is under."""
        try:
            rules = self._rules_of(self._home if player is None else player.jurisdiction)
        except RulesUnknown as refusal:
            return refusal
        return permit(
            player,
            rules=rules,
            product=product,
            amount=amount,
            place=place,
            now_us=self._clock.now_us(),
            limits=limits,
        )

    def expect(
        self,
        player: Player | None,
        product: Product,
        *,
        amount: Money | None = None,
        place: str | None = None,
        limits: Iterable[DepositLimit] = (),
    ) -> Permit:
        """Return the permit.

        Raises:
            DomainError: The refusal, if it is not given.
        """
        found = self.ask(player, product, amount=amount, place=place, limits=limits)
        if isinstance(found, DomainError):
            raise found
        return found

    def expect_by(self, rules: Rules, product: Product) -> Permit:
        """Return the permit for somebody who is no player yet, by rules that they would be under.

        Raises:
            DomainError: The refusal, if it is not given.
        """
        found = permit(None, rules=rules, product=product, amount=None, place=None, now_us=self._clock.now_us())
        if isinstance(found, DomainError):
            raise found
        return found

    def _rules_of(self, name: str) -> Rules:
        now_us = self._clock.now_us()
        held = self._held.get(name)
        if held is None or now_us >= held.until_us:
            jurisdiction = self._by_name.get(name)
            if jurisdiction is None:
                raise RulesUnknown(f"Rules of {name} must be put in here, are not")
            rules = jurisdiction.on(jurisdiction.day_at(now_us))
            held = self._held[name] = _Held(rules, jurisdiction.day_ends_us(now_us))
        return held.rules
