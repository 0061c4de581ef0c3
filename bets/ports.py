"""What bets need from outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from bets.answer import BetAnswer, Inquiry, PlaceCommand, Standing
from bets.bet import Bet, BetStatus
from bets.settlement import MarketResult


class BetLedger(Protocol):
    """Where bets and their stakes are kept; the only truth about them."""

    async def place(self, command: PlaceCommand) -> BetAnswer:
        """Take the stake and keep the bet, or give the answer that this request id got before.

        A refusal (of the command, of the player, for want of funds, for a market that was settled meanwhile) is an
        answer too.

        Raises:
            RequestIdReused: If the request id came before with another fingerprint.
            LedgerUnavailable: If no answer came in time; the same command may be sent again.
            Overloaded: If too many bets wait.
        """
        ...

    async def look(self, inquiry: Inquiry) -> Standing:
        """Return the stored answer to a request, and what else of the ledger bears on it.

        Raises:
            RequestIdReused: If the request id came before with another fingerprint.
            LedgerUnavailable: If no answer came in time.
            Overloaded: If too many ask.
        """
        ...

    async def find_answer(self, player_id: UUID, request_id: UUID) -> BetAnswer | None:
        """Return the stored answer to a place command of this player, None if it was not decided.

        Raises:
            LedgerUnavailable: If no answer came in time, also because the command is being decided now.
        """
        ...

    async def get_bet(self, player_id: UUID, bet_id: UUID) -> Bet | None:
        """Return a bet of this player as it stands now.

        Raises:
            LedgerUnavailable: If no answer came in time.
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
            LedgerUnavailable: If no answer came in time.
        """
        ...


@dataclass(frozen=True, slots=True)
class SettlementPage:
    """What one call of `settle_page` did: bets changed, and whether the result is applied to all it concerns."""

    applied: int
    is_complete: bool


class SettlementLedger(Protocol):
    """Where results become money."""

    async def settle_page(
        self, fixture_id: str, result: MarketResult, *, result_key: str, page_size: int
    ) -> SettlementPage:
        """Apply a result to the next page of bets it concerns, in one transaction.

        A result key that has been applied whole changes nothing more.

        Args:
            fixture_id: The fixture of the market.
            result: Settlement, cancellation, or the rollback of one.
            result_key: Names the result for ever, the same at every delivery.
            page_size: Bets at most in this transaction.

        Raises:
            LedgerUnavailable: If no answer came in time; the same call may be made again.
        """
        ...
