"""What games returned, as `overround games` tells it from the rounds of a real PostgreSQL."""

from __future__ import annotations

import asyncio
import io

import asyncpg
from rich.console import Console

from infra.game_report import show_games
from infra.settings import Settings
from tests.ledger_world import open_world, scratch_database

MANY = """
    INSERT INTO casino.round (
        round_id, player_id, request_id, account_id, game_code, game_version, stops, stake_minor, win_minor, currency,
        time_us
    )
    SELECT gen_random_uuid(), r.player_id, gen_random_uuid(), r.account_id, 'triple_bell', 1, '{0,0,0}', 100, $1, 'EUR',
        n
    FROM casino.round r, generate_series(1, 100000) AS n WHERE r.stake_minor = 100 LIMIT 100000
"""


def shown(settings: Settings) -> tuple[int, str]:
    console = Console(file=io.StringIO(), width=240, record=True)
    code = show_games(settings, console)
    return code, console.export_text()


async def test_a_game_is_shown_with_what_it_returned_and_one_that_is_off_is_told(settings: Settings) -> None:
    async with scratch_database(settings) as scratch:
        async with open_world(scratch) as world:
            player = await world.open_player(cash_minor=1_000)
            await world.spin(player, (0, 0, 0), win_minor=0)
        code, text = await asyncio.to_thread(shown, scratch)
        assert code == 0
        assert "too few" in text
        for win_minor, is_off in ((95, False), (50, True)):
            connection = await asyncpg.connect(scratch.postgres_dsn)
            await connection.execute(
                "SET session_replication_role = replica; DELETE FROM casino.round WHERE time_us < 1000000"
            )
            await connection.execute(MANY, win_minor)
            await connection.close()
            code, text = await asyncio.to_thread(shown, scratch)
            assert ("chance does not explain" in text) is is_off
            assert code == int(is_off)
