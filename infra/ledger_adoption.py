"""Let a restored ledger go on: `overround ledger adopt`."""

from __future__ import annotations

import asyncio
import getpass

import asyncpg

from infra.settings import Settings
from infra.stores.anchor_log import read_anchors
from infra.stores.ledger_anchors import NEWEST_COMPARED, expect_told_is_there
from infra.stores.ledger_epoch import adopt
from infra.stores.postgres import UNAVAILABLE, PositionsNotOwn, expect_own_positions
from kernel.errors import Unavailable

CONNECT_TIMEOUT_S = 5


def run_adoption(settings: Settings) -> str:
    """Raise the ledger's epoch where it was restored elsewhere or set back; return what was done."""
    try:
        return asyncio.run(_adopt(settings))
    except UNAVAILABLE as error:
        return f"PostgreSQL could not be asked: {type(error).__name__}: {error}"
    except Unavailable as error:
        return f"Nothing was changed. {error}"


async def _adopt(settings: Settings) -> str:
    connection = await asyncpg.connect(settings.postgres_dsn, timeout=CONNECT_TIMEOUT_S)
    try:
        epoch = await expect_own_positions(connection)
        told = await asyncio.to_thread(read_anchors, settings.kafka_client, newest=NEWEST_COMPARED)
        await expect_told_is_there(connection, told)
        return f"The ledger's positions are of this cluster already (epoch {epoch}): nothing was changed"
    except PositionsNotOwn:
        epoch = await adopt(connection, adopted_by=getpass.getuser())
        return f"The ledger goes on here in epoch {epoch}; the relay leads within seconds"
    finally:
        await connection.close()
