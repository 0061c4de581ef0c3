"""Random numbers that are told in advance, and a ledger of rounds in memory."""

from __future__ import annotations

from uuid import UUID, uuid4

from casino.rounds import Played, Round, SpinCommand
from kernel.commands import RequestIdReused
from wallet.balance import Balance


class FakeRandomNumbers:
    """Gives the numbers that it is told, and notes below what they were wanted."""

    def __init__(self, *numbers: int) -> None:
        self.numbers = iter(numbers)
        self.bounds: list[int] = []

    def below(self, bound: int) -> int:
        self.bounds.append(bound)
        return next(self.numbers)


class FakeRounds:
    """Keeps what was played, and its answers."""

    def __init__(self) -> None:
        self.commands: list[SpinCommand] = []
        self.answers: dict[UUID, tuple[bytes, Played]] = {}

    async def play(self, command: SpinCommand) -> Played:
        if (known := await self.find(command.player_id, command.request_id, command.fingerprint)) is not None:
            return known
        self.commands.append(command)
        played = Played(
            Round(
                round_id=uuid4(),
                player_id=command.player_id,
                account_id=command.account_id,
                game_code=command.game_code,
                game_version=command.game_version,
                stops=command.stops,
                stake=command.stake,
                win=command.win,
                time_us=1,
            ),
            Balance(1_000, 0, command.stake.currency, 2),
        )
        self.answers[command.request_id] = (command.fingerprint, played)
        return played

    async def find(self, player_id: UUID, request_id: UUID, fingerprint: bytes) -> Played | None:
        if request_id not in self.answers:
            return None
        kept, played = self.answers[request_id]
        if kept != fingerprint:
            raise RequestIdReused("reused")
        return played

    async def get_round(self, player_id: UUID, round_id: UUID) -> Round | None:
        found = [played.round for _, played in self.answers.values() if played.round.round_id == round_id]
        return found[0] if found and found[0].player_id == player_id else None

    async def list_rounds(self, player_id: UUID, *, size: int, before: str) -> tuple[list[Round], str]:
        return [played.round for _, played in self.answers.values() if played.round.player_id == player_id][::-1], ""
