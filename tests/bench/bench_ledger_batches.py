"""What batches of bets and pages of settlement cost: `python -m tests.bench.bench_ledger_batches [rounds]`."""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from uuid import uuid4

import uvloop

from infra.settings import load_settings
from pam.player import Player
from tests.ledger_world import LedgerWorld, build_command, open_world, scratch_database, settlement

BATCHES = (1, 10, 100)
PAGES = (1, 10, 50)
PLAYERS = 300
CASH_MINOR = 1_000_000
ROUNDS = 40


async def main(rounds: int) -> None:
    async with scratch_database(load_settings("test")) as settings, open_world(settings) as world:
        for line in await measure(world, rounds):
            sys.stdout.write(f"{line}\n")


async def measure(world: LedgerWorld, rounds: int) -> list[str]:
    """Return a line for each size of a batch and of a page, with the quickest round and the one in the middle."""
    players = [await world.open_player(cash_minor=CASH_MINOR) for _ in range(PLAYERS)]
    lines = []
    for size in BATCHES:
        taken_ms = [await measured(partial(place, world, players, size)) for _ in range(rounds)]
        lines.append(describe(f"{size} bets", size, taken_ms))
    for size in PAGES:
        taken_ms = [await settle(world, players, size) for _ in range(rounds)]
        lines.append(describe(f"a page of {size}", size, taken_ms))
    return lines


async def place(world: LedgerWorld, players: list[Player], size: int) -> None:
    fixture_id = f"bench:{random.randrange(20)}"
    bets = [build_command(player, 100, fixture_id) for player in random.sample(players, size)]
    answers = await asyncio.gather(*(world.bets.place(bet) for bet in bets))
    assert all(answer.bet for answer in answers)


async def settle(world: LedgerWorld, players: list[Player], size: int) -> float:
    fixture_id = f"bench:settled:{uuid4().hex}"
    bets = [build_command(player, 100, fixture_id) for player in random.sample(players, size)]
    await asyncio.gather(*(world.bets.place(bet) for bet in bets))
    result, key = settlement(home_won=True), f"bench/{fixture_id}"
    return await measured(lambda: world.apply(fixture_id, result, key=key, page_size=size + 1))


async def measured(action: Callable[[], Awaitable[object]]) -> float:
    begun_s = time.perf_counter()
    await action()
    return (time.perf_counter() - begun_s) * 1_000


def describe(what: str, size: int, taken_ms: list[float]) -> str:
    best_ms, middle_ms = min(taken_ms), statistics.median(taken_ms)
    return f"{what:>12}: {best_ms:6.2f} ms ({size / best_ms * 1_000:7,.0f}/s), in the middle {middle_ms:6.2f} ms"


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS))
