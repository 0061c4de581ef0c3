"""Games of our own, and the random numbers that they are drawn from."""

from __future__ import annotations

import asyncio
import os
import secrets
from typing import Final

import structlog

from casino.play import CasinoPlay
from casino.randomness import GameRandomness
from gateway.casino_service import CasinoService
from infra.games import read_games
from infra.processes.parts.part import Part
from infra.processes.parts.shared import Shared
from infra.stores.postgres_rounds import PostgresRounds
from kernel.errors import Unavailable

PASSING_MS_MAX: Final = 2_000
TESTING_S: Final = 30.0

log = structlog.get_logger(__name__)


def make_casino(shared: Shared) -> Part:
    """Return the games that the house offers."""
    games = read_games(shared.settings.house_dir)
    random = GameRandomness(entropy=os.urandom, process_id=os.getpid, clock=shared.clock)
    ledger = PostgresRounds(shared.postgres, shared.settings.ledger)
    shared.stack.push_async_callback(ledger.close)
    play = CasinoPlay(
        permits=shared.permits,
        games=games,
        random=random,
        ledger=ledger,
        rates=shared.house.rates,
        clock=shared.clock,
    )

    async def keep_random() -> None:
        await keep_moving(random)

    return Part(services=(CasinoService(play=play, ledger=ledger, games=games),), works=(keep_random,))


async def keep_moving(random: GameRandomness) -> None:
    """Pass numbers over at moments that nobody can foresee; where the tests fail, test again every so often.

    Nothing else of the gateway stops for a generator that fails: its games alone are refused until it passes.
    """
    while True:
        try:
            random.pass_over()
            await asyncio.sleep(secrets.randbelow(PASSING_MS_MAX) / 1_000)
        except Unavailable as error:
            log.error("casino.randomness_failed", complaint=error.message)
            await asyncio.sleep(TESTING_S)
            _test(random)


def _test(random: GameRandomness) -> None:
    try:
        random.test()
        log.warning("casino.randomness_passes_again")
    except Unavailable:
        return
