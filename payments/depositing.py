"""Deposits: asked for, told of by providers, asked about again; whoever tells first, money is credited once."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Final
from uuid import UUID

from compliance.jurisdiction import Product
from compliance.permit import Permits
from kernel.clock import Clock
from kernel.errors import Category, DomainError, InvariantBroken
from kernel.money import AmountOutOfRange
from pam.player import Player
from payments.deposit import Attempt, Deposit, DepositAsked, advance
from payments.health import RETRYABLE
from payments.ports import DepositStore, Notification
from payments.provider import Outcome, PayIn, PaymentProvider, Told
from payments.routing import PaymentMethodUnavailable, Router

MOVES_TRIED_MAX: Final = 10
"""An attempt has so few states that others cannot move it on more often meanwhile."""


class DepositUnknown(DomainError):
    """The player has no deposit of that id."""

    reason = "DEPOSIT_UNKNOWN"
    category = Category.UNKNOWN


class NotificationMismatched(DomainError):
    """What a provider told does not fit what it was asked for; it moves nothing, and is for a person."""

    reason = "NOTIFICATION_MISMATCHED"
    category = Category.CONFLICT


class Deposits:
    """Takes deposits.

    Args:
        providers: By name.
        permits: Asked before anything is done.
        router: Says who is asked for the money.
        store: Keeps deposits.
        clock: Says how old an attempt is.
    """

    def __init__(
        self,
        *,
        providers: Mapping[str, PaymentProvider],
        permits: Permits,
        router: Router,
        store: DepositStore,
        clock: Clock,
    ) -> None:
        self._providers = providers
        self._permits = permits
        self._router = router
        self._store = store
        self._clock = clock

    async def ask(self, player: Player, asked: DepositAsked) -> Deposit:
        """Return the deposit as it stands once its provider answered, or did not in time.

        A request that comes again finds its deposit and asks no provider.

        Raises:
            DomainError: The refusal, where nothing was made of it.
        """
        if (stored := await self._store.find_asked(asked)) is not None:
            return stored
        self._permits.expect(player, Product.DEPOSIT, amount=asked.amount)
        route = self._router.route(asked.method, asked.amount)
        begun = await self._store.begin(asked, route)
        if not begun.is_new:
            return begun.deposit
        deposit: Deposit | None = begun.deposit
        while deposit is not None:
            await self._pay_in(asked, deposit.last)
            begun_id, deposit = deposit.deposit_id, await self._fail_over(asked, deposit.deposit_id)
        return await self.find(player.player_id, begun_id)

    async def _pay_in(self, asked: DepositAsked, attempt: Attempt) -> None:
        order = PayIn(attempt.reference, asked.amount, asked.method, asked.instrument)
        told = await self._providers[attempt.provider].pay_in(order)
        self._router.hear(attempt.provider, asked.method, told)
        # What does not fit is no answer: the deposit stays open, and its provider is asked about it again.
        with suppress(NotificationMismatched):
            await self.hear(attempt.provider, told)

    async def _fail_over(self, asked: DepositAsked, deposit_id: UUID) -> Deposit | None:
        """Return the deposit with another attempt, where the last one failed for good and not by the player."""
        deposit = await self.find(asked.player_id, deposit_id)
        if not (deposit.state.is_failed and deposit.last.code in RETRYABLE):
            return None
        try:
            tried = [attempt.provider for attempt in deposit.attempts]
            route = self._router.route(asked.method, asked.amount, tried=tried)
        except (PaymentMethodUnavailable, AmountOutOfRange):
            return None
        return await self._store.begin_next(deposit, route)

    async def find(self, player_id: UUID, deposit_id: UUID) -> Deposit:
        """Return a deposit of a player.

        Raises:
            DepositUnknown: If they have none of that id.
        """
        found = await self._store.find(player_id, deposit_id)
        if found is None:
            raise DepositUnknown(f"Deposit must be one of the player's, {deposit_id} is none")
        return found

    async def hear(self, provider: str, told: Told) -> None:
        """Bring an attempt to where a provider's word brings it; what was heard before changes nothing.

        Raises:
            NotificationMismatched: If it is of no attempt, or of one at another provider or of another amount.
        """
        for _ in range(MOVES_TRIED_MAX):
            attempt = _expect_fitting(provider, told, await self._store.find_attempt(told.reference))
            state = advance(attempt.state, told.outcome, age_us=self._clock.now_us() - attempt.begun_time_us)
            if state is attempt.state or await self._store.move(attempt, state, told):
                return
        raise InvariantBroken(f"Attempt {told.reference} must move at most {MOVES_TRIED_MAX} times, moved more often")

    async def ask_again(self, attempt: Attempt) -> None:
        """Ask its provider what became of an attempt.

        Raises:
            NotificationMismatched: As `hear`.
        """
        if (provider := self._providers.get(attempt.provider)) is not None:
            await self.hear(attempt.provider, await provider.find_pay_in(attempt.reference))

    async def read(self, notification: Notification) -> None:
        """Take in what a provider sent.

        Raises:
            NotificationMalformed: If it cannot be read.
            NotificationMismatched: As `hear`.
        """
        provider = self._providers.get(notification.provider)
        if provider is None:
            raise NotificationMismatched(f"Provider must be connected here, {notification.provider} is not")
        await self.hear(notification.provider, provider.read_notification(notification.body))


def _expect_fitting(provider: str, told: Told, attempt: Attempt | None) -> Attempt:
    if attempt is None:
        raise NotificationMismatched(f"Reference must be of an attempt of ours, {told.reference} is of none")
    if provider != attempt.provider:
        raise NotificationMismatched(
            f"Attempt {told.reference} must be told of by {attempt.provider}, was by {provider}"
        )
    if told.amount is not None and told.amount != attempt.amount:
        raise NotificationMismatched(f"Attempt {told.reference} must be of {attempt.amount}, was of {told.amount}")
    known = attempt.provider_reference
    if known and told.provider_reference and told.provider_reference != known:
        raise NotificationMismatched(
            f"Attempt {told.reference} must be payment {known} of {provider}, was {told.provider_reference}"
        )
    if told.outcome is Outcome.CAPTURED and (told.amount is None or not told.provider_reference):
        raise NotificationMismatched(f"Money for {told.reference} must come with its amount and name, came without")
    return attempt
