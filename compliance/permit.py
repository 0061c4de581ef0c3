"""May this player do this now? The one question, which every product asks before it does anything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from compliance.jurisdiction import Jurisdiction, Product, Rules
from kernel.clock import Clock
from kernel.errors import Category, DomainError
from kernel.money import CurrencyMismatch, Money
from pam.player import Player, PlayerBlocked, PlayerRole, PlayerStatus
from pam.session import BettorRequired

MOVES_MONEY: Final = frozenset({Product.TEST_DEPOSIT, Product.DEPOSIT, Product.SPORTS_BET, Product.CASINO_GAME})
"""What is for active bettors alone; the ledger holds the same against the player as stored, in the same commit."""


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
    player: Player | None, *, rules: Rules, product: Product, amount: Money | None, place: str | None
) -> Permit | DomainError:
    """Return the permit, or the refusal with its reason and what would work.

    The order is the ledger's, so that both give the same reason: status, role, currency; what it cannot know stands
    before.

    Args:
        player: Who asks, as stored lately; None of who is none yet, or not known yet.
        rules: What holds today.
        product: What is asked for.
        amount: How much would move, if anything would.
        place: In which country the player is (ISO 3166-1 alpha-2); None where nobody knows.
    """
    if product not in rules.products:
        return ProductNotPermitted(f"Product must be one that {rules.jurisdiction} permits today, {product} is none")
    if rules.places is not None and place not in rules.places:
        found = "it is not known where they are" if place is None else f"they are in {place}"
        return PlaceNotPermitted(f"Player must be in one of {sorted(rules.places)}, {found}")
    refusal = _refuse_player(player, amount) if product in MOVES_MONEY else None
    return refusal or Permit(product, rules.jurisdiction, rules.day)


def _refuse_player(player: Player | None, amount: Money | None) -> DomainError | None:
    if player is not None and player.status != PlayerStatus.ACTIVE:
        return PlayerBlocked()
    if player is None or player.role != PlayerRole.BETTOR:
        return BettorRequired("Money must be moved for a bettor, was asked for by another")
    if amount is not None and amount.currency != player.currency:
        return CurrencyMismatch(f"Amount must be in {player.currency}, was in {amount.currency}")
    return None


class Permits:
    """Asks the question by the rules of the day.

    Args:
        jurisdiction: Whose rules hold here.
        clock: Says which day it is.
    """

    def __init__(self, jurisdiction: Jurisdiction, *, clock: Clock) -> None:
        self._jurisdiction = jurisdiction
        self._clock = clock
        self._rules = jurisdiction.on(self._today())

    def ask(
        self, player: Player | None, product: Product, *, amount: Money | None = None, place: str | None = None
    ) -> Permit | DomainError:
        """Return the permit or the refusal; as `permit`, by the rules of today."""
        if (today := self._today()) != self._rules.day:
            self._rules = self._jurisdiction.on(today)
        return permit(player, rules=self._rules, product=product, amount=amount, place=place)

    def expect(
        self, player: Player | None, product: Product, *, amount: Money | None = None, place: str | None = None
    ) -> Permit:
        """Return the permit.

        Raises:
            DomainError: The refusal, if it is not given.
        """
        found = self.ask(player, product, amount=amount, place=place)
        if isinstance(found, DomainError):
            raise found
        return found

    def _today(self) -> date:
        return datetime.fromtimestamp(self._clock.now_us() / 1_000_000, tz=UTC).date()
