"""Let a restored ledger go on: `overround ledger adopt`."""

from __future__ import annotations

import asyncio
import getpass

import asyncpg

from infra.settings import Settings
from infra.stores.anchor_log import read_anchors
from infra.stores.ledger_anchors import NEWEST_COMPARED, expect_told_is_there
from infra.stores.ledger_epoch import adopt
from infra.stores.log_place import LogPlace, read_place
from infra.stores.postgres import UNAVAILABLE, Connection, PositionsNotOwn, expect_own_positions
from infra.stores.told_log import LogNotOwn, adopt_log, expect_own_log
from kernel.errors import Unavailable

CONNECT_TIMEOUT_S = 5


def run_adoption(settings: Settings) -> str:
    """Raise the ledger's epoch where it, or its log, is another than it was or was set back; return what was done."""
    try:
        return asyncio.run(_adopt(settings))
    except UNAVAILABLE as error:
        return f"PostgreSQL could not be asked: {type(error).__name__}: {error}"
    except Unavailable as error:
        return f"Nothing was changed. {error}"


async def _adopt(settings: Settings) -> str:
    connection = await asyncpg.connect(settings.postgres_dsn, timeout=CONNECT_TIMEOUT_S)
    try:
        place = await asyncio.to_thread(read_place, settings.kafka_client, client_id="adoption")
        foreign = await _find_foreign(connection, settings, place)
        if not foreign:
            epoch = await expect_own_positions(connection)
            return f"The ledger's positions are of this cluster already (epoch {epoch}): nothing was changed"
        async with connection.transaction():
            epoch = await adopt(connection, adopted_by=getpass.getuser())
            if any(isinstance(error, LogNotOwn) for error in foreign):
                await adopt_log(connection, place)
        return f"The ledger goes on here in epoch {epoch}; the relay leads within seconds"
    finally:
        await connection.close()


async def _find_foreign(connection: Connection, settings: Settings, place: LogPlace) -> list[Unavailable]:
    """Return what keeps the ledger from going on here: its own positions, its log, or both."""
    foreign: list[Unavailable] = []
    try:
        await expect_own_positions(connection)
        told = await asyncio.to_thread(read_anchors, settings.kafka_client, newest=NEWEST_COMPARED)
        await expect_told_is_there(connection, told)
    except PositionsNotOwn as error:
        foreign.append(error)
    try:
        await expect_own_log(connection, place)
    except LogNotOwn as error:
        foreign.append(error)
    return foreign
