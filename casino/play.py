"""The use case of our own games: one spin, asked for once, drawn before it is staked and shown after it is kept."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import UUID

from casino.games import GameEdition, Games, OfferedGame
from casino.ports import RoundLedger
from casino.randomness import RandomNumbers
from casino.rounds import Played, SpinCommand
from compliance.jurisdiction import Product
from compliance.permit import Permits
from kernel.clock import Clock
from kernel.commands import fingerprint_of
from kernel.errors import DomainError
from kernel.money import Money
from kernel.rates import Rates
from pam.player import Player


class CasinoPlay:
    """Plays games of our own.

    Args:
        permits: Asks whether a player may play.
        games: What is offered, by the day.
        random: Draws outcomes.
        ledger: Keeps rounds with their money.
        rates: Puts terms into the currencies of accounts.
        clock: Says which day it is.
    """

    def __init__(
        self,
        *,
        permits: Permits,
        games: Games,
        random: RandomNumbers,
        ledger: RoundLedger,
        rates: Rates,
        clock: Clock,
    ) -> None:
        self._permits = permits
        self._games = games
        self._random = random
        self._ledger = ledger
        self._rates = rates
        self._clock = clock

    def offers_for(self, player: Player) -> list[OfferedGame]:
        """Return what is offered today, in the currency of the player's account."""
        return [self._offer(edition, player.currency) for edition in self._games.on(self._today())]

    async def spin(self, player: Player, request_id: UUID, *, game_code: str, stake: Money) -> Played:
        """Play a round, once for each request id; a stored answer is found before anything refuses.

        Raises:
            DomainError: Why there is no round, with what would be accepted; nothing moved.
        """
        fingerprint = fingerprint_of(game_code, stake.amount_minor, stake.currency)
        try:
            offer = self._expect(player, game_code, stake)
        except DomainError:
            played = await self._ledger.find(player.player_id, request_id, fingerprint)
            if played is None:
                raise
            return played
        stops = offer.game.draw(self._random)
        return await self._ledger.play(
            SpinCommand(
                request_id=request_id,
                player_id=player.player_id,
                account_id=player.cash_account_id,
                fingerprint=fingerprint,
                game_code=offer.game.code,
                game_version=offer.game.version,
                stops=stops,
                stake=stake,
                win=Money(offer.game.win_minor(stops, stake.amount_minor), stake.currency),
                stake_minor_max=offer.terms.stake_minor_max,
                cycle_ms=offer.terms.cycle_ms,
            )
        )

    def _expect(self, player: Player, game_code: str, stake: Money) -> OfferedGame:
        self._permits.expect(player, Product.CASINO_GAME, amount=stake)
        offer = self._offer(self._games.find(game_code, self._today()), player.currency)
        offer.expect_stake(stake)
        return offer

    def _offer(self, edition: GameEdition, currency: str) -> OfferedGame:
        terms = edition.terms.in_currency(self._rates.rate_of(currency), unit_minor=edition.game.stake_unit_minor)
        return OfferedGame(edition.game, terms, currency)

    def _today(self) -> date:
        return datetime.fromtimestamp(self._clock.now_us() / 1_000_000, tz=UTC).date()
