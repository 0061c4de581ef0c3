"""A match day from the command line: played to its end, every bet settled, never two at once."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys

import asyncpg
import pytest

from infra.settings import ROOT, Settings
from overround.bets.v1 import bet_pb2
from tests.e2e.client import wait_for
from tests.e2e.conftest import Overround
from tests.running_system import RunningSystem

SEED = 20261121
DAY = ("simulate", "--seed", str(SEED), "--matches", "2", "--speed", "250")
SETTLED_LIMIT_S = 120.0
REFUSED_LIMIT_S = 180


@pytest.mark.timeout(900)
def test_a_day_is_played_to_its_end_and_its_bets_are_settled(system: RunningSystem, overround: Overround) -> None:
    told = overround(system.settings)(*DAY).stdout
    assert _figure("days played to the end", told) == 1
    taken = _figure("bets taken", told)
    assert taken > 0
    settled = {bet_pb2.BET_STATUS_SETTLED: taken}
    wait_for(
        lambda: asyncio.run(_count_by_status(system.settings)) == settled or None,
        what="every bet settled",
        limit_s=SETTLED_LIMIT_S,
    )


@pytest.mark.timeout(900)
def test_a_second_day_beside_the_system_s_own_is_refused_with_what_to_do(system: RunningSystem) -> None:
    system.start("simulation")
    try:
        refused = subprocess.run(
            [sys.executable, "-m", "infra.cli", *DAY],
            env={**os.environ, **system.settings.environment()},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=REFUSED_LIMIT_S,
            check=False,
        )
    finally:
        system.stop("simulation")
    assert refused.returncode == 1
    assert "overround stop simulation" in " ".join(refused.stdout.split())


def _figure(name: str, table: str) -> int:
    found = re.search(rf"{name}[^\d\n]+([\d,]+)", table)
    assert found is not None, table
    return int(found.group(1).replace(",", ""))


async def _count_by_status(settings: Settings) -> dict[int, int]:
    """Return how many bets on fixtures of the newest day stand how: a football and a tennis match."""
    connection = await asyncpg.connect(settings.postgres_dsn)
    try:
        rows = await connection.fetch(BETS_OF_THE_DAY, f"sim:{SEED}-%")
    finally:
        await connection.close()
    return {row["status"]: row["count"] for row in rows}


BETS_OF_THE_DAY = """
WITH leg AS (SELECT bet_id, fixture_id FROM bets.leg WHERE fixture_id LIKE $1)
SELECT bet.status, count(*) AS count
FROM bets.bet AS bet JOIN leg USING (bet_id)
WHERE split_part(leg.fixture_id, ':', 2) = (SELECT max(split_part(fixture_id, ':', 2)) FROM leg)
GROUP BY bet.status
"""
