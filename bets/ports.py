"""What bets need from outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from bets.answer import BetAnswer, Claim, Inquiry, PlaceCommand, Standing
from bets.bet import Bet, BetStatus
from kernel.errors import Category, DomainError
from markets.results import MarketResult


class BetLedger(Protocol):
    """Where bets and their stakes are kept; the only truth about them."""

    async def place(self, command: PlaceCommand) -> BetAnswer:
        """Take the stake and keep the bet, or give the answer that this request id got before.

        A refusal (of the command, of the player, for want of funds, for a market that was settled meanwhile) is an
        answer too. Whatever is decided ends the request's claim, in the same transaction.

        Raises:
            RequestIdReused: If the request id came before with another fingerprint.
            Unavailable: If no answer came in time; the same command may be sent again.
            Overloaded: If too many bets wait.
            TooManyRefusals: If it is to be refused and so many of the player's refusals are stored already.
        """
        ...

    async def look(self, inquiry: Inquiry) -> Standing:
        """Return the stored answer to a request, and what else of the ledger bears on it.

        Raises:
            RequestIdReused: If the request id came before with another fingerprint.
            Unavailable: If no answer came in time.
            Overloaded: If too many ask.
        """
        ...

    async def claim(self, claim: Claim) -> Standing:
        """Set a stake aside, unless the request has its answer or the player has not the means; say how it stands.

        A claim that the request has already lasts until the later of both times.

        Raises:
            RequestIdReused: If the request id came before with another fingerprint.
            Unavailable: If no answer came in time, or the claim would be over; nothing is decided.
            Overloaded: If too many claims wait.
        """
        ...

    async def find_answer(self, player_id: UUID, request_id: UUID) -> BetAnswer | None:
        """Return the stored answer to a place command of this player, None if it was not decided.

        Raises:
            Unavailable: If no answer came in time, also because the command is being decided now.
        """
        ...

    async def get_bet(self, player_id: UUID, bet_id: UUID) -> Bet | None:
        """Return a bet of this player as it stands now.

        Raises:
            Unavailable: If no answer came in time.
        """
        ...

    async def list_bets(
        self, player_id: UUID, *, status: BetStatus | None, size: int, before: str
    ) -> tuple[list[Bet], str]:
        """Return a page of the player's bets, newest first, and the token of the next page, empty on the last.

        Args:
            player_id: Whose bets.
            status: Only bets that stand there; None for all.
            size: Bets wanted, at most 200.
            before: Token of the page before; empty for the first page.

        Raises:
            IdMalformed: If `before` is no token.
            Unavailable: If no answer came in time.
        """
        ...


@dataclass(frozen=True, slots=True)
class KeyedResult:
    """A result with what names it for ever, the same at every delivery.

    Attributes:
        key: Its name.
        provider_id: Whose word it is.
        fixture_id: The fixture of the market.
        digest: SHA-256 of what the message said, that a person has to look left out.
        result: Settlement, cancellation, or the rollback of one.
    """

    key: str
    provider_id: str
    fixture_id: str
    digest: bytes
    result: MarketResult


class ResultContradicts(DomainError):
    """Another provider's result stands on the market and says something else."""

    reason = "RESULT_CONTRADICTS"
    category = Category.CONFLICT


class ResultReferred(DomainError):
    """A person has to look at a result before it moves money."""

    reason = "RESULT_REFERRED"
    category = Category.RULE


class ResultWaits(DomainError):
    """A result of the fixture came before and is not applied yet."""

    reason = "RESULT_WAITS"
    category = Category.RULE


@dataclass(frozen=True, slots=True)
class SettlementPage:
    """What one call of `settle_page` did: bets changed, and whether the result is applied to all it concerns."""

    applied: int
    is_complete: bool


class SettlementLedger(Protocol):
    """Where results become money."""

    async def settle_page(
        self, keyed: KeyedResult, *, page_size: int, has_left_queue: bool, is_decided: bool
    ) -> SettlementPage:
        """Apply a result to the next page of bets it concerns, in one transaction.

        A result key that has been applied whole, or was dropped, changes nothing more. A bet that cannot be paid is set
        aside, and the others go on.

        Args:
            keyed: The result.
            page_size: Bets at most in this transaction.
            has_left_queue: Whether it was parked and its turn has come; otherwise it waits behind what is parked.
            is_decided: Whether a person wants it applied, whatever other providers said.

        Raises:
            ResultContradicts: If another provider's word stands and is another; nothing is changed.
            ResultReferred: If a person has to look first, and it is more than an echo; nothing is changed.
            ResultWaits: If a result of its fixture came before and is not applied yet; nothing is changed.
            Unavailable: If no answer came in time; the same call may be made again.
        """
        ...


@dataclass(frozen=True, slots=True)
class ResultMessage:
    """A result as it came.

    Attributes:
        key: Its name, the same at every delivery.
        provider_id: Whose word it is; empty where that cannot be read.
        fixture_id: The fixture it is about.
        market_id: The market; empty where that cannot be read.
        kind: Its number on the wire; zero where that cannot be read.
        encoded: The result, or all that came.
        is_whole: Whether it is all that came, as no result in it can be read.
    """

    key: str
    provider_id: str
    fixture_id: str
    market_id: str
    kind: int
    encoded: bytes
    is_whole: bool


@dataclass(frozen=True, slots=True)
class DueResult:
    """A parked result whose turn has come."""

    parked_id: int
    message: ResultMessage
    is_decided: bool


@dataclass(frozen=True, slots=True)
class ParkedCounts:
    """What has not become money: results that wait for a person, fixtures whose queue they hold, bets set aside."""

    results_held: int
    fixtures_held: int
    bets_unsettled: int


class ParkedResults(Protocol):
    """Where results wait that cannot be applied, and those behind them. Every call raises Unavailable."""

    async def park(self, message: ResultMessage, *, reason: str, detail: str, holds_queue: bool, is_held: bool) -> None:
        """Keep a result, once for its key, unless it is applied whole.

        Args:
            message: The result as it came.
            reason: Stable reason.
            detail: What was wrong, for people.
            holds_queue: Whether later results of its fixture wait for it.
            is_held: Whether it waits for a person; otherwise for its turn.
        """
        ...

    async def list_due(self, size: int) -> list[DueResult]:
        """Return parked results that may be applied now, oldest first, at most `size`."""
        ...

    async def hold(self, parked_id: int, *, reason: str, detail: str, holds_queue: bool) -> None:
        """Let a due result wait for a person."""
        ...

    async def finish(self, parked_id: int) -> None:
        """Note that a due result is applied whole."""
        ...

    async def count(self) -> ParkedCounts:
        """Return how much has not become money."""
        ...
